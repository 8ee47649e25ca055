//! What a file has of an object, whichever format it is in.

use chrono::{DateTime, SecondsFormat, Utc};
use trawl_store::resources::Resource;

/// Names of the columns, in their order.
pub(super) const COLUMNS: [&str; 15] = [
    "id",
    "area_id",
    "area",
    "gitlab_id",
    "iid",
    "title",
    "state",
    "author",
    "created_at",
    "updated_at",
    "closed_at",
    "merged_at",
    "confidential",
    "web_url",
    "payload",
];

/// An object and the path of its group or project.
pub(super) struct Row<'a> {
    pub(super) object: &'a Resource,
    pub(super) area: &'a str,
}

/// A time as texts have it: UTC, to the microsecond.
pub(super) fn time(time: Option<DateTime<Utc>>) -> Option<String> {
    time.map(|time| time.to_rfc3339_opts(SecondsFormat::Micros, true))
}
