//! Small pieces of markup that many pages use, typed and escaped like whole pages.

use super::{area::Completeness, words};
use askama::{Template, filters::HtmlSafe};
use chrono::{DateTime, TimeDelta, Utc};
use trawl_jobs::{JobId, State};
use trawl_protocol::message::ProcessState;

/// A relative time with the exact one on hover, kept fresh by `time.js`.
#[derive(Debug, Template)]
#[template(path = "parts/when.html")]
pub struct When {
    at: DateTime<Utc>,
    now: DateTime<Utc>,
}

impl HtmlSafe for When {}

/// See [`When`].
#[must_use]
pub const fn when(at: DateTime<Utc>, now: DateTime<Utc>) -> When {
    When { at, now }
}

/// The state of a job: a word with a shape. The attribute `data-job-state` lets `live.js` change it in place.
#[derive(Debug, Template)]
#[template(path = "parts/job_state.html")]
pub struct JobState {
    id: JobId,
    state: State,
}

impl HtmlSafe for JobState {}

/// See [`JobState`].
#[must_use]
pub const fn job_state(id: JobId, state: State) -> JobState {
    JobState { id, state }
}

/// How far a job is, as a bar with a number. The attribute `data-job-progress` lets `live.js` change both in place.
#[derive(Debug, Template)]
#[template(path = "parts/job_bar.html")]
pub struct JobBar {
    id: JobId,
    value: f64,
}

impl HtmlSafe for JobBar {}

/// See [`JobBar`]. `value` is between 0 and 1.
#[must_use]
pub fn job_bar(id: JobId, value: f64) -> JobBar {
    JobBar { id, value: value.clamp(0.0, 1.0) }
}

/// How fresh and complete the mirror of an area is.
#[derive(Debug, Template)]
#[template(path = "parts/freshness.html")]
pub struct Freshness<'a> {
    synced_at: Option<DateTime<Utc>>,
    completeness: &'a Completeness,
    now: DateTime<Utc>,
}

impl HtmlSafe for Freshness<'_> {}

/// See [`Freshness`].
#[must_use]
pub const fn freshness(
    synced_at: Option<DateTime<Utc>>,
    completeness: &Completeness,
    now: DateTime<Utc>,
) -> Freshness<'_> {
    Freshness { synced_at, completeness, now }
}

/// GitLab's state of an issue or merge request.
#[derive(Debug, Template)]
#[template(path = "parts/gitlab_state.html")]
pub struct GitlabState<'a> {
    state: &'a str,
}

impl HtmlSafe for GitlabState<'_> {}

impl GitlabState<'_> {
    /// States that the style sheet knows; others look neutral.
    fn class(&self) -> &'static str {
        ["opened", "active", "closed", "merged", "locked", "success", "failed", "running", "pending", "canceled"]
            .into_iter()
            .find(|known| *known == self.state)
            .unwrap_or("other")
    }

    fn word(&self) -> &str {
        if self.state == "opened" { "open" } else { self.state }
    }
}

/// See [`GitlabState`].
#[must_use]
pub const fn gitlab_state(state: &str) -> GitlabState<'_> {
    GitlabState { state }
}

/// The state of a process: a word with a shape.
#[derive(Debug, Template)]
#[template(path = "parts/process_state.html")]
pub struct ProcessPill {
    state: ProcessState,
}

impl HtmlSafe for ProcessPill {}

impl ProcessPill {
    const fn class(&self) -> &'static str {
        match self.state {
            ProcessState::Running => "completed",
            ProcessState::Starting => "running",
            ProcessState::Waiting | ProcessState::Backoff => "waiting",
            ProcessState::Failed => "failed",
            ProcessState::Stopping | ProcessState::Stopped => "aborted",
        }
    }
}

/// See [`ProcessPill`].
#[must_use]
pub const fn process_state(state: ProcessState) -> ProcessPill {
    ProcessPill { state }
}

/// Whether the time since its start says something about a job: not while it waits for its turn, perhaps once more.
#[must_use]
pub const fn has_clock(state: State) -> bool {
    state.is_leased() || !state.is_live()
}

/// How long something took, or has taken so far.
#[must_use]
pub fn span(from: DateTime<Utc>, to: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    words::duration(to.unwrap_or(now) - from)
}

/// How long a process has been in its state. `since_ms` counts milliseconds since 1970.
#[must_use]
pub fn since(since_ms: i64, now: DateTime<Utc>) -> String {
    words::duration(TimeDelta::milliseconds(now.timestamp_millis().saturating_sub(since_ms).clamp(0, 1 << 50)))
}
