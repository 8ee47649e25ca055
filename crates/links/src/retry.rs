use std::time::Duration;

use crate::{Cause, Options, Verdict};

/// How a resource is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// Only its success is believed: many servers answer it wrongly.
    Head,
    Get,
}

/// What has been tried for one link.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tries {
    /// Requests so far.
    pub(crate) attempt: u32,
    /// How many of them met trouble, as against a clear answer.
    pub(crate) troubles: u32,
    /// How many of them say that the link is dead.
    pub(crate) deaths: u32,
}

impl Tries {
    /// After one more request, which failed with `cause`.
    pub(crate) fn note(&mut self, cause: &Cause) {
        self.attempt += 1;
        self.troubles += u32::from(cause.is_trouble());
        self.deaths += u32::from(cause.verdict() == Verdict::Dead);
    }
}

/// When a request is sent again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Retry {
    attempts: u32,
    base: Duration,
    cap: Duration,
}

impl Retry {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            attempts: options.attempts.max(1),
            base: Duration::from_millis(options.backoff_ms),
            cap: Duration::from_millis(options.max_backoff_ms),
        }
    }

    /// How long to wait after a request failed; none to give up. `dice` in 0..1 spreads the waits of many requests that
    /// failed together.
    pub(crate) fn wait_after(&self, tries: Tries, method: Method, cause: &Cause, dice: f64) -> Option<Duration> {
        let doubted = method == Method::Head && matches!(cause, Cause::Status(_));
        let is_final = match cause.verdict() {
            // Told only after a second look, and a look that met trouble is none.
            Verdict::Dead => tries.deaths >= 2,
            _ => tries.attempt >= cause.looks(self.attempts),
        };
        if is_final && !doubted {
            return None;
        }
        let ceiling = match cause {
            Cause::Status(429 | 503) => self.ceiling(tries.troubles),
            // The answer came at once and is no sign of trouble: nothing gets better by waiting.
            Cause::Status(404 | 410) => Duration::ZERO,
            Cause::Status(_) if doubted => Duration::ZERO,
            // Mostly an old connection that the server was tired of; a new one serves at once.
            Cause::Closed(_) if tries.troubles == 1 => self.ceiling(1) / 8,
            _ => self.ceiling(tries.troubles),
        };
        Some(ceiling.mul_f64(0.5 + dice / 2.0))
    }

    /// The longest of our own waits after the `troubles`th failure.
    pub(crate) fn ceiling(&self, troubles: u32) -> Duration {
        self.base.saturating_mul(2_u32.saturating_pow(troubles.saturating_sub(1))).min(self.cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The wait after `attempt` requests that all failed with `cause`.
    fn wait(options: &Options, attempt: u32, method: Method, cause: &Cause, dice: f64) -> Option<u128> {
        let mut tries = Tries::default();
        (0..attempt).for_each(|_| tries.note(cause));
        Retry::new(options).wait_after(tries, method, cause, dice).map(|wait| wait.as_millis())
    }

    #[test]
    fn a_head_that_fails_is_doubted() {
        let once = Options { attempts: 1, ..Options::default() };
        for status in [403, 405, 500, 501] {
            assert_eq!(wait(&once, 1, Method::Head, &Cause::Status(status), 0.5), Some(0), "{status}");
            assert_eq!(wait(&once, 1, Method::Get, &Cause::Status(status), 0.5), None, "{status}");
        }
    }

    #[test]
    fn trouble_ends_after_the_last_attempt() {
        let five = Options::default();
        let closed = Cause::Closed(String::new());
        assert_eq!(wait(&five, 1, Method::Get, &closed, 1.0), Some(25));
        assert_eq!(wait(&five, 2, Method::Get, &closed, 1.0), Some(400));
        assert_eq!(wait(&five, 4, Method::Get, &closed, 0.0), Some(800));
        assert_eq!(wait(&five, 5, Method::Get, &closed, 0.0), None);
        let silent = Cause::Timeout { timeout_ms: 1 };
        assert!(wait(&five, 1, Method::Get, &silent, 0.0).is_some());
        assert_eq!(wait(&five, 2, Method::Get, &silent, 0.0), None);
    }

    #[test]
    fn death_is_told_after_two_looks_that_saw_it() {
        let retry = Retry::new(&Options::default());
        let (gone, closed) = (Cause::Status(410), Cause::Closed(String::new()));
        let mut tries = Tries::default();
        for cause in [&closed, &closed, &gone] {
            tries.note(cause);
            assert!(retry.wait_after(tries, Method::Get, cause, 0.5).is_some());
        }
        tries.note(&gone);
        assert_eq!(retry.wait_after(tries, Method::Get, &gone, 0.5), None);
    }

    proptest! {
        #[test]
        fn waits_stay_within_their_bounds(attempt in 1_u32..1000, dice in 0.0..=1.0) {
            let options = Options { attempts: u32::MAX, ..Options::default() };
            let wait = wait(&options, attempt, Method::Get, &Cause::Status(500), dice).unwrap();
            prop_assert!(wait >= 100 && wait <= u128::from(options.max_backoff_ms));
        }

        #[test]
        fn requests_for_one_link_end(statuses in proptest::collection::vec(proptest::sample::select(vec![404, 410, 429, 500, 503, 403, 0]), 40)) {
            let retry = Retry::new(&Options::default());
            let mut tries = Tries::default();
            let ended = statuses.iter().position(|status| {
                let cause = if *status == 0 { Cause::Closed(String::new()) } else { Cause::Status(*status) };
                let method = if tries.attempt == 0 { Method::Head } else { Method::Get };
                tries.note(&cause);
                retry.wait_after(tries, method, &cause, 0.5).is_none()
            });
            prop_assert!(ended.is_some_and(|at| at < 7));
        }
    }
}
