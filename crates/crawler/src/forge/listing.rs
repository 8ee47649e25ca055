//! What issues and merge requests have in common, as far as reading them goes.

use trawl_gitlab::{Client, Cursor, Error, Note, NotesOf, Page, Timelog};
use trawl_jobs::{AreaRef, JobError, Record, RecordKind};
use trawl_protocol::StartJob;

/// Which page to read.
#[derive(Debug, Clone)]
pub(super) struct PageQuery {
    pub(super) after: Option<Cursor>,
    pub(super) first: u32,
    pub(super) updated_after: Option<chrono::DateTime<chrono::Utc>>,
    /// Only those with these numbers; none: all.
    pub(super) iids: Option<Vec<i64>>,
}

/// A list of a project's objects that is read from the one unchanged for longest to the one changed last.
pub(super) trait Listing {
    /// Name of the step, of the figure in the result, and of the objects in sentences.
    const NAME: &str;
    /// The step's and the figure's name as one word.
    const KEY: &str;
    const KIND: RecordKind;
    const NOTES_OF: NotesOf;
    /// Best page size.
    const PAGE: u32;
    type Item: Send + Sync;

    fn page(
        client: &Client,
        project_path: &str,
        query: &PageQuery,
    ) -> impl Future<Output = Result<Page<Self::Item>, Error>> + Send;

    fn record(item: &Self::Item) -> Record;
    fn iid(item: &Self::Item) -> i64;
    /// Numeric id of the project that it belongs to.
    fn project_id(item: &Self::Item) -> Option<i64>;
    fn notes(item: &mut Self::Item) -> Page<Note>;
    fn timelogs(item: &Self::Item) -> &[Timelog];
    /// Nested lists that were cut.
    fn truncated(item: &Self::Item) -> &[String];
}

/// The area that a job is about.
pub(super) fn area(order: &StartJob) -> Result<&AreaRef, JobError> {
    order.area.as_ref().ok_or_else(|| {
        JobError::permanent(format!("a job of kind {} needs a group or project; submit it for one", order.kind))
    })
}

/// The path leads to something else by now.
pub(super) fn moved(what: &str) -> JobError {
    JobError::permanent(format!(
        "the path of {what} belongs to another group or project by now; the new path is found when the account's \
         groups and projects are looked for again"
    ))
}
