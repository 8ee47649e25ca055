//! `/jobs`: all jobs, filtered by the URL.

use super::{
    frame::{Frame, Section},
    link::Query,
    parts, words,
};
use askama::Template;
use chrono::{DateTime, Utc};
use trawl_jobs::{JobId, JobSpec, Lane, State};

/// The list of jobs.
#[derive(Debug, Template)]
#[template(path = "jobs.html")]
pub struct Jobs {
    /// What surrounds the page.
    pub frame: Frame,
    /// What is shown.
    pub filter: JobFilter,
    /// What was done with the form, in words.
    pub notice: Option<String>,
    /// Jobs per state, with the filters but `kind` left out; states without jobs may be missing.
    pub counts: Vec<(State, i64)>,
    /// Newest first.
    pub rows: Vec<JobRow>,
    /// Key of the next page (`before`): the last row's id, where older ones exist.
    pub older: Option<JobId>,
    /// Key of the page before (`after`): the first row's id, where newer ones exist.
    pub newer: Option<JobId>,
    /// How far the search went, where it stopped before it found a whole page.
    pub searched_to: Option<DateTime<Utc>>,
}

/// The part of the URL that says what is shown; the page key is not part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// `state`.
    pub state: StateFilter,
    /// `kind`: one of [`trawl_jobs::JobSpec::KINDS`].
    pub kind: Option<String>,
    /// `lane`.
    pub lane: Option<Lane>,
    /// `q`: text in the subject, the options or the error.
    pub q: String,
}

/// Which states are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum StateFilter {
    /// All of them; no `state` in the URL.
    #[default]
    All,
    /// `active`: not ended.
    Active,
    /// `past`: ended.
    Past,
    /// The state's own word.
    One(State),
}

/// One job in the list.
#[derive(Debug, Clone)]
pub struct JobRow {
    /// The job.
    pub id: JobId,
    /// Where it stands.
    pub state: State,
    /// Its kind as stored.
    pub kind: String,
    /// Path of the area that it is about, or the account.
    pub subject: String,
    /// The account that reads, such as `maria @ gitlab.example.com`.
    pub account: Option<String>,
    /// 0 to 1.
    pub progress: f64,
    /// Attempts that count, the running one included.
    pub attempt: i32,
    /// How many are allowed.
    pub max_attempts: i32,
    /// Higher runs first.
    pub priority: i32,
    /// Its lane.
    pub lane: Lane,
    /// When it was submitted.
    pub created_at: DateTime<Utc>,
    /// When its last attempt began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it failed or what it waits for, in words.
    pub note: Option<String>,
}

impl StateFilter {
    /// Reads `state` of the URL; what is not understood shows everything.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text {
            "active" => Self::Active,
            "past" => Self::Past,
            other => other.parse().map_or(Self::All, Self::One),
        }
    }

    /// `state` of the URL.
    #[must_use]
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::All => None,
            Self::Active => Some("active"),
            Self::Past => Some("past"),
            Self::One(state) => Some(state.as_str()),
        }
    }

    const fn admits(self, state: State) -> bool {
        match self {
            Self::All => true,
            Self::Active => state.is_live(),
            Self::Past => !state.is_live(),
            // A state does not equal another in a constant function.
            Self::One(only) => only as u8 == state as u8,
        }
    }
}

impl JobFilter {
    fn query(&self, state: StateFilter, kind: Option<&str>) -> Query {
        let lane = self.lane.map(Lane::as_str);
        Query::new("/jobs")
            .with("state", state.as_str())
            .with("kind", kind)
            .with("lane", lane)
            .with("q", Some(self.q.as_str()))
    }

    fn own(&self) -> Query {
        self.query(self.state, self.kind.as_deref())
    }
}

/// A link that changes the filter.
#[derive(Debug)]
struct Chip {
    href: String,
    word: String,
    count: Option<i64>,
    on: bool,
}

impl Jobs {
    const SECTION: Section = Section::Jobs;
    const LIVE: &str = "job";

    fn state_chips(&self) -> Vec<Chip> {
        let groups = [StateFilter::All, StateFilter::Active, StateFilter::Past];
        let states = State::ALL.into_iter().map(StateFilter::One);
        groups.into_iter().chain(states).map(|filter| self.state_chip(filter)).collect()
    }

    fn state_chip(&self, filter: StateFilter) -> Chip {
        let admitted = self.counts.iter().filter(|(state, _)| filter.admits(*state));
        Chip {
            href: self.filter.query(filter, self.filter.kind.as_deref()).url(),
            word: filter.as_str().unwrap_or("all").to_owned(),
            // The counts know nothing of the text.
            count: (self.filter.q.is_empty() && self.filter.lane.is_none())
                .then(|| admitted.map(|(_, count)| count).sum()),
            on: self.filter.state == filter,
        }
    }

    fn kind_chips(&self) -> Vec<Chip> {
        let kinds = JobSpec::KINDS.iter().copied().map(Some);
        let chip = |kind: Option<&str>| Chip {
            href: self.filter.query(self.filter.state, kind).url(),
            word: kind.map_or_else(|| "every kind".to_owned(), words::kind),
            count: None,
            on: self.filter.kind.as_deref() == kind,
        };
        std::iter::once(None).chain(kinds).map(chip).collect()
    }

    /// What comes after the `?` of this list's address.
    fn own_query(&self) -> String {
        self.filter.own().url().split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default()
    }

    fn older_href(&self) -> Option<String> {
        Some(self.filter.own().with("before", Some(&self.older?.to_string())).url())
    }

    fn newer_href(&self) -> Option<String> {
        Some(self.filter.own().with("after", Some(&self.newer?.to_string())).url())
    }

    fn filtered(&self) -> bool {
        self.filter != JobFilter::default()
    }
}

impl JobRow {
    /// Username and host of the account.
    fn who(&self) -> Option<(&str, &str)> {
        let account = self.account.as_deref()?;
        Some(account.split_once(" @ ").unwrap_or((account, "")))
    }

    fn took(&self, now: DateTime<Utc>) -> Option<String> {
        self.started_at.filter(|_| parts::has_clock(self.state)).map(|started| parts::span(started, self.ended_at, now))
    }
}
