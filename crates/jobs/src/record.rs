//! Mirrored objects on their way from a worker to the database.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What kind of GitLab object a record mirrors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// A group, in detail.
    Group,
    /// A project, in detail.
    Project,
    /// An issue.
    Issue,
    /// A merge request.
    MergeRequest,
    /// A comment or system note on an issue or merge request.
    Note,
}

impl RecordKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Group, Self::Project, Self::Issue, Self::MergeRequest, Self::Note];

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Project => "project",
            Self::Issue => "issue",
            Self::MergeRequest => "merge_request",
            Self::Note => "note",
        }
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RecordKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| format!("unknown record kind {text:?}"))
    }
}

/// One GitLab object. It belongs to the instance and area of the job that reports it; its identity is
/// (instance, kind, `gitlab_id`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What it is.
    pub kind: RecordKind,
    /// GitLab's numeric id.
    pub gitlab_id: i64,
    /// Number within the project, for issues and merge requests.
    pub iid: Option<i64>,
    /// The object that it hangs on: the issue or merge request of a note.
    pub parent: Option<(RecordKind, i64)>,
    /// Title or name; empty for notes.
    pub title: String,
    /// GitLab's word for its state, such as `opened`.
    pub state: Option<String>,
    /// Username of the author.
    pub author: Option<String>,
    /// Times as GitLab tells them.
    pub created_at: Option<DateTime<Utc>>,
    /// Last change; an older one never replaces a newer one.
    pub updated_at: Option<DateTime<Utc>>,
    /// Closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// Merged.
    pub merged_at: Option<DateTime<Utc>>,
    /// Address in GitLab's own UI.
    pub web_url: Option<String>,
    /// Readable by members with Reporter access only: confidential issues, internal notes, and notes on
    /// confidential issues.
    pub confidential: bool,
    /// Everything else, as a JSON object.
    pub payload: String,
}
