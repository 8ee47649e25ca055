use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::open_enum::open_enum;
use super::person::Person;

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

/// Time that somebody has logged on an issue or merge request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timelog {
    /// Numeric id on the instance.
    pub id: i64,
    /// How much, in seconds; less than nothing where it was corrected.
    pub time_spent: i64,
    /// When it was spent.
    pub spent_at: Option<DateTime<Utc>>,
    /// On what.
    pub summary: Option<String>,
    /// By whom.
    pub user: Person,
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
