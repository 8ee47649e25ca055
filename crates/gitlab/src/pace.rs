//! How fast a token may ask its instance, so that it is asked no faster.
//!
//! GitLab tells with each answer how many requests are left in its window, and when the next one begins: then the last few
//! are left to people, and whoever comes after them waits. Where an instance does not tell, the rate at which it said
//! stop is the rate that it bears, and a little more is tried as time goes by.
//!
//! An instance may have several limits, and tells with each answer the name of the one that it fell under: each is kept by
//! itself, and so is what is known of which route falls under which.

use std::collections::{HashMap, VecDeque};
use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU32, Ordering},
};
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
/// For so long others cannot have taken much of what was left.
const FRESH: Duration = Duration::from_millis(200);
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
pub(crate) struct Pace {
    state: Mutex<State>,
    /// Requests that other processes may have under way with the same token.
    others: AtomicU32,
}

#[derive(Debug, Default)]
struct State {
    /// Limits, by the name that the instance has for them.
    limits: HashMap<String, Limit>,
    /// Under which limit a route fell last.
    fell_under: HashMap<String, String>,
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

/// One of an instance's limits.
#[derive(Debug, Default)]
struct Limit {
    told: Option<Told>,
    /// Nothing that falls under it is asked before this.
    closed_until: Option<Instant>,
}

/// What an instance told last of a limit.
#[derive(Debug, Clone, Copy)]
struct Told {
    limit: u32,
    remaining: u32,
    until: Instant,
    at: Instant,
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
        let mut state = self.0.lock();
        state.in_flight = state.in_flight.saturating_sub(1);
    }
}

impl Pace {
    /// Waits for leave to ask, where that does not take long.
    ///
    /// # Errors
    /// [`Error::RateLimited`] where it would.
    pub(crate) async fn turn(&self, route: &str) -> Result<Turn<'_>, Error> {
        loop {
            let others = self.others.load(Ordering::Relaxed);
            let wait = match self.lock().ask(route, others, Instant::now()) {
                Ok(()) => return Ok(Turn(self)),
                Err(wait) => wait,
            };
            if wait > PATIENCE {
                return Err(Error::RateLimited { retry_after: Some(wait) });
            }
            tokio::time::sleep(wait).await;
        }
    }

    /// So many requests may be under way elsewhere with the same token.
    pub(crate) fn shared_with(&self, others: u32) {
        self.others.store(others, Ordering::Relaxed);
    }

    /// An answer has come.
    pub(crate) fn heard(&self, route: &str, answer: &Answer) {
        let number = |name: &str| answer.headers.get(name)?.to_str().ok()?.trim().parse::<i64>().ok();
        let now = Instant::now();
        // By the instance's own clock, where it tells it: ours may be another.
        let theirs = response::date(&answer.headers).unwrap_or_else(Utc::now);
        let told = match (number("ratelimit-limit"), number("ratelimit-remaining"), number("ratelimit-reset")) {
            (Some(limit), Some(remaining), Some(reset)) => Some(Told {
                limit: u32::try_from(limit).unwrap_or(0),
                remaining: u32::try_from(remaining).unwrap_or(0),
                until: now + until(reset, theirs),
                at: now,
            }),
            _ => None,
        };
        let name = answer.headers.get("ratelimit-name").and_then(|name| name.to_str().ok()).unwrap_or_default();
        let told = told.map(|told| (name, told));
        let answered = match answer.status {
            StatusCode::TOO_MANY_REQUESTS => Answered::Refused(response::retry_after(&answer.headers, Utc::now())),
            _ => Answered::Well,
        };
        self.lock().heard(route, now, told, answered);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change of it is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// From now until a time in seconds since 1970; whole seconds are rounded up, and nobody is believed who says more than an
/// hour.
fn until(reset: i64, now: DateTime<Utc>) -> Duration {
    let millis = reset.saturating_add(1).saturating_mul(1000).saturating_sub(now.timestamp_millis());
    Duration::from_millis(u64::try_from(millis).unwrap_or(0)).min(Duration::from_hours(1))
}

impl State {
    fn ask(&mut self, route: &str, others: u32, now: Instant) -> Result<(), Duration> {
        // A route that was never asked falls under the first limit that comes along, until it is known better.
        let limit = match self.fell_under.get(route) {
            Some(name) => self.limits.get(name),
            None => self.limits.values().next(),
        };
        let (told, closed) = limit.map_or((None, None), |limit| (limit.told, limit.closed_until));
        if let Some(closed) = self.closed_until.max(closed).filter(|closed| *closed > now) {
            return Err(closed - now);
        }
        // Others may have taken it all meanwhile, of a new window as well: one request finds out.
        let unsure = match told {
            Some(told) => now.duration_since(told.at) > FRESH,
            None => self.answered.is_empty(),
        };
        if others > 0 && self.in_flight > 0 && unsure {
            return Err(FRESH / 10);
        }
        if let Some(told) = told.filter(|told| told.until > now) {
            if told.remaining <= self.in_flight + others + told.limit / KEPT_BACK {
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

    fn heard(&mut self, route: &str, now: Instant, told: Option<(&str, Told)>, answered: Answered) {
        if let Some((name, new)) = told {
            if self.fell_under.get(route).is_none_or(|known| known != name) {
                self.fell_under.insert(route.to_owned(), name.to_owned());
            }
            let limit = self.limits.entry(name.to_owned()).or_default();
            limit.told = Some(match limit.told {
                // Answers overtake each other: within a window, the least counts.
                Some(old) if new.until.duration_since(old.until) < Duration::from_secs(2) => {
                    Told { remaining: new.remaining.min(old.remaining), until: new.until.min(old.until), ..new }
                }
                _ => new,
            });
        }
        match (answered, told) {
            (Answered::Well, _) => self.went_well(now),
            (Answered::Refused(wait), Some((name, told))) => {
                let limit = self.limits.entry(name.to_owned()).or_default();
                limit.closed_until = limit.closed_until.max(Some(wait.map_or(told.until, |wait| now + wait)));
            }
            (Answered::Refused(wait), None) => self.was_refused(now, wait),
        }
    }

    /// By an instance that does not say which limit that was.
    fn was_refused(&mut self, now: Instant, wait: Option<Duration>) {
        // Those that were under way together are refused together, and count once.
        if self.closed_until.is_none_or(|closed| closed <= now) {
            self.refusals += 1;
            self.forget(now);
            // Whoever was idle before has learnt nothing about the rate.
            let busy = self.answered.front().is_some_and(|first| now.duration_since(*first) > WINDOW / 2)
                || self.answered.len() >= 20;
            if self.refusals == 1 && busy {
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
        Told { limit, remaining, until, at: Instant::now() }
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
                match state.ask("", 0, now) {
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
                state.heard("", now, told.map(|told| ("all", told)), answered);
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
        let mut state = State::default();
        let ask = |state: &mut State, others, now| state.ask("a", others, now);
        state.heard("a", now, Some(("all", told(100, 4, now + WINDOW))), Answered::Well);
        assert_eq!((ask(&mut state, 0, now), ask(&mut state, 0, now)), (Ok(()), Ok(())));
        assert_eq!(ask(&mut state, 0, now), Err(WINDOW), "two are under way, and two are kept back");
        assert_eq!(ask(&mut state, 0, now + WINDOW), Ok(()), "a new one");
    }

    #[test]
    fn what_others_have_under_way_is_counted_as_well() {
        let now = Instant::now();
        let hear = |state: &mut State, now| {
            state.heard("a", now, Some(("all", Told { at: now, ..told(100, 22, now + WINDOW) })), Answered::Well);
        };
        let asked = |others| {
            let mut state = State::default();
            hear(&mut state, now);
            (0..100).take_while(|_| state.ask("a", others, now).is_ok()).count()
        };
        assert_eq!((asked(0), asked(1), asked(8)), (20, 19, 12));
        let mut state = State::default();
        hear(&mut state, now);
        let later = now + FRESH * 2;
        assert_eq!(state.ask("a", 1, later), Ok(()), "one finds out what is left now");
        assert!(state.ask("a", 1, later).is_err());
        hear(&mut state, later);
        assert_eq!(state.ask("a", 1, later), Ok(()));
    }

    #[test]
    fn each_limit_is_kept_by_itself() {
        let now = Instant::now();
        let mut state = State::default();
        state.heard("members", now, Some(("few", told(10, 0, now + WINDOW))), Answered::Refused(None));
        state.heard("issues", now, Some(("many", told(2000, 1900, now + WINDOW))), Answered::Well);
        assert_eq!(state.ask("members", 0, now), Err(WINDOW));
        assert_eq!(state.ask("issues", 0, now), Ok(()));
        assert_eq!(state.ask("members", 0, now + WINDOW), Ok(()));
    }

    #[test]
    fn a_wish_is_followed() {
        let now = Instant::now();
        let mut state = State::default();
        state.heard("a", now, None, Answered::Refused(Some(Duration::from_mins(20))));
        assert_eq!(state.ask("b", 0, now), Err(Duration::from_mins(20)), "whichever limit it was");
        assert!(state.ask("a", 0, now + Duration::from_mins(21)).is_ok());
    }

    #[test]
    fn a_window_that_never_ends_is_not_believed() {
        let now = Utc::now();
        assert_eq!(until(i64::MAX / 2000, now), Duration::from_hours(1));
        assert_eq!(until(0, now), Duration::ZERO);
    }
}
