//! When to start a process again that has ended, and when to give up. Pure: the time and the dice come from outside.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};
use trawl_settings::SupervisorSettings;

/// The rules, from `[supervisor]`.
#[derive(Debug, Clone, Copy)]
pub struct RestartPolicy {
    first: Duration,
    longest: Duration,
    stable: Duration,
    limit: usize,
    window: Duration,
}

impl From<&SupervisorSettings> for RestartPolicy {
    fn from(settings: &SupervisorSettings) -> Self {
        Self {
            first: Duration::from_millis(settings.restart_first_ms),
            longest: Duration::from_secs(settings.restart_longest_seconds),
            stable: Duration::from_secs(settings.restart_stable_seconds),
            limit: settings.start_limit as usize,
            window: Duration::from_secs(settings.start_limit_seconds),
        }
    }
}

/// What to do about a process that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Start it again after this pause.
    Again(Duration),
    /// Leave it down: so many failures within so long.
    GiveUp(usize, Duration),
}

/// What one process has been through.
#[derive(Debug, Clone, Default)]
pub struct Failures {
    /// Recent ones, oldest first.
    recent: VecDeque<Instant>,
    /// Since it was stable last.
    in_a_row: u32,
}

impl Failures {
    /// It has failed now, after it had been ready for `ready_for`. `dice` is between 0 and 1.
    pub fn failed(&mut self, policy: &RestartPolicy, now: Instant, ready_for: Option<Duration>, dice: f64) -> Verdict {
        if ready_for.is_some_and(|time| time >= policy.stable) {
            *self = Self::default();
        }
        self.recent.push_back(now);
        self.recent.retain(|then| now.duration_since(*then) < policy.window);
        if self.recent.len() >= policy.limit.max(1) {
            return Verdict::GiveUp(self.recent.len(), policy.window);
        }
        let doubled = policy.first.saturating_mul(1_u32.checked_shl(self.in_a_row).unwrap_or(u32::MAX));
        self.in_a_row = self.in_a_row.saturating_add(1);
        // Processes that fell together must not rise together.
        Verdict::Again(doubled.min(policy.longest).mul_f64(dice.clamp(0.0, 1.0).mul_add(0.5, 0.5)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RestartPolicy = RestartPolicy {
        first: Duration::from_millis(50),
        longest: Duration::from_mins(1),
        stable: Duration::from_mins(1),
        limit: 20,
        window: Duration::from_mins(2),
    };

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let (mut failures, start) = (Failures::default(), Instant::now());
        let pauses: Vec<_> = (0_u64..14)
            .map(|n| match failures.failed(&POLICY, start + seconds(n * 61), None, 1.0) {
                Verdict::Again(pause) => pause.as_millis(),
                Verdict::GiveUp(..) => 0,
            })
            .collect();
        assert_eq!(pauses[..4], [50, 100, 200, 400]);
        assert_eq!(pauses[11..], [60_000; 3]);
    }

    #[test]
    fn jitter_shortens_by_half_at_most() {
        let now = Instant::now();
        let pause = |dice| Failures::default().failed(&POLICY, now, None, dice);
        assert_eq!(pause(0.0), Verdict::Again(Duration::from_millis(25)));
        assert_eq!(pause(1.0), Verdict::Again(Duration::from_millis(50)));
    }

    #[test]
    fn a_stable_time_forgives() {
        let (mut failures, start) = (Failures::default(), Instant::now());
        for n in 0..5 {
            failures.failed(&POLICY, start + seconds(n), Some(seconds(59)), 1.0);
        }
        let after = failures.failed(&POLICY, start + seconds(70), Some(seconds(60)), 1.0);
        assert_eq!(after, Verdict::Again(Duration::from_millis(50)));
    }

    #[test]
    fn too_many_within_the_window_is_the_end() {
        let policy = RestartPolicy { limit: 3, ..POLICY };
        let (mut failures, start) = (Failures::default(), Instant::now());
        for n in [0, 119, 240] {
            assert!(matches!(failures.failed(&policy, start + seconds(n), None, 0.5), Verdict::Again(_)), "{n}");
        }
        failures.failed(&policy, start + seconds(241), None, 0.5);
        let last = failures.failed(&policy, start + seconds(242), None, 0.5);
        assert_eq!(last, Verdict::GiveUp(3, seconds(120)));
    }

    #[test]
    fn doubling_never_overflows() {
        let policy = RestartPolicy { limit: usize::MAX, window: Duration::ZERO, ..POLICY };
        let mut failures = Failures::default();
        for _ in 0..100 {
            assert!(
                matches!(failures.failed(&policy, Instant::now(), None, 1.0), Verdict::Again(p) if p <= seconds(60))
            );
        }
    }
}
