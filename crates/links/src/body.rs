//! Reads as much of an answer as is needed, and no more.

use std::time::Duration;

use reqwest::Response;
use tokio::time::timeout;

use crate::{Cause, failure};

/// A body that nobody needs is read up to here, so that the connection serves again; beyond it a new one is cheaper.
const DRAIN_BYTES: usize = 16 << 10;
/// And no longer than this.
const DRAIN_TIME: Duration = Duration::from_millis(250);

/// The beginning of a body.
pub(crate) struct Beginning {
    pub(crate) bytes: Vec<u8>,
    /// There was more.
    pub(crate) cut: bool,
}

/// Reads at most `max` bytes. What came before the time was up is kept: an endless page has a beginning too.
pub(crate) async fn read(mut response: Response, max: usize, timeout_ms: u64) -> Result<Beginning, Cause> {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(None) => return Ok(Beginning { bytes, cut: false }),
            Ok(Some(chunk)) => {
                let room = max - bytes.len();
                bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
                if chunk.len() > room {
                    return Ok(Beginning { bytes, cut: true });
                }
            }
            Err(error) => match failure::cause_of(&error, timeout_ms) {
                Cause::Timeout { .. } if !bytes.is_empty() => return Ok(Beginning { bytes, cut: true }),
                cause => return Err(cause),
            },
        }
    }
}

/// Disposes of a body that nobody needs.
pub(crate) async fn drain(mut response: Response) {
    if response.content_length().is_some_and(|length| length > DRAIN_BYTES as u64) {
        return;
    }
    let drained = timeout(DRAIN_TIME, async {
        let mut total = 0;
        while let Ok(Some(chunk)) = response.chunk().await {
            total += chunk.len();
            if total > DRAIN_BYTES {
                break;
            }
        }
    });
    // Whether it ended, failed or took too long, nobody needs it.
    let _ = drained.await;
}
