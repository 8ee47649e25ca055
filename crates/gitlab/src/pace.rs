//! How fast a token may ask its instance, so that it is asked no faster.
//!
//! GitLab tells with each answer how many requests are left in its window, and when the next one begins: then the last few
//! are left to people, and whoever comes after them waits. Where an instance does not tell, the rate at which it said
//! stop is the rate that it bears, and a little more is tried as time goes by.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use tokio::time::Instant;

use crate::transport::Answer;
use crate::{Error, response};

/// A wait that is not worth giving up one's place for.
const PATIENCE: Duration = Duration::from_secs(5);
/// Of a window's requests this part is left to people who work with the same account.
const KEPT_BACK: u32 = 50;
/// What an instance bears is judged by this time.
const WINDOW: Duration = Duration::from_mins(1);
/// Answers that are remembered to judge by.
const REMEMBERED: usize = 4096;
/// By which part a rate that was learnt grows within a minute.
const GROWTH: f64 = 0.02;
/// The least rate, in requests per second.
const LEAST: f64 = 0.1;
/// The first wait after a refusal that names none; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// See the module. One for each token; it is shared by all that ask with it.
#[derive(Debug, Default)]
pub(crate) struct Pace(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    told: Option<Told>,
    /// Asked and not answered yet.
    in_flight: u32,
    /// Nothing is asked before this.
    closed_until: Option<Instant>,
    /// Refusals in a row.
    refusals: u32,
    /// Requests per second that a silent instance bears; none: it has not refused any.
    rate: Option<f64>,
    /// At this rate, the next one may go then.
    next: Option<Instant>,
    /// When it answered well of late.
    answered: VecDeque<Instant>,
}

/// What an instance told last.
#[derive(Debug, Clone, Copy)]
struct Told {
    limit: u32,
    remaining: u32,
    until: Instant,
}

/// How a request was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answered {
    /// Some answer.
    Well,
    /// That there were too many, and perhaps how long to wait.
    Refused(Option<Duration>),
}

/// Leave to ask once.
#[derive(Debug)]
pub(crate) struct Turn<'a>(&'a Pace);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.in_flight = state.in_flight.saturating_sub(1);
    }
}

impl Pace {
    /// Waits for leave to ask, where that does not take long.
    ///
    /// # Errors
    /// [`Error::RateLimited`] where it would.
    pub(crate) async fn turn(&self) -> Result<Turn<'_>, Error> {
        loop {
            let wait = match self.state().ask(Instant::now()) {
                Ok(()) => return Ok(Turn(self)),
                Err(wait) => wait,
            };
            if wait > PATIENCE {
                return Err(Error::RateLimited { retry_after: Some(wait) });
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// An answer has come.
    pub(crate) fn heard(&self, answer: &Answer) {
        let number = |name: &str| answer.headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
        let now = Instant::now();
        // By the instance's own clock, where it tells it: ours may be another.
        let theirs = response::date(&answer.headers).unwrap_or_else(Utc::now);
        let told = match (number("ratelimit-limit"), number("ratelimit-remaining"), number("ratelimit-reset")) {
            (Some(limit), Some(remaining), Some(reset)) => Some(Told {
                limit: u32::try_from(limit).unwrap_or(0),
                remaining: u32::try_from(remaining).unwrap_or(0),
                until: now + until(reset, theirs),
            }),
            _ => None,
        };
        let answered = match answer.status {
            StatusCode::TOO_MANY_REQUESTS => Answered::Refused(response::retry_after(&answer.headers, Utc::now())),
            _ => Answered::Well,
        };
        self.state().heard(now, told, answered);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change of it is whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// From now until a time in seconds since 1970; whole seconds are rounded up, and nobody is believed who says more than an
/// hour.
fn until(reset: i64, now: DateTime<Utc>) -> Duration {
    let millis = reset.saturating_add(1).saturating_mul(1000).saturating_sub(now.timestamp_millis());
    Duration::from_millis(u64::try_from(millis).unwrap_or(0)).min(Duration::from_hours(1))
}

impl State {
    fn ask(&mut self, now: Instant) -> Result<(), Duration> {
        if let Some(closed) = self.closed_until.filter(|closed| *closed > now) {
            return Err(closed - now);
        }
        if let Some(told) = self.told.filter(|told| told.until > now) {
            if told.remaining <= self.in_flight + told.limit / KEPT_BACK {
                return Err(told.until - now);
            }
        } else if let Some(rate) = self.rate {
            if let Some(next) = self.next.filter(|next| *next > now) {
                return Err(next - now);
            }
            self.next = Some(now + Duration::from_secs_f64(1.0 / rate));
        }
        self.in_flight += 1;
        Ok(())
    }

    fn heard(&mut self, now: Instant, told: Option<Told>, answered: Answered) {
        match (told, self.told) {
            // Answers overtake each other: within a window, the least counts.
            (Some(new), Some(old)) if new.until.duration_since(old.until) < Duration::from_secs(2) => {
                let until = new.until.min(old.until);
                self.told = Some(Told { remaining: new.remaining.min(old.remaining), until, ..old });
            }
            (Some(new), _) => self.told = Some(new),
            (None, _) => {}
        }
        match answered {
            Answered::Well => self.went_well(now),
            Answered::Refused(wait) => self.was_refused(now, told.is_some(), wait),
        }
    }

    fn was_refused(&mut self, now: Instant, told: bool, wait: Option<Duration>) {
        // Those that were under way together are refused together, and count once.
        if self.closed_until.is_none_or(|closed| closed <= now) {
            self.refusals += 1;
            self.forget(now);
            // Whoever was idle before has learnt nothing about the rate.
            let busy = self.answered.front().is_some_and(|first| now.duration_since(*first) > WINDOW / 2)
                || self.answered.len() >= 20;
            if !told && self.refusals == 1 && busy {
                #[expect(clippy::cast_precision_loss, reason = "a count below 4096")]
                let borne = self.answered.len() as f64 / WINDOW.as_secs_f64();
                self.rate = Some((borne * 0.9).max(LEAST));
            }
        }
        let doubled = FIRST_WAIT.saturating_mul(2_u32.saturating_pow(self.refusals.clamp(1, 7) - 1)).min(WINDOW);
        self.closed_until = self.closed_until.max(Some(now + wait.unwrap_or(doubled)));
    }

    fn went_well(&mut self, now: Instant) {
        self.refusals = 0;
        if self.answered.len() == REMEMBERED {
            self.answered.pop_front();
        }
        self.answered.push_back(now);
        // A little more within each minute of steady work.
        self.rate = self.rate.map(|rate| rate * (1.0 + GROWTH / (rate * WINDOW.as_secs_f64()).max(1.0)));
    }

    fn forget(&mut self, now: Instant) {
        while self.answered.front().is_some_and(|at| now.duration_since(*at) > WINDOW) {
            self.answered.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(limit: u32, remaining: u32, until: Instant) -> Told {
        Told { limit, remaining, until }
    }

    /// An instance that allows `limit` requests in each minute, and perhaps says so.
    struct Instance {
        limit: u32,
        says: bool,
        since: Instant,
        used: u32,
    }

    impl Instance {
        fn answer(&mut self, now: Instant) -> (Option<Told>, Answered) {
            if now.duration_since(self.since) >= WINDOW {
                (self.since, self.used) = (now, 0);
            }
            self.used += 1;
            let told = told(self.limit, self.limit.saturating_sub(self.used), self.since + WINDOW);
            let answered = if self.used > self.limit { Answered::Refused(None) } else { Answered::Well };
            (self.says.then_some(told), answered)
        }
    }

    /// Asks until it is answered well so often, eight at a time; returns refusals and the time that it took.
    fn crawl(limit: u32, says: bool, wanted: u32) -> (u32, Duration) {
        let start = Instant::now();
        let mut now = start;
        let mut instance = Instance { limit, says, since: start, used: 0 };
        let (mut state, mut done, mut refused) = (State::default(), 0, 0);
        while done < wanted {
            let mut asked = 0;
            let wait = loop {
                match state.ask(now) {
                    Ok(()) if asked < 7 => asked += 1,
                    Ok(()) => {
                        asked += 1;
                        break Duration::ZERO;
                    }
                    Err(wait) => break wait,
                }
            };
            for _ in 0..asked {
                let (told, answered) = instance.answer(now);
                state.in_flight -= 1;
                state.heard(now, told, answered);
                if answered == Answered::Well { done += 1 } else { refused += 1 }
            }
            now += wait.max(Duration::from_millis(20));
        }
        (refused, now - start)
    }

    #[test]
    fn who_is_told_is_never_refused() {
        let (refused, took) = crawl(100, true, 1000);
        assert_eq!(refused, 0);
        assert!(took < Duration::from_mins(11), "98 of 100 are used in each minute: {took:?}");
    }

    #[test]
    fn who_is_not_told_learns_it_from_few_refusals() {
        for limit in [100, 600, 2000] {
            let wanted = 20 * limit;
            let (refused, took) = crawl(limit, false, wanted);
            assert!(f64::from(refused) < 0.02 * f64::from(wanted), "{refused} of {wanted} at {limit} a minute");
            assert!(took < Duration::from_mins(30), "{limit} a minute: {took:?}");
        }
    }

    #[test]
    fn the_last_ones_of_a_window_are_left_to_people() {
        let now = Instant::now();
        let mut state = State { told: Some(told(100, 4, now + WINDOW)), ..State::default() };
        assert_eq!((state.ask(now), state.ask(now)), (Ok(()), Ok(())));
        assert_eq!(state.ask(now), Err(WINDOW), "two are under way, and two are kept back");
        assert_eq!(state.ask(now + WINDOW), Ok(()), "a new one");
    }

    #[test]
    fn a_wish_is_followed() {
        let now = Instant::now();
        let mut state = State::default();
        state.heard(now, None, Answered::Refused(Some(Duration::from_mins(20))));
        assert_eq!(state.ask(now), Err(Duration::from_mins(20)));
        assert!(state.ask(now + Duration::from_mins(21)).is_ok());
    }

    #[test]
    fn a_window_that_never_ends_is_not_believed() {
        let now = Utc::now();
        assert_eq!(until(i64::MAX / 2000, now), Duration::from_hours(1));
        assert_eq!(until(0, now), Duration::ZERO);
    }
}
