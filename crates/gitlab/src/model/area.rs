use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// A group, as its members see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Numeric id on the instance.
    pub id: i64,
    /// Path with all its parents, e.g. `acme/tools`.
    pub full_path: String,
    /// Last part of the path.
    pub path: String,
    /// Display name.
    pub name: String,
    /// Display name with all its parents, e.g. `Acme / Tools`.
    pub full_name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// `private`, `internal` or `public`.
    pub visibility: Option<String>,
    /// Address on the instance.
    pub web_url: String,
    /// Picture.
    pub avatar_url: Option<String>,
    /// Numeric id of the parent group; `None` for a top-level one.
    pub parent_id: Option<i64>,
    /// Path of the parent group; `None` for a top-level one.
    pub parent_path: Option<String>,
    /// Whether it is archived; `None` where the instance does not say (before 18.x).
    pub archived: Option<bool>,
    /// When it was created.
    pub created_at: Option<DateTime<Utc>>,
    /// When it last changed.
    pub updated_at: Option<DateTime<Utc>>,
}

/// A project, as its members see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// Numeric id on the instance.
    pub id: i64,
    /// Path with its namespace, e.g. `acme/tools/hammer`.
    pub full_path: String,
    /// Last part of the path.
    pub path: String,
    /// Display name.
    pub name: String,
    /// Display name with its namespace, e.g. `Acme / Tools / Hammer`.
    pub name_with_namespace: String,
    /// What it is for.
    pub description: Option<String>,
    /// `private`, `internal` or `public`.
    pub visibility: Option<String>,
    /// Address on the instance.
    pub web_url: Option<String>,
    /// Picture.
    pub avatar_url: Option<String>,
    /// Numeric id of the group or user namespace that holds it.
    pub namespace_id: Option<i64>,
    /// Path of the group or user namespace that holds it.
    pub namespace_path: Option<String>,
    /// Read-only.
    pub archived: bool,
    /// Topics.
    pub topics: Vec<String>,
    /// Stars.
    pub star_count: i64,
    /// Forks.
    pub forks_count: i64,
    /// Whether the token's owner may use issues here; a disabled feature looks like an empty list.
    pub issues_enabled: bool,
    /// Whether the token's owner may use merge requests here; a disabled feature looks like an empty list.
    pub merge_requests_enabled: bool,
    /// The token owner's role: 10 guest, 15 planner, 20 reporter, 30 developer, 40 maintainer, 50 owner.
    pub access_level: Option<i64>,
    /// When it was created.
    pub created_at: Option<DateTime<Utc>>,
    /// When it last changed.
    pub updated_at: Option<DateTime<Utc>>,
    /// When something last happened in it.
    pub last_activity_at: Option<DateTime<Utc>>,
}
