use std::time::Duration;

use crate::Error;

/// When a request is tried again. Only transient errors are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Tries in all, the first included; 1 never tries again.
    pub attempts: u32,
    /// Upper bound of the first wait; it doubles with each further one.
    pub base: Duration,
    /// Upper bound of every wait that we choose ourselves.
    pub cap: Duration,
    /// Longest wait that GitLab may ask for. Beyond it the error is returned, so that the caller can wait elsewhere.
    pub max_wait: Duration,
}

impl Default for Retry {
    /// Four tries, waits of up to 0.5 s, 1 s, 2 s; a `Retry-After` of up to 60 s is waited for.
    fn default() -> Self {
        Self {
            attempts: 4,
            base: Duration::from_millis(500),
            cap: Duration::from_secs(20),
            max_wait: Duration::from_mins(1),
        }
    }
}

impl Retry {
    /// How long to wait after the `attempt`th try (from 1) failed with `error`; `None` to give up.
    ///
    /// `jitter` in `0.0..=1.0` picks the point between no wait and the longest one ("full jitter"), so that many
    /// clients that failed together do not come back together. GitLab's own wish is a lower bound.
    #[must_use]
    pub fn wait_after(&self, attempt: u32, error: &Error, jitter: f64) -> Option<Duration> {
        if attempt >= self.attempts || !error.is_transient() {
            return None;
        }
        let ceiling = self.base.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1))).min(self.cap);
        let backoff = ceiling.mul_f64(jitter.clamp(0.0, 1.0));
        match error.retry_after() {
            Some(asked) if asked > self.max_wait => None,
            Some(asked) => Some(asked + backoff),
            None => Some(backoff),
        }
    }
}

/// Told to the observer before each further try.
#[derive(Debug, Clone, Copy)]
pub struct RetryNotice<'a> {
    /// Which operation, e.g. `Issues`.
    pub operation: &'a str,
    /// The try that failed, from 1.
    pub attempt: u32,
    /// Tries in all.
    pub attempts: u32,
    /// How long we wait before the next one.
    pub wait: Duration,
    /// Why it failed.
    pub error: &'a Error,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn doubles_up_to_the_cap() {
        let retry = Retry { attempts: 100, ..Retry::default() };
        let waits: Vec<_> = (1..=8).map(|n| retry.wait_after(n, &Error::Timeout, 1.0).unwrap().as_millis()).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 16000, 20000, 20000]);
    }

    #[test]
    fn permanent_errors_and_the_last_try_are_final() {
        let retry = Retry::default();
        assert_eq!(retry.wait_after(1, &Error::Unauthorized, 0.5), None);
        assert!(retry.wait_after(3, &Error::Timeout, 0.5).is_some());
        assert_eq!(retry.wait_after(4, &Error::Timeout, 0.5), None);
    }

    #[test]
    fn a_long_wish_is_left_to_the_caller() {
        let limited = |seconds| Error::RateLimited { retry_after: Some(Duration::from_secs(seconds)) };
        let retry = Retry::default();
        assert_eq!(retry.wait_after(1, &limited(60), 0.0), Some(Duration::from_mins(1)));
        assert_eq!(retry.wait_after(1, &limited(61), 0.0), None);
    }

    proptest! {
        #[test]
        fn never_waits_less_than_asked_nor_longer_than_allowed(attempt in 1_u32..200, asked in 0_u64..200, jitter in 0.0..=1.0) {
            let retry = Retry { attempts: 1000, ..Retry::default() };
            let asked = Duration::from_secs(asked);
            if let Some(wait) = retry.wait_after(attempt, &Error::RateLimited { retry_after: Some(asked) }, jitter) {
                prop_assert!(wait >= asked);
                prop_assert!(wait <= retry.max_wait + retry.cap);
            } else {
                prop_assert!(asked > retry.max_wait);
            }
        }
    }
}
