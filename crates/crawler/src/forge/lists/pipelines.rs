//! `pipelines`: a project's CI pipelines. One that runs changes until it has ended, so that the next pass sees it again.

use super::{RowList, row::Fields};
use chrono::{DateTime, SecondsFormat, Utc};
use trawl_jobs::{Record, RecordKind};

pub(crate) struct Pipelines;

impl RowList for Pipelines {
    const NAME: &str = "pipelines";
    const KIND: RecordKind = RecordKind::Pipeline;
    const PATH: &str = "pipelines";

    /// Changes from the one unchanged for longest on, so that what changes meanwhile comes at the end; all of them from the
    /// newest on, so that what begins meanwhile, or is cleaned away at the other end, moves none out of sight.
    fn query(since: Option<DateTime<Utc>>) -> Option<Vec<(&'static str, String)>> {
        let order = |by: &str, direction: &str| [("order_by", by.to_owned()), ("sort", direction.to_owned())];
        Some(match since {
            None => order("id", "desc").to_vec(),
            Some(since) => {
                let since = ("updated_after", since.to_rfc3339_opts(SecondsFormat::Millis, true));
                order("updated_at", "asc").into_iter().chain([since]).collect()
            }
        })
    }

    fn record(fields: &Fields<'_>) -> Result<Record, String> {
        let id = fields.number("id")?;
        Ok(Record {
            iid: fields.number("iid").ok(),
            state: fields.text("status"),
            created_at: fields.time("created_at"),
            updated_at: fields.time("updated_at"),
            web_url: fields.text("web_url"),
            ..fields.record(Self::KIND, id)
        }
        .titled(fields.text("name").or_else(|| fields.text("ref")).unwrap_or_else(|| id.to_string())))
    }
}
