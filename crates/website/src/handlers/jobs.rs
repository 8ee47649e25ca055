//! The list of jobs.

use crate::{
    answer::{PageError, page},
    app::App,
    pages::{Frame, JobFilter, JobRow, Jobs, StateFilter},
    session::{PageUser, SignedIn},
    subject::{self, Subjects},
};
use actix_web::{
    HttpResponse,
    web::{Data, Query},
};
use serde::Deserialize;
use std::collections::HashMap;
use trawl_jobs::{JobId, Lane, State};
use trawl_store::{
    Conn, StoreError, counters,
    jobs::{self, Job, JobFilter as StoreFilter},
};

const PAGE: usize = 50;

/// What the URL says.
#[derive(Debug, Deserialize)]
pub struct JobsQuery {
    state: Option<String>,
    kind: Option<String>,
    q: Option<String>,
    before: Option<String>,
    after: Option<String>,
}

/// `GET /jobs`.
///
/// # Errors
/// The database.
pub async fn show(app: Data<App>, user: PageUser, query: Query<JobsQuery>) -> Result<HttpResponse, PageError> {
    let (frame, query) = (user.0.frame(&app), query.into_inner());
    let loaded = app.db.read(move |conn| load(conn, &user.0, frame, query)).await?;
    page(&loaded)
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

fn load(conn: &mut Conn<'_>, user: &SignedIn, frame: Frame, query: JobsQuery) -> Result<Jobs, StoreError> {
    let text = query.q.unwrap_or_default().trim().to_owned();
    let filter = JobFilter {
        state: StateFilter::parse(query.state.as_deref().unwrap_or_default()),
        kind: query.kind.filter(|kind| !kind.is_empty()),
        q: text.clone(),
    };
    // A key that is no id shows the first page.
    let key = |text: Option<String>| text.and_then(|text| text.parse::<JobId>().ok());
    let wanted = StoreFilter {
        user: user.job_scope(),
        states: states(filter.state),
        kind: filter.kind.clone(),
        text: Some(text).filter(|text| !text.is_empty()),
        before: key(query.before),
        after: key(query.after),
    };
    let limit = i64::try_from(PAGE + 1).unwrap_or(i64::MAX);
    let mut lines = jobs::list(conn, &wanted, limit)?;
    let more = lines.len() > PAGE;
    let (has_older, has_newer) = if wanted.after.is_some() {
        if more {
            lines.remove(0);
        }
        (true, more)
    } else {
        lines.truncate(PAGE);
        (more, wanted.before.is_some())
    };
    let subjects = Subjects::load(conn, user)?;
    let rows: Vec<JobRow> = lines
        .into_iter()
        .map(|(job, path)| {
            let path = subject::path_for(conn, user, &job, path)?;
            row(job, path, &subjects)
        })
        .collect::<Result<_, StoreError>>()?;
    let mut counts: HashMap<State, i64> = HashMap::new();
    for (kind, state, n) in counters::jobs(conn, user.job_scope())? {
        if filter.kind.as_ref().is_none_or(|wanted| *wanted == kind) {
            *counts.entry(state).or_default() += n;
        }
    }
    Ok(Jobs {
        frame,
        filter,
        counts: State::ALL.into_iter().filter_map(|state| Some((state, *counts.get(&state)?))).collect(),
        older: rows.last().map(|row| row.id).filter(|_| has_older),
        newer: rows.first().map(|row| row.id).filter(|_| has_newer),
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
        lane: lane(&job),
        created_at: job.created_at(),
        started_at: job.started_at(),
        ended_at: job.finished_at(),
        note: subject::note(&job),
        kind: job.kind,
    })
}

/// The lane as stored.
#[must_use]
pub fn lane(job: &Job) -> Lane {
    if job.lane == Lane::Priority.as_str() { Lane::Priority } else { Lane::Normal }
}
