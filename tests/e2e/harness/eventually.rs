//! Waiting for a condition, never for a time.

use std::time::{Duration, Instant};

/// How long something may take that takes a second or two on a machine with nothing else to do.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
const LOOK: Duration = Duration::from_millis(5);

/// Looks again and again until there is something to see.
///
/// # Panics
/// There is nothing for too long.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited {} s for this: {what}", PATIENCE.as_secs());
        tokio::time::sleep(LOOK).await;
    }
}
