//! `wiki_pages`: the pages of a project's wiki, by name.

use super::{RowList, row::Fields};
use trawl_jobs::{Record, RecordKind};

pub(crate) struct WikiPages;

impl RowList for WikiPages {
    const NAME: &str = "wiki pages";
    const KIND: RecordKind = RecordKind::WikiPage;
    const PATH: &str = "wikis";

    fn record(fields: &Fields<'_>) -> Result<Record, String> {
        let slug = fields.need("slug")?;
        Ok(fields.named(Self::KIND, &slug).titled(fields.text("title").unwrap_or(slug)))
    }
}
