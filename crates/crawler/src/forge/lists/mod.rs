//! Lists that are read row by row, most of the REST API, one file a kind: what it asks for, and how a row becomes a record.
//!
//! Most are short and read whole each time, so that what is gone is noticed at once. Where GitLab can tell what has changed,
//! a pass reads that, and from time to time everything.

mod attachments;
mod boards;
mod branches;
mod commits;
mod container_repositories;
mod deployments;
mod environments;
mod epics;
mod iterations;
mod labels;
mod members;
mod milestones;
mod packages;
mod pipeline_jobs;
mod pipeline_schedules;
mod pipelines;
mod releases;
mod row;
mod snippets;
mod tags;
mod test_reports;
mod vulnerabilities;
mod wiki_pages;

pub(crate) use self::{
    attachments::Attachments, boards::Boards, branches::Branches, commits::Commits,
    container_repositories::ContainerRepositories, deployments::Deployments, environments::Environments, epics::Epics,
    iterations::Iterations, labels::Labels, members::Members, milestones::Milestones, packages::Packages,
    pipeline_jobs::PipelineJobs, pipeline_schedules::PipelineSchedules, pipelines::Pipelines, releases::Releases,
    snippets::Snippets, tags::Tags, test_reports::TestReports, vulnerabilities::Vulnerabilities, wiki_pages::WikiPages,
};

use self::row::Fields;
use super::{
    Forge, explain,
    listing::area,
    paging::{self, Named},
    pass::watermark,
    session::Session,
};
use crate::{Completed, JobControl, JobFailure};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use trawl_gitlab::{
    Client, Cursor, Error, Page, PageSize,
    rest::{List, ROWS_PER_PAGE, Row},
};
use trawl_jobs::{AccountId, AreaKind, AreaRef, Record, RecordKind, WholeList};
use trawl_protocol::StartJob;

/// A list of a group or project.
pub(crate) trait RowList: Send + Sync {
    /// Name of the objects in sentences, of the step, and of the figure in the result.
    const NAME: &str;
    /// What it holds.
    const KIND: RecordKind;
    /// Where it is below the group or project, for a list of REST.
    const PATH: &str = Self::NAME;
    /// Rows to ask for at once.
    const PAGE: u32 = ROWS_PER_PAGE;
    /// Fields that are kept, where not all of them are for everybody who may see the list.
    const KEPT: Option<&[&str]> = None;
    /// Parameters of a pass: over everything, or over what changed since a time. None for the latter: GitLab cannot tell.
    fn query(since: Option<DateTime<Utc>>) -> Option<Vec<(&'static str, String)>> {
        since.is_none().then(Vec::new)
    }

    /// Whether a record, and all that come after it in a pass over what changed since a time, cannot have changed any more.
    fn is_settled(_: &Record, _since: DateTime<Utc>) -> bool {
        false
    }

    /// A page of it, by REST where a list says nothing else. The outer error is for the job.
    fn page(asked: Asked<'_, '_>) -> impl Future<Output = Result<Result<Page<Row>, Error>, JobFailure>> + Send {
        async move {
            let path = format!("{}/{}", home(asked.area), Self::PATH);
            let list = &List { path, query: Self::query(asked.since).unwrap_or_default() };
            Ok(asked.session.call(|client| async move { client.list(list, asked.after).await }).await)
        }
    }

    /// A row as a record; an error says what is missing.
    fn record(fields: &Fields<'_>) -> Result<Record, String>;
}

/// Which page of a list.
pub(crate) struct Asked<'a, 's> {
    session: &'a mut Session<'s>,
    area: &'a mut AreaRef,
    size: &'a mut PageSize,
    control: &'a JobControl,
    after: Option<&'a Cursor>,
    since: Option<DateTime<Utc>>,
}

impl Asked<'_, '_> {
    /// Asks GraphQL, which knows a project by its path: `request` makes the page of a client, the path and a size.
    async fn by_path<L: RowList, F>(
        self,
        request: impl Fn(Client, String, u32) -> F + Send + Sync,
    ) -> Result<Result<Page<Row>, Error>, JobFailure>
    where
        F: Future<Output = Result<Page<Row>, Error>> + Send,
    {
        let Self { session, area, size, control, .. } = self;
        paging::page(session, area, size, control, named::<L>(), |_| None, request).await
    }
}

const fn named<L: RowList>() -> Named<'static> {
    Named { items: L::NAME, list: L::NAME }
}

/// Where a pass stands: what the next attempt needs to go on as if nothing had happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    after: Option<Cursor>,
    /// When the pass began, whichever attempt that was. Microseconds since 1970, UTC.
    pass_started_us: i64,
    /// What it reads: what changed after this; none: everything.
    since_us: Option<i64>,
    seen: u64,
    skipped: u64,
    /// Rows that were cut.
    #[serde(default)]
    truncated: u64,
    requests: u64,
    pages: u64,
    /// Accounts that have read it.
    readers: Vec<AccountId>,
}

impl Position {
    /// The place that an earlier attempt reached, or the start of a new pass.
    fn of(order: &StartJob, full: bool) -> Self {
        let earlier = order.cursor.as_deref().and_then(|text| serde_json::from_str(text).ok());
        earlier.unwrap_or_else(|| Self {
            after: None,
            pass_started_us: Utc::now().timestamp_micros(),
            since_us: order.watermark_us.filter(|_| !full),
            seen: 0,
            skipped: 0,
            truncated: 0,
            requests: 0,
            pages: 0,
            readers: Vec::new(),
        })
    }

    fn since(&self) -> Option<DateTime<Utc>> {
        self.since_us.and_then(DateTime::from_timestamp_micros)
    }
}

/// Runs a pass over a list.
pub(crate) async fn run<L: RowList>(
    full: bool,
    forge: &Forge,
    order: &StartJob,
    control: &JobControl,
) -> Result<Completed, JobFailure> {
    let mut area = area(order)?.clone();
    let mut at = Position::of(order, full);
    if at.since().is_some_and(|since| L::query(Some(since)).is_none()) {
        at.since_us = None;
    }
    let steps = control.pipeline([(L::NAME, 1.0)]);
    let mut session = Session::open(forge, order, control, at.requests).await?;
    at.readers.iter().for_each(|account| session.read_by(*account));
    let mut size = PageSize::new(L::PAGE);
    loop {
        let (after, since) = (at.after.as_ref(), at.since());
        let asked = Asked { session: &mut session, area: &mut area, size: &mut size, control, after, since };
        let page = match L::page(asked).await? {
            Ok(page) => page,
            // A list that is switched off, or that a plan does not have, is nothing that a person could mend here.
            Err(Error::Forbidden | Error::NotFound) => {
                control.warning(hidden::<L>());
                return Ok(Completed {
                    result: json!({ L::NAME: 0, "requests": session.requests() }),
                    whole: vec![WholeList { kind: L::KIND, seen: None, sure: false }],
                    readers: session.readers().to_vec(),
                    ..Completed::default()
                });
            }
            Err(error) => return Err(explain(&error, &format!("the {} of {}", L::NAME, area.full_path)).into()),
        };
        let (next, total) = (page.next.clone(), page.total);
        let records = records::<L>(page, &area, control, &mut at);
        at.requests = session.requests();
        at.pages += 1;
        at.readers = session.readers().to_vec();
        steps.set_counts(L::NAME, at.seen, total);
        let settled = at.since().is_some_and(|since| records.last().is_some_and(|last| L::is_settled(last, since)));
        let Some(next) = next.filter(|_| !settled) else {
            // Without a cursor: if the last word is lost, this page is read again.
            control.records(records).await?;
            break;
        };
        at.after = Some(next);
        control.checkpoint_ahead(json!(at).to_string(), records).await?;
        size.grow();
    }
    steps.set(L::NAME, 1.0);
    let everything = at.since_us.is_none() && at.skipped == 0;
    let changes_are_told = L::query(Some(DateTime::UNIX_EPOCH)).is_some();
    Ok(Completed {
        result: json!({ L::NAME: at.seen, "requests": session.requests() }),
        watermark: if changes_are_told { watermark(at.pass_started_us, forge) } else { None },
        incomplete: incomplete::<L>(&at),
        // Between two pages by number, a row may move from the later one to the earlier one.
        whole: everything
            .then_some(WholeList { kind: L::KIND, seen: Some(at.seen), sure: at.pages == 1 })
            .into_iter()
            .collect(),
        readers: at.readers,
    })
}

fn incomplete<L: RowList>(at: &Position) -> Option<String> {
    if at.skipped > 0 {
        return Some(format!("{} {} could not be understood and were left out", at.skipped, L::NAME));
    }
    (at.truncated > 0).then(|| format!("{} {} have more in them than GitLab told", at.truncated, L::NAME))
}

/// The group or project by its number, which no rename changes.
fn home(area: &AreaRef) -> String {
    match area.kind {
        AreaKind::Group => format!("groups/{}", area.gitlab_id),
        AreaKind::Project => format!("projects/{}", area.gitlab_id),
    }
}

fn records<L: RowList>(page: Page<Row>, area: &AreaRef, control: &JobControl, at: &mut Position) -> Vec<Record> {
    let mut skipped = page.skipped;
    let mut records = Vec::with_capacity(page.items.len());
    for mut row in page.items {
        row::strip(&mut row);
        at.truncated += u64::from(row.get("truncated").is_some_and(|cut| cut == true));
        if let Some(kept) = L::KEPT {
            row.retain(|key, _| kept.contains(&key.as_str()));
        }
        match L::record(&Fields { area, row: &row }) {
            Ok(record) => records.push(record),
            Err(why) => skipped.push(why),
        }
    }
    for why in &skipped {
        control.warning(format!("one of the {} was left out: {why}", L::NAME));
    }
    at.seen += records.len() as u64;
    at.skipped += skipped.len() as u64;
    records
}

fn hidden<L: RowList>() -> String {
    format!("{} are switched off here, or hidden from the account", L::NAME)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{collections::BTreeSet, path::Path};

    /// Path and parameters of a list, as a pass over changes asks for it, and as one over everything does.
    fn asked<L: RowList>() -> (&'static str, BTreeSet<&'static str>) {
        let queries = [L::query(None), L::query(Some(DateTime::UNIX_EPOCH))];
        (L::PATH, queries.into_iter().flatten().flatten().map(|(name, _)| name).collect())
    }

    /// What the description says of reading a path: everything up to the next path.
    fn described<'a>(description: &'a str, path: &str) -> Option<&'a str> {
        let (_, rest) = description.split_once(&format!("\n  \"/api/v4/{path}\":\n"))?;
        let end = rest.find("\n  \"/api/").unwrap_or(rest.len());
        rest[..end].contains("    get:").then_some(&rest[..end])
    }

    #[test]
    fn gitlab_has_these_lists_and_parameters() {
        let file = std::env::var_os("TRAWL_GITLAB_OPENAPI").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/gitlab/openapi_v3.yaml"),
            Into::into,
        );
        let Ok(description) = std::fs::read_to_string(&file) else {
            eprintln!("skipped: no description of GitLab's REST API at {}", file.display());
            return;
        };
        let lists = [
            asked::<Members>(),
            asked::<Branches>(),
            asked::<Tags>(),
            asked::<Releases>(),
            asked::<Commits>(),
            asked::<Pipelines>(),
            asked::<PipelineJobs>(),
            asked::<Deployments>(),
            asked::<Environments>(),
            asked::<PipelineSchedules>(),
            asked::<Snippets>(),
            asked::<Packages>(),
            asked::<ContainerRepositories>(),
            asked::<Attachments>(),
        ];
        for (path, parameters) in lists {
            let found = described(&description, &format!("projects/{{id}}/{path}"));
            let found = found.unwrap_or_else(|| panic!("GitLab has no list {path}"));
            for parameter in parameters.iter().chain(&["per_page"]) {
                assert!(found.contains(&format!("name: {parameter}\n")), "{path} takes no {parameter}");
            }
        }
        assert!(described(&description, "groups/{id}/members").is_some());
        assert!(described(&description, &format!("projects/{{id}}/{}", WikiPages::PATH)).is_some(), "in one page");
        // GitLab does not describe these, though it has had them for long.
        for path in [Labels::PATH, Milestones::PATH, Boards::PATH] {
            assert!(described(&description, &format!("projects/{{id}}/{path}")).is_none(), "{path} can be checked now");
        }
        for path in [Labels::PATH, Milestones::PATH, Iterations::PATH, Epics::PATH] {
            assert!(described(&description, &format!("groups/{{id}}/{path}")).is_none(), "{path} can be checked now");
        }
    }
}
