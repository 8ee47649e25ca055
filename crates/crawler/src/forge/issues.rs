//! `issues`: a project's issues with their notes.

use super::{
    Forge,
    listing::{Listing, PageQuery},
    pass::{self, Depth},
    record,
};
use crate::{Completed, JobControl, JobFailure};
use trawl_gitlab::{Client, Error, ISSUES_PER_PAGE, Issue, IssuesQuery, Note, NotesOf, Page, Timelog};
use trawl_jobs::{Record, RecordKind, kind};
use trawl_protocol::StartJob;

/// Runs it.
pub(crate) async fn run(
    options: &kind::Issues,
    forge: &Forge,
    order: &StartJob,
    control: &JobControl,
) -> Result<Completed, JobFailure> {
    pass::run::<Issues>(Depth::of(options.full, options.sweep), forge, order, control).await
}

struct Issues;

impl Listing for Issues {
    const NAME: &str = "issues";
    const KEY: &str = "issues";
    const KIND: RecordKind = RecordKind::Issue;
    const NOTES_OF: NotesOf = NotesOf::Issues;
    const PAGE: u32 = ISSUES_PER_PAGE;
    type Item = Issue;

    async fn page(client: &Client, project_path: &str, query: &PageQuery) -> Result<Page<Issue>, Error> {
        let PageQuery { after, first, updated_after, iids } = query.clone();
        client.issues(project_path, &IssuesQuery { after, first, updated_after, iids }).await
    }

    fn record(item: &Issue) -> Record {
        record::issue(item)
    }

    fn iid(item: &Issue) -> i64 {
        item.iid
    }

    fn project_id(item: &Issue) -> Option<i64> {
        item.project_id
    }

    fn notes(item: &mut Issue) -> Page<Note> {
        std::mem::take(&mut item.notes)
    }

    fn timelogs(item: &Issue) -> &[Timelog] {
        &item.timelogs
    }

    fn truncated(item: &Issue) -> &[String] {
        &item.truncated
    }
}
