use chrono::{DateTime, SecondsFormat, Utc};

use super::text;
use crate::model::TestReport;
use crate::wire::documents::{TestReports, test_reports};
use crate::wire::{next, page};
use crate::{Client, Cursor, Error, Page};

/// Best page size, in pipelines: GitLab looks each report up on its own.
pub const TEST_REPORTS_PER_PAGE: u32 = 50;

impl Client {
    /// What the tests of a page of the project's pipelines came to, the newest pipeline first; fewer than there are pipelines,
    /// since most report none.
    ///
    /// # Errors
    /// [`Error::Forbidden`] where pipelines are switched off or hidden.
    pub async fn test_reports(
        &self,
        project_path: &str,
        after: Option<&Cursor>,
        first: u32,
        updated_after: Option<DateTime<Utc>>,
    ) -> Result<Page<TestReport>, Error> {
        let variables = test_reports::Variables {
            path: project_path.to_owned(),
            first: first.clamp(1, TEST_REPORTS_PER_PAGE).into(),
            after: text(after),
            updated_after: updated_after.map(|time| time.to_rfc3339_opts(SecondsFormat::Micros, true)),
        };
        let project = self.run::<TestReports>(variables).await?.project.ok_or(Error::NotFound)?;
        let list = project.pipelines.ok_or(Error::Forbidden)?;
        let next = next(list.page_info.has_next_page, list.page_info.end_cursor)?;
        let mut page = page(list.nodes, next, None, TestReport::try_from);
        page.items.retain(|report| report.total.count > 0 || report.total.suite_error.is_some());
        Ok(page)
    }
}
