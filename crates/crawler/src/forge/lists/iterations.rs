//! `iterations`: a group's iterations; GitLab has them from Premium on.

use super::{RowList, row::Fields};
use chrono::{DateTime, Utc};
use trawl_jobs::{Record, RecordKind};

pub(crate) struct Iterations;

impl RowList for Iterations {
    const NAME: &str = "iterations";
    const KIND: RecordKind = RecordKind::Iteration;
    const PATH: &str = "iterations";

    fn query(since: Option<DateTime<Utc>>) -> Option<Vec<(&'static str, String)>> {
        since.is_none().then(|| vec![("include_ancestors", "false".to_owned())])
    }

    fn record(fields: &Fields<'_>) -> Result<Record, String> {
        let (start, due) = (fields.need("start_date")?, fields.need("due_date")?);
        let state = match fields.number("state").ok() {
            Some(1) => Some("upcoming"),
            Some(2) => Some("current"),
            Some(3) => Some("closed"),
            _ => None,
        };
        Ok(Record {
            iid: fields.number("iid").ok(),
            state: state.map(str::to_owned),
            created_at: fields.time("created_at"),
            updated_at: fields.time("updated_at"),
            web_url: fields.text("web_url"),
            ..fields.record(Self::KIND, fields.number("id")?)
        }
        .titled(fields.text("title").unwrap_or_else(|| format!("{start} to {due}"))))
    }
}
