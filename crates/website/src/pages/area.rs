//! Groups and projects as the pages show them.

use chrono::{DateTime, Utc};
use trawl_jobs::AreaKind;

/// A link to a group above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crumb {
    /// Our id of the group.
    pub id: i64,
    /// Its display name.
    pub name: String,
}

/// Whether the mirror of an area holds everything that the account can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completeness {
    /// The first pass has not ended yet.
    Pending,
    /// Everything has been read.
    Complete,
    /// Something is left out; the sentence says what and why.
    Incomplete(String),
}

impl Completeness {
    /// The word that is shown and that the style sheet knows.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Complete => "complete",
            Self::Incomplete(_) => "incomplete",
        }
    }

    /// Why it is not complete.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Pending => Some("the first pass has not ended yet"),
            Self::Complete => None,
            Self::Incomplete(reason) => Some(reason),
        }
    }
}

/// One group or project in a list.
#[derive(Debug, Clone)]
pub struct AreaRow {
    /// Our id.
    pub id: i64,
    /// Group or project.
    pub kind: AreaKind,
    /// Full path, such as `platform/infra/gateway`.
    pub full_path: String,
    /// Display name.
    pub name: String,
    /// Archived in GitLab: mirrored once, not refreshed.
    pub archived: bool,
    /// Mirrored issues; 0 for groups.
    pub issues: i64,
    /// Mirrored merge requests; 0 for groups.
    pub merge_requests: i64,
    /// End of the last pass that ended well.
    pub synced_at: Option<DateTime<Utc>>,
    /// Whether everything is there.
    pub completeness: Completeness,
}

impl AreaRow {
    /// Its page.
    #[must_use]
    pub fn href(&self) -> String {
        format!("/explore/{}/{}", self.kind, self.id)
    }

    /// Path of the group that contains it; none at the top.
    #[must_use]
    pub fn parent_path(&self) -> Option<&str> {
        self.full_path.rsplit_once('/').map(|(parent, _)| parent)
    }
}
