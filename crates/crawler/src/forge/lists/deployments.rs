//! `deployments`: what was brought where, and when.

use super::{RowList, row::Fields};
use chrono::{DateTime, SecondsFormat, Utc};
use trawl_jobs::{Record, RecordKind};

pub(crate) struct Deployments;

impl RowList for Deployments {
    const NAME: &str = "deployments";
    const KIND: RecordKind = RecordKind::Deployment;
    const PATH: &str = "deployments";

    /// The job that does it comes with its commit, its runner and its pipeline; they are mirrored once, where they are.
    const KEPT: Option<&[&str]> =
        Some(&["id", "iid", "ref", "sha", "status", "created_at", "updated_at", "user", "environment"]);

    fn query(since: Option<DateTime<Utc>>) -> Option<Vec<(&'static str, String)>> {
        let order = |by: &str, direction: &str| [("order_by", by.to_owned()), ("sort", direction.to_owned())];
        Some(match since {
            None => order("id", "desc").to_vec(),
            Some(since) => {
                let since = ("updated_after", since.to_rfc3339_opts(SecondsFormat::Millis, true));
                order("updated_at", "asc").into_iter().chain([since]).collect()
            }
        })
    }

    fn record(fields: &Fields<'_>) -> Result<Record, String> {
        let id = fields.number("id")?;
        Ok(Record {
            iid: fields.number("iid").ok(),
            state: fields.text("status"),
            author: fields.text("user.username"),
            created_at: fields.time("created_at"),
            updated_at: fields.time("updated_at"),
            ..fields.record(Self::KIND, id)
        }
        .titled(fields.text("environment.name").unwrap_or_else(|| id.to_string())))
    }
}
