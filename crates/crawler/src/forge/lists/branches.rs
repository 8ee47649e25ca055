//! `branches`: a project's branches, each as of its head.

use super::{RowList, row::Fields};
use trawl_jobs::{Record, RecordKind};

pub(crate) struct Branches;

impl RowList for Branches {
    const NAME: &str = "branches";
    const KIND: RecordKind = RecordKind::Branch;
    const PATH: &str = "repository/branches";

    fn record(fields: &Fields<'_>) -> Result<Record, String> {
        let name = fields.need("name")?;
        Ok(Record {
            author: fields.text("commit.author_name"),
            // A push may lead it back, so this is no time of a change.
            created_at: fields.time("commit.committed_date"),
            web_url: fields.text("web_url"),
            ..fields.named(Self::KIND, &name)
        }
        .titled(name))
    }
}
