//! `labels`: a project's own labels; those of the groups above are the groups'.

use super::{RowList, row::Fields};
use chrono::{DateTime, Utc};
use trawl_jobs::{Record, RecordKind};

pub(crate) struct Labels;

impl RowList for Labels {
    const NAME: &str = "labels";
    const KIND: RecordKind = RecordKind::Label;
    const PATH: &str = "labels";

    fn query(since: Option<DateTime<Utc>>) -> Option<Vec<(&'static str, String)>> {
        since.is_none().then(|| vec![("include_ancestor_groups", "false".to_owned())])
    }

    fn record(fields: &Fields<'_>) -> Result<Record, String> {
        Ok(fields.record(Self::KIND, fields.number("id")?).titled(fields.need("name")?))
    }
}
