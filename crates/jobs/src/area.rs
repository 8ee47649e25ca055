//! Areas: the groups and projects that a GitLab account can reach.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{fmt, str::FromStr};

/// Group or project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AreaKind {
    /// A GitLab group, at any depth.
    Group,
    /// A GitLab project.
    Project,
}

impl AreaKind {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::Project => "project",
        }
    }
}

impl fmt::Display for AreaKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AreaKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "group" => Ok(Self::Group),
            "project" => Ok(Self::Project),
            other => Err(format!("unknown area kind {other:?}")),
        }
    }
}

/// What a worker needs to know to find an area in GitLab. The path is looked up when the job starts, so that a
/// rename between submission and start does no harm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AreaRef {
    /// Group or project.
    pub kind: AreaKind,
    /// GitLab's numeric id: the identity.
    pub gitlab_id: i64,
    /// Full path as of now, such as `platform/infra/gateway`.
    pub full_path: String,
}

impl AreaRef {
    /// A number for what GitLab knows by a name alone, unique within the group or project, such as a branch or a commit: the
    /// same for the same name, another one elsewhere.
    #[must_use]
    pub fn named_id(&self, name: &str) -> i64 {
        let mut digest = Sha256::new();
        for part in [self.kind.as_str(), &self.gitlab_id.to_string(), name] {
            digest.update(part.as_bytes());
            digest.update([0]);
        }
        let first: [u8; 8] = digest.finalize()[..8].try_into().unwrap_or_default();
        // Without the sign, so that it looks like an id.
        i64::from_be_bytes(first) & i64::MAX
    }
}

/// A group or project that a worker came across, with the little that planning and navigation need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundArea {
    /// Group or project.
    pub kind: AreaKind,
    /// GitLab's numeric id.
    pub gitlab_id: i64,
    /// Full path, such as `platform/infra/gateway`.
    pub full_path: String,
    /// Display name.
    pub name: String,
    /// Address in GitLab's own UI.
    pub web_url: Option<String>,
    /// `public`, `internal` or `private`.
    pub visibility: Option<String>,
    /// Archived areas are mirrored once and not refreshed.
    pub archived: bool,
    /// A disabled feature looks like an empty list: planning asks here first. True for groups.
    pub issues_enabled: bool,
    /// See `issues_enabled`.
    pub merge_requests_enabled: bool,
    /// GitLab's access level of the account here (10 Guest … 50 Owner), where GitLab says it.
    pub access_level: Option<i32>,
}

impl FoundArea {
    /// Path of the group that contains this area; none at the top.
    #[must_use]
    pub fn parent_path(&self) -> Option<&str> {
        self.full_path.rsplit_once('/').map(|(parent, _)| parent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_another_thing_elsewhere() {
        let id = |gitlab_id, name| {
            AreaRef { kind: AreaKind::Project, gitlab_id, full_path: "a/b".to_owned() }.named_id(name)
        };
        assert_eq!(id(7, "main"), id(7, "main"));
        assert!(id(7, "main") > 0 && id(7, "main") != id(8, "main") && id(7, "main") != id(7, "next"));
    }
}
