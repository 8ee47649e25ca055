use super::documents::test_reports::{
    TestReportsProjectPipelinesNodes, TestReportsProjectPipelinesNodesTestReportSummaryTestSuitesNodes,
    TestReportsProjectPipelinesNodesTestReportSummaryTotal,
};
use crate::global_id::{id, iid, optional_time, time};
use crate::model::{TestFigures, TestReport, TestSuite};

impl TryFrom<TestReportsProjectPipelinesNodes> for TestReport {
    type Error = String;

    fn try_from(wire: TestReportsProjectPipelinesNodes) -> Result<Self, String> {
        let say = |why: String| format!("test report of pipeline {}: {why}", wire.id);
        let suites = wire.test_report_summary.test_suites;
        Ok(Self {
            pipeline_id: id(&wire.id).map_err(say)?,
            pipeline_iid: iid(&wire.iid).map_err(say)?,
            created_at: time(&wire.created_at).map_err(say)?,
            updated_at: time(&wire.updated_at).map_err(say)?,
            finished_at: optional_time(wire.finished_at.as_deref()).map_err(say)?,
            total: wire.test_report_summary.total.into(),
            suites: suites.nodes.into_iter().flatten().flatten().map(TestSuite::from).collect(),
            truncated: suites.page_info.has_next_page,
        })
    }
}

impl From<TestReportsProjectPipelinesNodesTestReportSummaryTotal> for TestFigures {
    fn from(wire: TestReportsProjectPipelinesNodesTestReportSummaryTotal) -> Self {
        Self {
            count: wire.count.unwrap_or_default(),
            success: wire.success.unwrap_or_default(),
            failed: wire.failed.unwrap_or_default(),
            error: wire.error.unwrap_or_default(),
            skipped: wire.skipped.unwrap_or_default(),
            seconds: wire.time.unwrap_or_default(),
            suite_error: wire.suite_error,
        }
    }
}

impl From<TestReportsProjectPipelinesNodesTestReportSummaryTestSuitesNodes> for TestSuite {
    fn from(wire: TestReportsProjectPipelinesNodesTestReportSummaryTestSuitesNodes) -> Self {
        Self {
            name: wire.name,
            figures: TestFigures {
                count: wire.total_count.unwrap_or_default(),
                success: wire.success_count.unwrap_or_default(),
                failed: wire.failed_count.unwrap_or_default(),
                error: wire.error_count.unwrap_or_default(),
                skipped: wire.skipped_count.unwrap_or_default(),
                seconds: wire.total_time.unwrap_or_default(),
                suite_error: wire.suite_error,
            },
        }
    }
}
