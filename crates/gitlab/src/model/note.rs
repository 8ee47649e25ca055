use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Person;

/// A comment, a review remark or a system note on an issue or merge request.
#[expect(clippy::struct_excessive_bools, reason = "four independent facts, as GitLab tells them")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Numeric id on the instance.
    pub id: i64,
    /// Markdown text.
    pub body: String,
    /// Written by GitLab itself ("closed", "added label …").
    pub system: bool,
    /// What a system note is about, e.g. `issue-close`.
    pub system_action: Option<String>,
    /// Visible to members with at least the Planner or Reporter role only.
    pub internal: bool,
    /// Whether it belongs to a thread that can be resolved.
    pub resolvable: bool,
    /// Whether that thread is resolved.
    pub resolved: bool,
    /// When it was resolved.
    pub resolved_at: Option<DateTime<Utc>>,
    /// Global id of its thread; notes of one thread share it.
    pub discussion_id: Option<String>,
    /// Who wrote it; `None` when the account is gone.
    pub author: Option<Person>,
    /// Place in the diff, for review remarks.
    pub position: Option<DiffPosition>,
    /// Address of the note on the instance.
    pub web_url: Option<String>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When it, or its thread's state, last changed.
    pub updated_at: DateTime<Utc>,
    /// When its text was last edited.
    pub last_edited_at: Option<DateTime<Utc>>,
}

/// Where in a diff a remark was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiffPosition {
    /// Path of the file.
    pub file_path: String,
    /// Line in the new version.
    pub new_line: Option<i64>,
    /// Line in the old version.
    pub old_line: Option<i64>,
}
