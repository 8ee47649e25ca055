//! What follows a failed attempt.

use crate::{ErrorClass, JobError, WaitReason};
use std::time::Duration;

/// Bounds of repetition. One for all kinds; the numbers come from `[pipeline]` in supervisor.toml.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Wait before the second attempt; doubled for each further one.
    pub base: Duration,
    /// Longest wait between attempts.
    pub cap: Duration,
    /// A job whose worker died this often fails as a poison job.
    pub max_crashes: i32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { base: Duration::from_secs(2), cap: Duration::from_mins(5), max_crashes: 3 }
    }
}

/// How often a job has been tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    /// Attempts that count, the failed one included.
    pub attempt: i32,
    /// How many are allowed.
    pub max_attempts: i32,
    /// Workers that died while they ran it, this time included.
    pub crashes: i32,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Tried again, to start no earlier than this from now.
    Retry(Duration),
    /// Parked; the attempt does not count. With a duration it wakes by itself.
    Park(WaitReason, Option<Duration>),
    /// Ended as failed.
    Fail,
}

impl RetryPolicy {
    /// Decides what follows `error`. `dice` is a uniform random number in 0..1: the jitter that keeps jobs that
    /// failed together from coming back together.
    #[must_use]
    pub fn after(&self, error: &JobError, tries: Tries, dice: f64) -> Verdict {
        let asked = error.retry_after_ms.map(Duration::from_millis);
        match error.class {
            ErrorClass::Permanent => Verdict::Fail,
            ErrorClass::Credentials => Verdict::Park(WaitReason::Credentials, None),
            ErrorClass::RateLimited => {
                Verdict::Park(WaitReason::RateLimited, Some(asked.unwrap_or(Duration::from_mins(1))))
            }
            // A dead worker says nothing about the outside world: no reason to wait.
            ErrorClass::Crashed if tries.crashes >= self.max_crashes => Verdict::Fail,
            ErrorClass::Crashed => Verdict::Retry(Duration::ZERO),
            ErrorClass::Transient if tries.attempt >= tries.max_attempts => Verdict::Fail,
            ErrorClass::Transient => Verdict::Retry(asked.unwrap_or_default().max(self.backoff(tries.attempt, dice))),
        }
    }

    /// Exponential, with jitter over its upper half.
    fn backoff(&self, attempt: i32, dice: f64) -> Duration {
        let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(0).min(20);
        let full = self.base.saturating_mul(1 << doublings).min(self.cap);
        full.mul_f64(0.5 + dice.clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ONCE: Tries = Tries { attempt: 1, max_attempts: 5, crashes: 0 };

    #[test]
    fn each_class_has_its_own_end() {
        let policy = RetryPolicy::default();
        let after = |class, tries| policy.after(&JobError::new(class, "x"), tries, 0.0);
        assert_eq!(after(ErrorClass::Permanent, ONCE), Verdict::Fail);
        assert_eq!(after(ErrorClass::Credentials, ONCE), Verdict::Park(WaitReason::Credentials, None));
        assert_eq!(after(ErrorClass::Transient, ONCE), Verdict::Retry(Duration::from_secs(1)));
        assert_eq!(after(ErrorClass::Transient, Tries { attempt: 5, ..ONCE }), Verdict::Fail);
        assert_eq!(
            after(ErrorClass::Crashed, Tries { attempt: 5, crashes: 2, ..ONCE }),
            Verdict::Retry(Duration::ZERO)
        );
        assert_eq!(after(ErrorClass::Crashed, Tries { crashes: 3, ..ONCE }), Verdict::Fail);
    }

    #[test]
    fn a_stated_wait_is_kept() {
        let error = JobError { retry_after_ms: Some(1_200_000), ..JobError::transient("busy") };
        assert_eq!(RetryPolicy::default().after(&error, ONCE, 0.5), Verdict::Retry(Duration::from_mins(20)));
    }

    proptest! {
        #[test]
        fn backoff_stays_within_its_bounds(attempt in 1..10_000_i32, dice in 0.0..1.0_f64) {
            let policy = RetryPolicy::default();
            let wait = policy.backoff(attempt, dice);
            prop_assert!(wait >= policy.base / 2 && wait <= policy.cap);
        }
    }
}
