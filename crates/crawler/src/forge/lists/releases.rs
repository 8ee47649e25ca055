//! `releases`: a project's releases.

use super::{RowList, row::Fields};
use trawl_jobs::{Record, RecordKind};

pub(crate) struct Releases;

impl RowList for Releases {
    const NAME: &str = "releases";
    const KIND: RecordKind = RecordKind::Release;
    const PATH: &str = "releases";

    fn record(fields: &Fields<'_>) -> Result<Record, String> {
        let tag = fields.need("tag_name")?;
        Ok(Record {
            author: fields.text("author.username"),
            created_at: fields.time("released_at").or_else(|| fields.time("created_at")),
            web_url: fields.text("_links.self"),
            ..fields.named(Self::KIND, &tag)
        }
        .titled(fields.text("name").filter(|name| !name.is_empty()).unwrap_or(tag)))
    }
}
