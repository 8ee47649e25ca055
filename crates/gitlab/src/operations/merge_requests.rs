use chrono::{DateTime, SecondsFormat, Utc};

use super::{NOTES_INSIDE, text};
use crate::wire::documents::{MergeRequests, merge_requests};
use crate::wire::{next, page};
use crate::{Client, Cursor, Error, MergeRequest, Page};

/// Best page size: what fits into GitLab's complexity limit with everything inside.
pub const MERGE_REQUESTS_PER_PAGE: u32 = 44;

/// Which merge requests to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeRequestsQuery {
    /// Where to go on; `None` from the start.
    pub after: Option<Cursor>,
    /// Items to ask for, 1 to [`MERGE_REQUESTS_PER_PAGE`]; more is cut to it.
    pub first: u32,
    /// Only what changed after this.
    pub updated_after: Option<DateTime<Utc>>,
    /// Only those with these numbers within the project, at most a page of them; `None`: all.
    pub iids: Option<Vec<i64>>,
}

impl Default for MergeRequestsQuery {
    fn default() -> Self {
        Self { after: None, first: MERGE_REQUESTS_PER_PAGE, updated_after: None, iids: None }
    }
}

impl Client {
    /// A page of the project's merge requests, longest unchanged first, each with its first [`NOTES_INSIDE`] notes.
    pub async fn merge_requests(
        &self,
        project_path: &str,
        query: &MergeRequestsQuery,
    ) -> Result<Page<MergeRequest>, Error> {
        let variables = merge_requests::Variables {
            path: project_path.to_owned(),
            first: query.first.clamp(1, MERGE_REQUESTS_PER_PAGE).into(),
            after: text(query.after.as_ref()),
            updated_after: query.updated_after.map(|time| time.to_rfc3339_opts(SecondsFormat::Micros, true)),
            iids: query.iids.as_ref().map(|iids| iids.iter().map(i64::to_string).collect()),
            notes_first: NOTES_INSIDE.into(),
        };
        let project = self.run::<MergeRequests>(variables).await?.project.ok_or(Error::NotFound)?;
        let Some(list) = project.merge_requests else {
            return Ok(Page::default());
        };
        let next = next(list.page_info.has_next_page, list.page_info.end_cursor)?;
        Ok(page(list.nodes, next, Some(list.count), MergeRequest::try_from))
    }
}
