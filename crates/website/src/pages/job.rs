//! `/jobs/{id}`: everything about one job.

use super::{
    frame::{Frame, Section},
    parts, words,
};
use askama::Template;
use chrono::{DateTime, Utc};
use trawl_jobs::{ErrorClass, JobId, Lane, Level, Progress, State, SubOperation};

/// One job.
#[derive(Debug, Template)]
#[template(path = "job.html")]
pub struct JobPage {
    /// What surrounds the page.
    pub frame: Frame,
    /// The job.
    pub id: JobId,
    /// Its kind as stored.
    pub kind: String,
    /// Path of the area that it is about, or the account.
    pub subject: String,
    /// Page of the area, such as `/explore/project/7`.
    pub subject_href: Option<String>,
    /// The account that reads, such as `maria @ gitlab.example.com`.
    pub account: Option<String>,
    /// Where it stands.
    pub state: State,
    /// Why it failed, or what it waits for, in words.
    pub note: Option<String>,
    /// Attempts that count, the running one included.
    pub attempt: i32,
    /// How many are allowed.
    pub max_attempts: i32,
    /// Worker that holds it, such as `crawler-1`.
    pub worker: Option<String>,
    /// Higher runs first.
    pub priority: i32,
    /// Its lane.
    pub lane: Lane,
    /// When it was submitted.
    pub created_at: DateTime<Utc>,
    /// Not to start before this, where that is in the future.
    pub run_at: Option<DateTime<Utc>>,
    /// When its last attempt began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// How far it is.
    pub progress: Progress,
    /// Things per second of late.
    pub per_second: Option<f64>,
    /// Time until it ends, where it can be told.
    pub seconds_left: Option<i64>,
    /// Newest last; those of `level` only, where that is set.
    pub messages: Vec<JobMessage>,
    /// How many there are per level.
    pub message_counts: Vec<(Level, i64)>,
    /// `level` in the URL.
    pub level: Option<Level>,
    /// Oldest first.
    pub attempts: Vec<Attempt>,
    /// The kind's options as JSON.
    pub payload: String,
    /// Figures for people as JSON, once it has ended.
    pub result: Option<String>,
    /// Where the next attempt goes on, as JSON.
    pub cursor: Option<String>,
    /// The job that led to this one.
    pub parent: Option<RelatedJob>,
    /// Jobs that this one led to.
    pub children: Vec<RelatedJob>,
}

/// One message of a job.
#[derive(Debug, Clone)]
pub struct JobMessage {
    /// Its row, for the live page.
    pub id: i64,
    /// Its weight.
    pub level: Level,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// One sentence.
    pub text: String,
}

/// One claim of a job.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Number of the claim, counted from 1.
    pub number: i64,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Worker that ran it.
    pub worker: String,
    /// How it ended, in a word such as `completed`, `handed back`; none while it runs.
    pub outcome: Option<String>,
    /// Class of the error, where it failed.
    pub error_class: Option<ErrorClass>,
    /// The error in words.
    pub error: Option<String>,
}

/// A job's relative.
#[derive(Debug, Clone)]
pub struct RelatedJob {
    /// The job.
    pub id: JobId,
    /// Its kind as stored.
    pub kind: String,
    /// Path of the area that it is about, or the account.
    pub subject: String,
    /// Where it stands.
    pub state: State,
}

impl JobPage {
    const SECTION: Section = Section::Jobs;
    const LIVE: &str = "job";

    fn title(&self) -> String {
        format!("{} · {}", words::kind(&self.kind), self.subject)
    }

    fn can_abort(&self) -> bool {
        self.state.is_live() && self.state != State::Aborting
    }

    fn can_retry(&self) -> bool {
        matches!(self.state, State::Failed | State::Aborted)
    }

    /// A job that has ended well is done, whatever its parts were last heard to say.
    fn value(&self) -> f64 {
        if self.state == State::Completed { 1.0 } else { self.progress.value() }
    }

    fn part_words(&self, part: &SubOperation) -> String {
        match (part.count, part.total) {
            (Some(count), Some(total)) => format!("{} of {}", words::count(count), words::count(total)),
            (Some(count), None) => words::count(count),
            (None, _) if part.done <= 0.0 && self.state.is_live() => "not begun".to_owned(),
            (None, _) => String::new(),
        }
    }

    /// When the attempt began that runs now or was the last; a job that has to wait again shows none.
    fn begun(&self) -> Option<DateTime<Utc>> {
        self.started_at.filter(|_| parts::has_clock(self.state))
    }

    fn took(&self) -> Option<String> {
        self.begun().map(|started| parts::span(started, self.ended_at, self.frame.now))
    }

    /// When it may start, where that is still to come.
    fn starts_at(&self) -> Option<DateTime<Utc>> {
        self.run_at.filter(|at| *at > self.frame.now && matches!(self.state, State::Queued | State::Waiting))
    }

    fn count_of(&self, level: Level) -> i64 {
        self.message_counts.iter().find(|(counted, _)| *counted == level).map_or(0, |(_, count)| *count)
    }

    fn all_messages(&self) -> i64 {
        self.message_counts.iter().map(|(_, count)| count).sum()
    }
}
