//! When something is due again and again. Everything is UTC: there is no hour that comes twice or not at all.

use chrono::{DateTime, TimeDelta, Utc};
use croner::Cron;
use std::str::FromStr as _;

/// Shortest time between two runs, in seconds.
pub const SHORTEST: i64 = 10;
/// Longest time between two runs, in seconds: a year.
pub const LONGEST: i64 = 366 * 86_400;

/// An interval or a cron expression.
#[derive(Debug, Clone)]
pub struct Rhythm(Inner);

#[derive(Debug, Clone)]
enum Inner {
    Every(i64),
    Cron { expression: String, parsed: Box<Cron> },
}

impl Rhythm {
    /// Every so many seconds.
    ///
    /// # Errors
    /// Out of bounds, in words.
    pub fn every(seconds: i64) -> Result<Self, String> {
        if (SHORTEST..=LONGEST).contains(&seconds) {
            Ok(Self(Inner::Every(seconds)))
        } else {
            Err(format!("every_seconds must be between {SHORTEST} and {LONGEST}"))
        }
    }

    /// As a cron expression of five fields says: minute, hour, day of the month, month, day of the week.
    ///
    /// # Errors
    /// It is none, or names no time that will ever come, in words.
    pub fn cron(expression: &str) -> Result<Self, String> {
        let wrong = |why: String| {
            format!("{expression:?} is no cron expression ({why}); write five fields, such as \"30 2 * * 1-5\"")
        };
        if expression.split_whitespace().count() != 5 {
            return Err(wrong("it has not five fields".to_owned()));
        }
        let parsed = Cron::from_str(expression).map_err(|error| wrong(error.to_string()))?;
        if parsed.find_next_occurrence(&DateTime::<Utc>::UNIX_EPOCH, false).is_err() {
            return Err(wrong("it names no time that will ever come".to_owned()));
        }
        Ok(Self(Inner::Cron { expression: expression.to_owned(), parsed: Box::new(parsed) }))
    }

    /// The first time after this one.
    #[must_use]
    pub fn after(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        match &self.0 {
            Inner::Every(seconds) => at + TimeDelta::seconds(*seconds),
            // Far away rather than never, should a calendar know no further time.
            Inner::Cron { parsed, .. } => {
                parsed.find_next_occurrence(&at, false).unwrap_or(at + TimeDelta::seconds(LONGEST))
            }
        }
    }

    /// The next times after this one.
    #[must_use]
    pub fn next(&self, at: DateTime<Utc>, count: usize) -> Vec<DateTime<Utc>> {
        std::iter::successors(Some(self.after(at)), |at| Some(self.after(*at))).take(count).collect()
    }

    /// Seconds between two runs, where that is how it is said.
    #[must_use]
    pub const fn every_seconds(&self) -> Option<i64> {
        match &self.0 {
            Inner::Every(seconds) => Some(*seconds),
            Inner::Cron { .. } => None,
        }
    }

    /// The cron expression, where that is how it is said.
    #[must_use]
    pub fn expression(&self) -> Option<&str> {
        match &self.0 {
            Inner::Every(_) => None,
            Inner::Cron { expression, .. } => Some(expression),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn cron_is_read_in_utc() {
        let rhythm = Rhythm::cron("30 2 * * 1-5").unwrap();
        // A Friday; in Berlin clocks go back on that Sunday, and nothing of it is seen here.
        let next = rhythm.next(at("2026-10-23T12:00:00Z"), 2);
        assert_eq!(next, [at("2026-10-26T02:30:00Z"), at("2026-10-27T02:30:00Z")]);
        assert_eq!(rhythm.after(at("2026-10-26T02:30:00Z")), next[1], "never twice in the same minute");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, word) in [("* * *", "five fields"), ("61 * * * *", "no cron"), ("0 0 31 2 *", "ever come")] {
            let why = Rhythm::cron(text).unwrap_err();
            assert!(why.contains(word), "{why}");
        }
        assert!(Rhythm::every(1).unwrap_err().contains("every_seconds"));
    }

    #[test]
    fn missed_times_are_one() {
        let rhythm = Rhythm::every(60).unwrap();
        let now = at("2026-01-05T00:00:00Z");
        assert_eq!(rhythm.after(now), at("2026-01-05T00:01:00Z"), "whenever it was due before");
    }
}
