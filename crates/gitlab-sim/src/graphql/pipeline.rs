//! Pipelines, as far as their tests go.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};

use super::{
    View,
    connection::{Key, Page, PageArgs, Row, TestSuiteSummaryConnection},
    scalars::{Time, gid},
};
use crate::forge::{
    extras::{Tests, tests},
    pipelines,
};

pub(crate) struct Pipeline(Arc<pipelines::Pipeline>);

/// A page of a project's pipelines, the newest first.
pub(crate) fn page(
    view: &View,
    project: usize,
    updated_after: Option<Time>,
    args: &PageArgs,
) -> Result<Page<Pipeline>> {
    let all = view.world.pipelines[project].iter();
    let wanted = all.filter(|one| updated_after.is_none_or(|after| one.updated >= after.0));
    let rows = wanted.map(|one| Row { key: Key::Number(0), id: one.id, node: Pipeline(Arc::clone(one)) }).collect();
    Page::cut(rows, true, args)
}

#[Object]
impl Pipeline {
    async fn id(&self) -> ID {
        ID(gid("Ci::Pipeline", self.0.id))
    }

    async fn iid(&self) -> String {
        self.0.iid.to_string()
    }

    async fn created_at(&self) -> Time {
        Time(self.0.created)
    }

    async fn updated_at(&self) -> Time {
        Time(self.0.updated)
    }

    async fn finished_at(&self) -> Option<Time> {
        (!self.0.status.under_way()).then_some(Time(self.0.updated))
    }

    async fn test_report_summary(&self) -> TestReportSummary {
        TestReportSummary(tests(&self.0))
    }
}

/// Without tests it is a report of none.
pub(crate) struct TestReportSummary(Option<Tests>);

#[Object]
impl TestReportSummary {
    async fn total(&self) -> TestReportTotal {
        let Some(Tests { count, failed, skipped, seconds }) = self.0 else { return TestReportTotal::default() };
        TestReportTotal {
            count: Some(count),
            success: Some(count - failed - skipped),
            failed: Some(failed),
            error: Some(0),
            skipped: Some(skipped),
            time: Some(seconds),
            suite_error: None,
        }
    }

    async fn test_suites(
        &self,
        _ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Result<TestSuiteSummaryConnection> {
        let args = PageArgs::new(after, before, first, last);
        let suites = self.0.iter().map(|tests| TestSuiteSummary {
            name: Some("unit-tests"),
            total_count: Some(tests.count),
            success_count: Some(tests.count - tests.failed - tests.skipped),
            failed_count: Some(tests.failed),
            error_count: Some(0),
            skipped_count: Some(tests.skipped),
            total_time: Some(tests.seconds),
            suite_error: None,
        });
        Ok(TestSuiteSummaryConnection(Page::listed(suites, &args)?))
    }
}

#[derive(SimpleObject, Default)]
pub(crate) struct TestReportTotal {
    count: Option<i32>,
    success: Option<i32>,
    failed: Option<i32>,
    error: Option<i32>,
    skipped: Option<i32>,
    time: Option<f64>,
    suite_error: Option<String>,
}

#[derive(SimpleObject)]
pub(crate) struct TestSuiteSummary {
    name: Option<&'static str>,
    total_count: Option<i32>,
    success_count: Option<i32>,
    failed_count: Option<i32>,
    error_count: Option<i32>,
    skipped_count: Option<i32>,
    total_time: Option<f64>,
    suite_error: Option<String>,
}
