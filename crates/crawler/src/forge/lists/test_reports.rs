//! `test_reports`: what the tests of CI pipelines came to. GitLab sums them up when a pipeline ends, which changes it, so
//! that the next pass sees it again.

use super::{Asked, RowList, row, row::Fields};
use crate::JobFailure;
use chrono::{DateTime, Utc};
use trawl_gitlab::{Client, Error, Page, TEST_REPORTS_PER_PAGE, rest::Row};
use trawl_jobs::{Record, RecordKind};

pub(crate) struct TestReports;

impl RowList for TestReports {
    const NAME: &str = "test reports";
    const KIND: RecordKind = RecordKind::TestReport;
    const PAGE: u32 = TEST_REPORTS_PER_PAGE;

    /// GitLab can tell which pipelines have changed.
    fn query(_: Option<DateTime<Utc>>) -> Option<Vec<(&'static str, String)>> {
        Some(Vec::new())
    }

    async fn page(asked: Asked<'_, '_>) -> Result<Result<Page<Row>, Error>, JobFailure> {
        let (after, since) = (asked.after, asked.since);
        let request = |client: Client, path: String, first| async move {
            Ok(client.test_reports(&path, after, first, since).await?.map(row::of))
        };
        asked.by_path::<Self, _>(request).await
    }

    fn record(fields: &Fields<'_>) -> Result<Record, String> {
        let id = fields.number("pipeline_id")?;
        let figure = |name: &str| fields.inner(name).unwrap_or_default();
        let failed = figure("failed") + figure("error") > 0 || fields.text("suite_error").is_some();
        Ok(Record {
            iid: fields.inner("pipeline_iid"),
            parent: Some((RecordKind::Pipeline, id)),
            state: Some(if failed { "failed" } else { "success" }.to_owned()),
            created_at: fields.time("created_at"),
            updated_at: fields.time("updated_at"),
            closed_at: fields.time("finished_at"),
            ..fields.record(Self::KIND, id)
        }
        .titled(id.to_string()))
    }
}
