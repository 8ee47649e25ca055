//! `tags`: a project's tags.

use super::{RowList, row::Fields};
use trawl_jobs::{Record, RecordKind};

pub(crate) struct Tags;

impl RowList for Tags {
    const NAME: &str = "tags";
    const KIND: RecordKind = RecordKind::Tag;
    const PATH: &str = "repository/tags";

    fn record(fields: &Fields<'_>) -> Result<Record, String> {
        let name = fields.need("name")?;
        Ok(Record {
            author: fields.text("commit.author_name"),
            // A tag without a message is as old as what it names.
            created_at: fields.time("created_at").or_else(|| fields.time("commit.committed_date")),
            ..fields.named(Self::KIND, &name)
        }
        .titled(name))
    }
}
