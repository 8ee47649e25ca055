//! `environments`: where a project is brought to.

use super::{RowList, row::Fields};
use trawl_jobs::{Record, RecordKind};

pub(crate) struct Environments;

impl RowList for Environments {
    const NAME: &str = "environments";
    const KIND: RecordKind = RecordKind::Environment;
    const PATH: &str = "environments";

    fn record(fields: &Fields<'_>) -> Result<Record, String> {
        Ok(Record {
            state: fields.text("state"),
            created_at: fields.time("created_at"),
            web_url: fields.text("external_url"),
            ..fields.record(Self::KIND, fields.number("id")?)
        }
        .titled(fields.need("name")?))
    }
}
