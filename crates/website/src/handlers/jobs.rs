//! The list of jobs.

use crate::{
    answer::{PageError, page, see_other, told},
    app::App,
    bulk::{self, Tally},
    pages::{ErrorPage, Frame, JobFilter, JobRow, Jobs, StateFilter, words},
    session::{PageUser, SignedIn},
    subject::{self, Subjects},
    submission::{self, Accepted, Refusal, Wish},
};
use actix_web::{
    HttpResponse,
    web::{Data, Form, Query},
};
use serde::Deserialize;
use std::collections::HashMap;
use trawl_jobs::{
    JobId, JobSpec, State,
    kind::{self, BulkVerb},
};
use trawl_store::{
    Conn, StoreError, counters,
    jobs::{self, Job, JobFilter as StoreFilter, JobPage},
};

const PAGE: usize = 50;

/// What the URL says.
#[derive(Debug, Default, Deserialize)]
pub struct JobsQuery {
    state: Option<String>,
    kind: Option<String>,
    lane: Option<String>,
    q: Option<String>,
    before: Option<String>,
    after: Option<String>,
    /// What was just done, and to how many jobs.
    did: Option<String>,
    done: Option<u64>,
    skipped: Option<u64>,
}

impl JobsQuery {
    fn filter(&self) -> JobFilter {
        JobFilter {
            state: StateFilter::parse(self.state.as_deref().unwrap_or_default()),
            kind: self.kind.clone().filter(|kind| !kind.is_empty()),
            lane: self.lane.as_deref().and_then(|lane| lane.parse().ok()),
            q: self.q.as_deref().unwrap_or_default().trim().to_owned(),
        }
    }

    /// What the store is asked for. A page key that is no id shows the first page.
    fn wanted(&self, user: &SignedIn) -> StoreFilter {
        let key = |text: &Option<String>| text.as_ref().and_then(|text| text.parse::<JobId>().ok());
        let filter = self.filter();
        StoreFilter {
            user: user.job_scope(),
            states: states(filter.state),
            kind: filter.kind,
            lane: filter.lane,
            text: Some(filter.q).filter(|text| !text.is_empty()),
            before: key(&self.before),
            after: key(&self.after),
            ..StoreFilter::default()
        }
    }

    fn notice(&self) -> Option<String> {
        let (done, skipped) = (self.done?, self.skipped?);
        let what = match self.did.as_deref()? {
            "abort" => "stopped",
            "retry" => "queued again",
            _ => return None,
        };
        let left = match skipped {
            0 => String::new(),
            _ => format!(" {} left as they are.", words::count(skipped)),
        };
        Some(match (done, skipped) {
            (0, 0) => "No job was chosen.".to_owned(),
            _ => format!("{} {what}.{left}", words::plural(done, "job was", "jobs were")),
        })
    }
}

/// `GET /jobs`.
///
/// # Errors
/// The database.
pub async fn show(app: Data<App>, user: PageUser, query: Query<JobsQuery>) -> Result<HttpResponse, PageError> {
    let (frame, query) = (user.0.frame(&app), query.into_inner());
    let loaded = app.db.read(move |conn| load(conn, &user.0, frame, &query)).await?;
    page(&loaded)
}

/// The form above the list.
#[derive(Debug, Deserialize)]
pub struct ScanForm {
    csrf: String,
    url: String,
    /// Follow links to pages of the same host as well.
    follow: Option<String>,
}

/// How far links are followed where a person asks for it without saying how far.
const FOLLOWED: u32 = 5;

/// `POST /jobs`: checks the links of a page.
///
/// # Errors
/// It is no address of a page.
pub async fn scan(app: Data<App>, user: PageUser, form: Form<ScanForm>) -> Result<HttpResponse, PageError> {
    user.0.check_csrf(&form.csrf)?;
    let told = |sentence| told(422, sentence);
    let url = form.url.trim().parse().map_err(|error| {
        told(format!(
            "That is not the address of a page: {error}. Go back and enter one such as https://docs.example.com."
        ))
    })?;
    let depth = if form.follow.is_some() { FOLLOWED } else { 0 };
    let spec = JobSpec::LinkScan(kind::LinkScan { depth, ..kind::LinkScan::of(url) });
    let wish = Wish { spec, area: None, account: None, priority: None };
    match submission::submit(&app, &user.0, wish).await {
        Ok(accepted) => Ok(see_other(&format!("/jobs/{}", accepted.id))),
        Err(Refusal::Store(error)) => Err(error.into()),
        Err(refusal) => {
            Err(told(format!("This page cannot be scanned: {refusal}. Go back and enter another address.")))
        }
    }
}

/// `POST /jobs/bulk`: the same for the chosen jobs, or for all that the filter finds.
///
/// # Errors
/// A field that cannot be read.
pub async fn bulk(
    app: Data<App>,
    user: PageUser,
    form: Form<Vec<(String, String)>>,
) -> Result<HttpResponse, PageError> {
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    user.0.check_csrf(field("csrf").unwrap_or_default())?;
    let did = field("action").unwrap_or_default();
    let verb = match did {
        "abort" => BulkVerb::Abort,
        "retry" => BulkVerb::Retry,
        _ => return Err(PageError::Told(Box::new(ErrorPage::of(400)))),
    };
    let shown = field("query").unwrap_or_default();
    if field("matching").is_some() {
        let query = Query::<JobsQuery>::from_query(shown).map(Query::into_inner).unwrap_or_default();
        return match submit_bulk(&app, &user.0, verb, query.wanted(&user.0)).await {
            Ok(accepted) => Ok(see_other(&format!("/jobs/{}", accepted.id))),
            Err(Refusal::Store(error)) => Err(error.into()),
            Err(refusal) => Err(told(422, format!("This cannot be done: {refusal}."))),
        };
    }
    let ids = form.iter().filter(|(key, _)| key == "id").filter_map(|(_, id)| id.parse().ok());
    let Tally { done, skipped } = bulk::run(&app, &user.0, verb, ids.collect()).await?;
    let join = if shown.is_empty() { "" } else { "&" };
    Ok(see_other(&format!("/jobs?{shown}{join}did={did}&done={done}&skipped={skipped}")))
}

/// Submits the job that does this to all that the filter finds.
///
/// # Errors
/// The filter is out of bounds, or the database fails.
pub async fn submit_bulk(
    app: &App,
    user: &SignedIn,
    action: BulkVerb,
    filter: StoreFilter,
) -> Result<Accepted, Refusal> {
    let StoreFilter { states, kind, lane, area, account, text, .. } = filter;
    let fit = bulk::states(action, &states);
    let states = match fit.len() {
        0 => return Err(Refusal::Invalid("no job in these states can be treated so".to_owned())),
        // The usual wish is said without a list.
        all if all == bulk::states(action, &[]).len() => Vec::new(),
        _ => fit,
    };
    let spec = JobSpec::BulkAction(kind::BulkAction { action, states, kind, lane, area, account, q: text });
    submission::submit(app, user, Wish { spec, area: None, account: None, priority: None }).await
}

/// The states that a filter means.
#[must_use]
pub fn states(filter: StateFilter) -> Vec<State> {
    match filter {
        StateFilter::All => Vec::new(),
        StateFilter::Active => State::ALL.into_iter().filter(|state| state.is_live()).collect(),
        StateFilter::Past => State::ALL.into_iter().filter(|state| !state.is_live()).collect(),
        StateFilter::One(state) => vec![state],
    }
}

fn load(conn: &mut Conn<'_>, user: &SignedIn, frame: Frame, query: &JobsQuery) -> Result<Jobs, StoreError> {
    let (filter, wanted) = (query.filter(), query.wanted(user));
    let limit = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
    let JobPage { mut lines, searched_to } = jobs::list(conn, &wanted, limit)?;
    let more = lines.len() > PAGE;
    // Where the search stopped before it found a page, the next one goes on.
    let (has_older, has_newer) = if wanted.after.is_some() {
        if more {
            lines.remove(0);
        }
        (true, more || searched_to.is_some())
    } else {
        lines.truncate(PAGE);
        (more || searched_to.is_some(), wanted.before.is_some())
    };
    let subjects = Subjects::load(conn, user)?;
    let rows: Vec<JobRow> = lines
        .into_iter()
        .map(|(job, path)| {
            let path = subject::path_for(conn, user, &job, path)?;
            row(job, path, &subjects)
        })
        .collect::<Result<_, StoreError>>()?;
    let (first, last) = (rows.first().map(|row| row.id), rows.last().map(|row| row.id));
    let (newer, older) = if wanted.after.is_some() {
        (searched_to.or(first), last.or(wanted.after))
    } else {
        (first.or(wanted.before), searched_to.or(last))
    };
    let mut counts: HashMap<State, i64> = HashMap::new();
    for (kind, state, n) in counters::jobs(conn, user.job_scope())? {
        if filter.kind.as_ref().is_none_or(|wanted| *wanted == kind) {
            *counts.entry(state).or_default() += n;
        }
    }
    Ok(Jobs {
        frame,
        filter,
        notice: query.notice(),
        counts: State::ALL.into_iter().filter_map(|state| Some((state, *counts.get(&state)?))).collect(),
        older: older.filter(|_| has_older),
        newer: newer.filter(|_| has_newer),
        searched_to: searched_to.and_then(JobId::submitted_at),
        rows,
    })
}

fn row(job: Job, path: Option<String>, subjects: &Subjects) -> Result<JobRow, StoreError> {
    Ok(JobRow {
        id: job.id()?,
        state: job.state()?,
        subject: subjects.of(&job, path),
        account: subjects.account(&job),
        progress: job.progress,
        attempt: job.attempt,
        max_attempts: job.max_attempts,
        priority: job.priority,
        lane: job.lane(),
        created_at: job.created_at(),
        started_at: job.started_at(),
        ended_at: job.finished_at(),
        note: subject::note(&job),
        kind: job.kind,
    })
}
