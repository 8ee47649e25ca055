use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::open_enum::open_enum;
use super::{Label, Milestone, Note, Person, Timelog};
use crate::page::Page;

open_enum! {
    /// Where an issue is in its life.
    IssueState {
        /// Open.
        Opened = "opened",
        /// Closed.
        Closed = "closed",
        /// Locked.
        Locked = "locked",
    }
}

open_enum! {
    /// What an issue is used for.
    IssueType {
        /// A plain issue.
        Issue = "ISSUE",
        /// An incident.
        Incident = "INCIDENT",
        /// A test case.
        TestCase = "TEST_CASE",
        /// A requirement.
        Requirement = "REQUIREMENT",
        /// A task within an issue.
        Task = "TASK",
        /// A service desk ticket.
        Ticket = "TICKET",
    }
}

/// An issue with what hangs on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// Numeric id on the instance.
    pub id: i64,
    /// Number within its project.
    pub iid: i64,
    /// Numeric id of its project.
    pub project_id: Option<i64>,
    /// Its title.
    pub title: String,
    /// Markdown text.
    pub description: Option<String>,
    /// Opened or closed.
    pub state: IssueState,
    /// Issue, incident, task …
    #[serde(rename = "type")]
    pub kind: Option<IssueType>,
    /// Visible to members with at least the Planner or Reporter role, its author and its assignees only.
    pub confidential: bool,
    /// Only members may comment.
    pub discussion_locked: bool,
    /// Weight; Enterprise Edition only.
    pub weight: Option<i64>,
    /// Day it is due.
    pub due_date: Option<NaiveDate>,
    /// Thumbs up.
    pub upvotes: i64,
    /// Thumbs down.
    pub downvotes: i64,
    /// Comments by people.
    pub user_notes_count: i64,
    /// Estimate in seconds.
    pub time_estimate: i64,
    /// Time spent in seconds.
    pub total_time_spent: i64,
    /// Who opened it.
    pub author: Person,
    /// Who works on it.
    pub assignees: Vec<Person>,
    /// Its labels.
    pub labels: Vec<Label>,
    /// Its milestone.
    pub milestone: Option<Milestone>,
    /// Address on the instance.
    pub web_url: String,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// Nested lists that were longer than asked for and were cut (`labels`, `assignees`); empty when complete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub truncated: Vec<String>,
    /// The first notes; `next` leads to the rest. Notes are records of their own, so they are not part of the payload.
    #[serde(skip)]
    pub notes: Page<Note>,
    /// Time that was logged on it. Records of their own as well.
    #[serde(skip)]
    pub timelogs: Vec<Timelog>,
}
