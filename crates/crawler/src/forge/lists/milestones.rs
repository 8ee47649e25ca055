//! `milestones`: a project's own milestones.

use super::{RowList, row::Fields};
use trawl_jobs::{Record, RecordKind};

pub(crate) struct Milestones;

impl RowList for Milestones {
    const NAME: &str = "milestones";
    const KIND: RecordKind = RecordKind::Milestone;
    const PATH: &str = "milestones";

    fn record(fields: &Fields<'_>) -> Result<Record, String> {
        Ok(Record {
            iid: fields.number("iid").ok(),
            state: fields.text("state"),
            created_at: fields.time("created_at"),
            updated_at: fields.time("updated_at"),
            web_url: fields.text("web_url"),
            ..fields.record(Self::KIND, fields.number("id")?)
        }
        .titled(fields.need("title")?))
    }
}
