//! `vulnerabilities`: the weaknesses that scanners have found. GitLab shows them to developers, in its largest plan alone.

use super::{Asked, RowList, row, row::Fields};
use crate::JobFailure;
use trawl_gitlab::{Client, Error, Page, VULNERABILITIES_PER_PAGE, rest::Row};
use trawl_jobs::{Record, RecordKind};

pub(crate) struct Vulnerabilities;

impl RowList for Vulnerabilities {
    const NAME: &str = "vulnerabilities";
    const KIND: RecordKind = RecordKind::Vulnerability;
    const PAGE: u32 = VULNERABILITIES_PER_PAGE;

    async fn page(asked: Asked<'_, '_>) -> Result<Result<Page<Row>, Error>, JobFailure> {
        let after = asked.after;
        let request = |client: Client, path: String, first| async move {
            Ok(client.vulnerabilities(&path, after, first).await?.map(row::of))
        };
        asked.by_path::<Self, _>(request).await
    }

    fn record(fields: &Fields<'_>) -> Result<Record, String> {
        let id = fields.number("id")?;
        Ok(Record {
            state: fields.text("state"),
            created_at: fields.time("detected_at"),
            updated_at: fields.time("updated_at"),
            closed_at: fields.time("resolved_at").or_else(|| fields.time("dismissed_at")),
            web_url: fields.text("web_url"),
            ..fields.record(Self::KIND, id)
        }
        .titled(fields.text("title").unwrap_or_else(|| id.to_string())))
    }
}
