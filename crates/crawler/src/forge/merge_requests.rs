//! `merge_requests`: a project's merge requests with their notes.

use super::{
    Forge,
    listing::{Listing, PageQuery},
    pass::{self, Depth},
    record,
};
use crate::{Completed, JobControl, JobFailure};
use trawl_gitlab::{
    Client, Error, MERGE_REQUESTS_PER_PAGE, MergeRequest, MergeRequestsQuery, Note, NotesOf, Page, Timelog,
};
use trawl_jobs::{Record, RecordKind, kind};
use trawl_protocol::StartJob;

/// Runs it.
pub(crate) async fn run(
    options: &kind::MergeRequests,
    forge: &Forge,
    order: &StartJob,
    control: &JobControl,
) -> Result<Completed, JobFailure> {
    pass::run::<MergeRequests>(Depth::of(options.full, options.sweep), forge, order, control).await
}

struct MergeRequests;

impl Listing for MergeRequests {
    const NAME: &str = "merge requests";
    const KEY: &str = "merge_requests";
    const KIND: RecordKind = RecordKind::MergeRequest;
    const NOTES_OF: NotesOf = NotesOf::MergeRequests;
    const PAGE: u32 = MERGE_REQUESTS_PER_PAGE;
    type Item = MergeRequest;

    async fn page(client: &Client, project_path: &str, query: &PageQuery) -> Result<Page<MergeRequest>, Error> {
        let PageQuery { after, first, updated_after, iids } = query.clone();
        client.merge_requests(project_path, &MergeRequestsQuery { after, first, updated_after, iids }).await
    }

    fn record(item: &MergeRequest) -> Record {
        record::merge_request(item)
    }

    fn iid(item: &MergeRequest) -> i64 {
        item.iid
    }

    fn project_id(item: &MergeRequest) -> Option<i64> {
        Some(item.target_project_id)
    }

    fn notes(item: &mut MergeRequest) -> Page<Note> {
        std::mem::take(&mut item.notes)
    }

    fn timelogs(item: &MergeRequest) -> &[Timelog] {
        &item.timelogs
    }

    fn truncated(item: &MergeRequest) -> &[String] {
        &item.truncated
    }
}
