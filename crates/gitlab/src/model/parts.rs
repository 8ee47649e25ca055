use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::open_enum::open_enum;

/// A label as it hangs on an issue or merge request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// Numeric id on the instance.
    pub id: i64,
    /// Its text; `scope::value` for scoped labels.
    pub title: String,
    /// Background, `#rrggbb`.
    pub color: String,
    /// What it is for.
    pub description: Option<String>,
}

open_enum! {
    /// Whether a milestone still collects work.
    MilestoneState {
        /// Open.
        Active = "active",
        /// Closed.
        Closed = "closed",
    }
}

/// A milestone of a project or group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Milestone {
    /// Numeric id on the instance.
    pub id: i64,
    /// Number within its project or group.
    pub iid: i64,
    /// Its name.
    pub title: String,
    /// Active or closed.
    pub state: MilestoneState,
    /// First day.
    pub start_date: Option<NaiveDate>,
    /// Last day.
    pub due_date: Option<NaiveDate>,
    /// Path of its page on the instance.
    pub web_path: String,
}
