//! `epics`: a group's own epics; GitLab has them from Premium on.

use super::{RowList, row::Fields};
use chrono::{DateTime, SecondsFormat, Utc};
use trawl_jobs::{Record, RecordKind};

pub(crate) struct Epics;

impl RowList for Epics {
    const NAME: &str = "epics";
    const KIND: RecordKind = RecordKind::Epic;
    const PATH: &str = "epics";

    fn query(since: Option<DateTime<Utc>>) -> Option<Vec<(&'static str, String)>> {
        let no = |name| (name, "false".to_owned());
        let own = [no("include_ancestor_groups"), no("include_descendant_groups")];
        let order = |by: &str, direction: &str| [("order_by", by.to_owned()), ("sort", direction.to_owned())];
        Some(match since {
            None => own.into_iter().chain(order("created_at", "desc")).collect(),
            Some(since) => {
                let since = ("updated_after", since.to_rfc3339_opts(SecondsFormat::Millis, true));
                own.into_iter().chain(order("updated_at", "asc")).chain([since]).collect()
            }
        })
    }

    fn record(fields: &Fields<'_>) -> Result<Record, String> {
        Ok(Record {
            iid: fields.number("iid").ok(),
            state: fields.text("state"),
            author: fields.text("author.username"),
            created_at: fields.time("created_at"),
            updated_at: fields.time("updated_at"),
            closed_at: fields.time("closed_at"),
            web_url: fields.text("web_url"),
            confidential: fields.flag("confidential").unwrap_or(false),
            ..fields.record(Self::KIND, fields.number("id")?)
        }
        .titled(fields.need("title")?))
    }
}
