//! `snippets`: a project's snippets, without what is in them.

use super::{RowList, row::Fields};
use trawl_jobs::{Record, RecordKind};

pub(crate) struct Snippets;

impl RowList for Snippets {
    const NAME: &str = "snippets";
    const KIND: RecordKind = RecordKind::Snippet;
    const PATH: &str = "snippets";

    fn record(fields: &Fields<'_>) -> Result<Record, String> {
        Ok(Record {
            author: fields.text("author.username"),
            created_at: fields.time("created_at"),
            updated_at: fields.time("updated_at"),
            web_url: fields.text("web_url"),
            ..fields.record(Self::KIND, fields.number("id")?)
        }
        .titled(fields.need("title")?))
    }
}
