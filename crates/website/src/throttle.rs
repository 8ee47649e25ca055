//! Guessing passwords is slow.

use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter, clock::Clock as _};
use std::{num::NonZeroU32, sync::Arc, time::Duration};

/// Attempts a minute that one address, and one name, may make.
const PER_MINUTE: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");

/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct Throttle(Arc<DefaultKeyedRateLimiter<String>>);

impl Default for Throttle {
    fn default() -> Self {
        Self(Arc::new(RateLimiter::keyed(Quota::per_minute(PER_MINUTE))))
    }
}

impl Throttle {
    /// Counts an attempt under each of these keys.
    ///
    /// # Errors
    /// How long to wait, where one of them has made too many.
    pub fn attempt(&self, keys: &[String]) -> Result<(), Duration> {
        // Keys that have been quiet for a while are as good as new.
        if self.0.len() > 10_000 {
            self.0.retain_recent();
        }
        for key in keys {
            self.0
                .check_key(key)
                .map_err(|denied| denied.wait_time_from(governor::clock::DefaultClock::default().now()))?;
        }
        Ok(())
    }
}
