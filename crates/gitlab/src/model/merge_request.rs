use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::open_enum::open_enum;
use super::{Label, Milestone, Note, Person, Timelog};
use crate::page::Page;

open_enum! {
    /// Where a merge request is in its life.
    MergeRequestState {
        /// Open.
        Opened = "opened",
        /// Closed without merging.
        Closed = "closed",
        /// Merging at this moment.
        Locked = "locked",
        /// Merged.
        Merged = "merged",
    }
}

/// How large a merge request's diff is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffStats {
    /// Lines added.
    pub additions: i64,
    /// Lines deleted.
    pub deletions: i64,
    /// Files touched.
    pub file_count: i64,
}

/// A merge request with what hangs on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MergeRequest {
    /// Numeric id on the instance.
    pub id: i64,
    /// Number within its project.
    pub iid: i64,
    /// Numeric id of the project that it belongs to.
    pub project_id: i64,
    /// Numeric id of the project that the branch comes from; `None` when that fork is gone or hidden.
    pub source_project_id: Option<i64>,
    /// Numeric id of the project that it goes to.
    pub target_project_id: i64,
    /// Its title.
    pub title: String,
    /// Markdown text.
    pub description: Option<String>,
    /// Opened, closed, merged.
    pub state: MergeRequestState,
    /// Not ready to be merged.
    pub draft: bool,
    /// Only members may comment.
    pub discussion_locked: bool,
    /// Whether its commits are squashed on merge.
    pub squash: bool,
    /// Branch with the changes.
    pub source_branch: String,
    /// Branch that receives them.
    pub target_branch: String,
    /// Head of the source branch as far as the diff knows it.
    pub diff_head_sha: Option<String>,
    /// The merge commit, once merged.
    pub merge_commit_sha: Option<String>,
    /// Commits in it.
    pub commit_count: Option<i64>,
    /// Size of the diff.
    pub diff_stats: Option<DiffStats>,
    /// Thumbs up.
    pub upvotes: i64,
    /// Thumbs down.
    pub downvotes: i64,
    /// Comments by people.
    pub user_notes_count: Option<i64>,
    /// Estimate in seconds.
    pub time_estimate: i64,
    /// Time spent in seconds.
    pub total_time_spent: i64,
    /// Who opened it; `None` when the account is gone.
    pub author: Option<Person>,
    /// Who works on it.
    pub assignees: Vec<Person>,
    /// Who was asked to review it.
    pub reviewers: Vec<Person>,
    /// Who approved it.
    pub approved_by: Vec<Person>,
    /// Who merged it or set it to merge.
    pub merge_user: Option<Person>,
    /// Its labels.
    pub labels: Vec<Label>,
    /// Its milestone.
    pub milestone: Option<Milestone>,
    /// Address on the instance.
    pub web_url: Option<String>,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was merged.
    pub merged_at: Option<DateTime<Utc>>,
    /// When it was closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// When GitLab had its diff ready.
    pub prepared_at: Option<DateTime<Utc>>,
    /// Nested lists that were longer than asked for and were cut (`labels`, `reviewers` …); empty when complete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub truncated: Vec<String>,
    /// The first notes; `next` leads to the rest. Notes are records of their own, so they are not part of the payload.
    #[serde(skip)]
    pub notes: Page<Note>,
    /// Time that was logged on it. Records of their own as well.
    #[serde(skip)]
    pub timelogs: Vec<Timelog>,
}
