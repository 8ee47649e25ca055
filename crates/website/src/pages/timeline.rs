//! The life of a job on one axis: what it waited, how each attempt went, when each part of the work was done, and when
//! something was said.

use super::{
    job::{Attempt, JobMessage},
    words,
};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::BTreeMap;
use trawl_jobs::{Level, SubOperation};

/// Everything between the submission and the end, or until now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timeline {
    /// Waits and attempts, from left to right, without gaps.
    pub spans: Vec<Span>,
    /// The outermost parts of the work that were begun, in their order.
    pub parts: Vec<(String, Span)>,
    /// What was said, from left to right, one mark for all that is in the same place.
    pub marks: Vec<Mark>,
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

/// Messages in one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// Left edge.
    pub x: i64,
    /// The worst of them.
    pub level: Level,
    /// What a pointer is told: the worst of them, and how many others there are.
    pub title: String,
}

/// Instants as places.
#[derive(Debug, Clone, Copy)]
struct Axis {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

impl Axis {
    fn place(self, at: DateTime<Utc>) -> i64 {
        let whole = (self.to - self.from).num_milliseconds().max(1);
        let since = (at - self.from).num_milliseconds().clamp(0, whole);
        i64::try_from(i128::from(since) * i128::from(Timeline::WIDTH) / i128::from(whole)).unwrap_or(Timeline::WIDTH)
    }

    fn span(self, from: DateTime<Utc>, to: DateTime<Utc>, sort: &'static str, what: &str) -> Span {
        let x = self.place(from).min(Timeline::WIDTH - Timeline::LEAST);
        let width = (self.place(to) - x).max(Timeline::LEAST);
        let took = (to - from).max(TimeDelta::zero());
        Span { x, width, sort, title: format!("{what}, {}", words::duration(took)) }
    }
}

/// What is known of a job's life.
#[derive(Debug, Clone, Copy)]
pub struct Life<'a> {
    /// When it was submitted.
    pub created: DateTime<Utc>,
    /// When it ended.
    pub ended: Option<DateTime<Utc>>,
    /// Oldest first.
    pub attempts: &'a [Attempt],
    /// The parts of the work.
    pub parts: &'a [SubOperation],
    /// Oldest first.
    pub messages: &'a [JobMessage],
}

impl Timeline {
    /// Length of the axis in its own units.
    pub const WIDTH: i64 = 1000;
    /// Least width of a span.
    const LEAST: i64 = 3;
    /// Messages that are nearer to each other share a mark.
    const NEAR: i64 = 6;
    /// Parts beyond these are not drawn: the list of parts has them all.
    const PARTS: usize = 12;

    /// Lays a life between the submission and the end. Where the first attempts are not known any more, what came before
    /// the others is shown as waiting.
    #[must_use]
    pub fn new(life: Life<'_>, now: DateTime<Utc>) -> Self {
        let Life { created, ended, attempts, parts, messages } = life;
        let axis = Axis { from: created, to: ended.unwrap_or(now).max(created) };
        Self {
            spans: spans(axis, attempts),
            parts: part_spans(axis, attempts, parts, ended.is_some()),
            marks: marks(axis, messages),
        }
    }
}

fn spans(axis: Axis, attempts: &[Attempt]) -> Vec<Span> {
    let mut spans = Vec::new();
    let mut free = axis.from;
    for attempt in attempts {
        let until = attempt.ended_at.unwrap_or(axis.to);
        if attempt.started_at > free {
            spans.push(axis.span(free, attempt.started_at, "waits", "waits"));
        }
        let sort = match attempt.outcome.as_deref() {
            None => "runs",
            Some("completed") => "done",
            Some(_) => "failed",
        };
        let how = attempt.outcome.as_deref().unwrap_or("runs");
        spans.push(axis.span(attempt.started_at, until, sort, &format!("attempt {} {how}", attempt.number)));
        free = until;
    }
    if axis.to > free || attempts.is_empty() {
        spans.push(axis.span(free, axis.to, "waits", "waits"));
    }
    spans
}

/// A part that is only heard of when it is done is taken to have begun where the one before it, or the attempt, left off.
fn part_spans(axis: Axis, attempts: &[Attempt], parts: &[SubOperation], over: bool) -> Vec<(String, Span)> {
    let mut spans = Vec::new();
    let mut before: Option<DateTime<Utc>> = None;
    for part in parts {
        let Some(began) = part.began() else { continue };
        let ended = part.ended();
        let attempt = attempts.iter().map(|attempt| attempt.started_at).filter(|started| *started <= began).max();
        let from = match ended {
            Some(ended) if ended == began => before.filter(|at| *at <= began).max(attempt).unwrap_or(began),
            _ => began,
        };
        let sort = match ended {
            Some(_) => "done",
            None if over => "failed",
            None => "runs",
        };
        let name = words::kind(&part.name);
        let what = format!("{name}, {}", words::percent(part.value()));
        spans.push((name, axis.span(from, ended.unwrap_or(axis.to), sort, &what)));
        before = before.max(ended);
        if spans.len() == Timeline::PARTS {
            break;
        }
    }
    spans
}

fn marks(axis: Axis, messages: &[JobMessage]) -> Vec<Mark> {
    let mut places: BTreeMap<i64, Vec<&JobMessage>> = BTreeMap::new();
    for message in messages {
        let x = axis.place(message.at);
        places.entry(x - x % Timeline::NEAR).or_default().push(message);
    }
    let weight = |message: &&&JobMessage| Level::ALL.iter().position(|level| *level == message.level);
    let mark = |(x, said): (i64, Vec<&JobMessage>)| {
        // Of equals, the first.
        let worst = said.iter().rev().max_by_key(weight)?;
        let others = match said.len() - 1 {
            0 => String::new(),
            others => format!(" (and {others} more)"),
        };
        let title = format!("{} {}: {}{others}", words::clock(worst.at), worst.level, worst.text);
        Some(Mark { x: x.min(Timeline::WIDTH - Timeline::LEAST), level: worst.level, title })
    };
    places.into_iter().filter_map(mark).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use trawl_jobs::Progress;

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

    fn timeline(attempts: &[Attempt], created: i64, ended: Option<i64>, now: i64) -> Timeline {
        let life = Life { created: at(created), ended: ended.map(at), attempts, parts: &[], messages: &[] };
        Timeline::new(life, at(now))
    }

    fn spans(timeline: &Timeline) -> Vec<(i64, i64, &'static str)> {
        timeline.spans.iter().map(|span| (span.x, span.width, span.sort)).collect()
    }

    #[test]
    fn waits_and_attempts_fill_the_axis() {
        let attempts = [attempt(1, 20, Some(40), Some("failed")), attempt(2, 50, Some(100), Some("completed"))];
        let timeline = timeline(&attempts, 0, Some(100), 500);
        let expected = [(0, 200, "waits"), (200, 200, "failed"), (400, 100, "waits"), (500, 500, "done")];
        assert_eq!(spans(&timeline), expected);
        assert!(timeline.spans[1].title.starts_with("attempt 1 failed"));
    }

    #[test]
    fn what_is_short_or_strange_can_be_seen() {
        assert_eq!(spans(&timeline(&[], 0, None, 9)), [(0, 1000, "waits")]);
        let instant = timeline(&[attempt(1, 5, Some(5), Some("completed"))], 5, Some(5), 9);
        assert_eq!(spans(&instant), [(0, 3, "done")]);
        // A clock that was set back.
        let back = timeline(&[attempt(1, 3, None, None)], 9, None, 2);
        assert_eq!(spans(&back), [(0, 3, "runs")]);
        let late = timeline(&[attempt(1, 1000, None, None)], 0, None, 1000);
        assert_eq!(spans(&late), [(0, 1000, "waits"), (997, 3, "runs")]);
    }

    #[test]
    fn parts_and_messages_are_on_the_same_axis() {
        let mut progress = Progress::default();
        progress.set(&["details"], 1.0, at(40));
        progress.set_counts(&["pages"], 1, Some(2), at(50));
        progress.add(&["never begun"], 1.0);
        let message =
            |second: i64, level, text: &str| JobMessage { id: second, level, at: at(second), text: text.to_owned() };
        let messages = [
            message(30, Level::Info, "begins"),
            message(70, Level::Info, "goes on"),
            message(70, Level::Warning, "slowly"),
            message(70, Level::Warning, "very slowly"),
        ];
        let attempts = [attempt(1, 20, Some(100), Some("failed"))];
        let life = Life {
            created: at(0),
            ended: Some(at(100)),
            attempts: &attempts,
            parts: progress.parts(),
            messages: &messages,
        };
        let timeline = Timeline::new(life, at(500));
        let parts: Vec<_> = timeline.parts.iter().map(|(_, span)| (span.x, span.width, span.sort)).collect();
        assert_eq!(parts, [(200, 200, "done"), (500, 500, "failed")], "from the attempt on; unfinished");
        let marks: Vec<_> = timeline.marks.iter().map(|mark| (mark.x, mark.level)).collect();
        assert_eq!(marks, [(300, Level::Info), (696, Level::Warning)]);
        assert!(timeline.marks[1].title.ends_with("warning: slowly (and 2 more)"), "{}", timeline.marks[1].title);
    }
}
