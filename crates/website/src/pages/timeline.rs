//! The life of a job on one axis: what it waited, and how each attempt went.

use super::{job::Attempt, words};
use chrono::{DateTime, TimeDelta, Utc};

/// Spans from the submission to the end, or until now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// From left to right, without gaps.
    pub spans: Vec<Span>,
}

/// One span; the axis is [`Timeline::WIDTH`] long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Left edge.
    pub x: i64,
    /// At least what can be seen.
    pub width: i64,
    /// `waits`, `runs`, `done` or `failed`.
    pub sort: &'static str,
    /// What a pointer is told.
    pub title: String,
}

impl Timeline {
    /// Length of the axis in its own units.
    pub const WIDTH: i64 = 1000;
    /// Least width of a span.
    const LEAST: i64 = 3;

    /// Lays attempts, oldest first, between the submission and the end. Where the first ones are not known any more, what
    /// came before the others is shown as waiting.
    #[must_use]
    pub fn new(created: DateTime<Utc>, attempts: &[Attempt], ended: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Self {
        let end = ended.unwrap_or(now).max(created);
        let whole = (end - created).num_milliseconds().max(1);
        let place = |at: DateTime<Utc>| {
            let since = (at - created).num_milliseconds().clamp(0, whole);
            i64::try_from(i128::from(since) * i128::from(Self::WIDTH) / i128::from(whole)).unwrap_or(Self::WIDTH)
        };
        let mut spans = Vec::new();
        let mut add = |from: DateTime<Utc>, to: DateTime<Utc>, sort: &'static str, what: &str| {
            let x = place(from).min(Self::WIDTH - Self::LEAST);
            let width = (place(to) - x).max(Self::LEAST);
            let took = (to - from).max(TimeDelta::zero());
            spans.push(Span { x, width, sort, title: format!("{what}, {}", words::duration(took)) });
        };
        let mut free = created;
        for attempt in attempts {
            let until = attempt.ended_at.unwrap_or(end);
            if attempt.started_at > free {
                add(free, attempt.started_at, "waits", "waits");
            }
            let sort = match attempt.outcome.as_deref() {
                None => "runs",
                Some("completed") => "done",
                Some(_) => "failed",
            };
            let how = attempt.outcome.as_deref().unwrap_or("runs");
            add(attempt.started_at, until, sort, &format!("attempt {} {how}", attempt.number));
            free = until;
        }
        if end > free || attempts.is_empty() {
            add(free, end, "waits", "waits");
        }
        Self { spans }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn attempt(number: i64, from: i64, to: Option<i64>, outcome: Option<&str>) -> Attempt {
        Attempt {
            number,
            started_at: at(from),
            ended_at: to.map(at),
            worker: "w".to_owned(),
            outcome: outcome.map(str::to_owned),
            error_class: None,
            error: None,
        }
    }

    fn spans(timeline: &Timeline) -> Vec<(i64, i64, &'static str)> {
        timeline.spans.iter().map(|span| (span.x, span.width, span.sort)).collect()
    }

    #[test]
    fn waits_and_attempts_fill_the_axis() {
        let attempts = [attempt(1, 20, Some(40), Some("failed")), attempt(2, 50, Some(100), Some("completed"))];
        let timeline = Timeline::new(at(0), &attempts, Some(at(100)), at(500));
        let expected = [(0, 200, "waits"), (200, 200, "failed"), (400, 100, "waits"), (500, 500, "done")];
        assert_eq!(spans(&timeline), expected);
        assert!(timeline.spans[1].title.starts_with("attempt 1 failed"));
    }

    #[test]
    fn what_is_short_or_strange_can_be_seen() {
        assert_eq!(spans(&Timeline::new(at(0), &[], None, at(9))), [(0, 1000, "waits")]);
        let instant = Timeline::new(at(5), &[attempt(1, 5, Some(5), Some("completed"))], Some(at(5)), at(9));
        assert_eq!(spans(&instant), [(0, 3, "done")]);
        // A clock that was set back.
        let back = Timeline::new(at(9), &[attempt(1, 3, None, None)], None, at(2));
        assert_eq!(spans(&back), [(0, 3, "runs")]);
        let late = Timeline::new(at(0), &[attempt(1, 1000, None, None)], None, at(1000));
        assert_eq!(spans(&late), [(0, 1000, "waits"), (997, 3, "runs")]);
    }
}
