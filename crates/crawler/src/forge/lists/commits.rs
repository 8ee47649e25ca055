//! `commits`: what a project's branches and tags lead to.

use super::{RowList, row::Fields};
use chrono::{DateTime, SecondsFormat, Utc};
use trawl_jobs::{Record, RecordKind, kind};

pub(crate) struct Commits;

impl RowList for Commits {
    const NAME: &str = "commits";
    const KIND: RecordKind = RecordKind::Commit;
    const PATH: &str = "repository/commits";

    fn query(since: Option<DateTime<Utc>>) -> Option<Vec<(&'static str, String)>> {
        let since = since.map(|since| {
            let from = since.checked_sub_signed(kind::Commits::PUSHED_LATE).unwrap_or(DateTime::UNIX_EPOCH);
            ("since", from.to_rfc3339_opts(SecondsFormat::Secs, true))
        });
        Some([("all", "true".to_owned())].into_iter().chain(since).collect())
    }

    fn record(fields: &Fields<'_>) -> Result<Record, String> {
        let sha = fields.need("id")?;
        Ok(Record {
            author: fields.text("author_name"),
            created_at: fields.time("authored_date"),
            updated_at: fields.time("committed_date"),
            web_url: fields.text("web_url"),
            ..fields.named(Self::KIND, &sha)
        }
        .titled(fields.text("title").unwrap_or(sha)))
    }
}
