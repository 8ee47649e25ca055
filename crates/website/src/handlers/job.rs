//! One job, and what a person can do to it.

use crate::{
    answer::{PageError, page, see_other},
    app::App,
    handlers::sign_in::Csrf,
    pages::{Attempt, ErrorPage, Frame, ItemChoice, ItemRow, JobMessage, JobPage, LevelCount, NextStep, RelatedJob},
    session::{PageUser, SignedIn},
    subject::{self, Subjects},
};
use actix_web::{
    HttpResponse,
    web::{Data, Form, Path, Query},
};
use serde::Deserialize;
use trawl_jobs::{AreaId, AreaKind, JobId, Level};
use trawl_store::{
    Conn, StoreError, areas, attempts, audit,
    items::{self, ItemFilter},
    jobs::{self, Abort, Job},
    messages,
};

const MESSAGES_SHOWN: i64 = 500;
const ATTEMPTS_SHOWN: i64 = 50;
const CHILDREN_SHOWN: i64 = 100;
const ITEMS_SHOWN: i64 = 100;

/// What the URL says.
#[derive(Debug, Deserialize)]
pub struct JobQuery {
    level: Option<String>,
    item: Option<String>,
    verdict: Option<String>,
    items_after: Option<String>,
}

/// `GET /jobs/{id}`.
///
/// # Errors
/// No such job for this user.
pub async fn show(
    app: Data<App>,
    user: PageUser,
    id: Path<String>,
    query: Query<JobQuery>,
) -> Result<HttpResponse, PageError> {
    let id = parse(&id)?;
    let frame = user.0.frame(&app);
    let query = query.into_inner();
    let shown = Shown {
        level: query.level.and_then(|level| level.parse().ok()),
        items: ItemChoice {
            state: query.item.and_then(|state| state.parse().ok()),
            verdict: query.verdict.filter(|verdict| !verdict.is_empty()),
            after: query.items_after.filter(|name| !name.is_empty()),
        },
    };
    let loaded = app.db.read(move |conn| load(conn, &user.0, frame, id, shown)).await?;
    page(&loaded)
}

/// What of a job is shown.
struct Shown {
    level: Option<Level>,
    items: ItemChoice,
}

/// `POST /jobs/{id}/abort`.
///
/// # Errors
/// No such job for this user, or it has ended.
pub async fn abort(
    app: Data<App>,
    user: PageUser,
    id: Path<String>,
    form: Form<Csrf>,
) -> Result<HttpResponse, PageError> {
    user.0.check_csrf(&form.csrf)?;
    let id = parse(&id)?;
    abort_job(&app, &user.0, id).await?;
    Ok(see_other(&format!("/jobs/{id}")))
}

/// `POST /jobs/{id}/retry`.
///
/// # Errors
/// No such job for this user, or it has not ended.
pub async fn retry(
    app: Data<App>,
    user: PageUser,
    id: Path<String>,
    form: Form<Csrf>,
) -> Result<HttpResponse, PageError> {
    user.0.check_csrf(&form.csrf)?;
    let id = parse(&id)?;
    retry_job(&app, &user.0, id).await.map_err(|error| match error {
        RetryError::Duplicate(live) => PageError::Told(Box::new(same_as(live))),
        RetryError::Store(error) => error.into(),
    })?;
    Ok(see_other(&format!("/jobs/{id}")))
}

/// Stops a job of this user.
///
/// # Errors
/// [`StoreError::NotFound`], or [`StoreError::Illegal`] where it has ended.
pub async fn abort_job(app: &App, user: &SignedIn, id: JobId) -> Result<(), StoreError> {
    let who = user.clone();
    let (abort, job) = app
        .db
        .write(move |conn| {
            mine(conn, &who, id)?;
            let abort = jobs::abort(conn, id)?;
            audit::record(conn, Some(who.user.id()), "abort job", &id.to_string())?;
            Ok((abort, jobs::get(conn, id)?))
        })
        .await?;
    if let Abort::Tell(worker, lease) = abort {
        app.dispatcher.abort(worker, lease).await;
    }
    if let Some(job) = job {
        app.hub.job(&job);
    }
    Ok(())
}

/// Why a job is not run again.
#[derive(Debug, thiserror::Error)]
pub enum RetryError {
    /// A live job does the same.
    #[error("another job that does the same is queued or runs already")]
    Duplicate(Option<JobId>),
    /// [`StoreError::NotFound`], or [`StoreError::Illegal`] where it has not ended.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a person is told whose job another one does. The other may be somebody else's, or have ended meanwhile.
fn same_as(live: Option<JobId>) -> ErrorPage {
    ErrorPage {
        title: "Another job does this already".to_owned(),
        sentence: "A job that reads the same is queued, waits or runs, so this one is not run again.".to_owned(),
        next: Some(match live {
            Some(id) => NextStep { href: format!("/jobs/{id}"), label: "Show that job".to_owned() },
            None => NextStep { href: "/jobs?state=active".to_owned(), label: "Show jobs".to_owned() },
        }),
        ..ErrorPage::of(409)
    }
}

/// Runs a job of this user again.
///
/// # Errors
/// See [`RetryError`].
pub async fn retry_job(app: &App, user: &SignedIn, id: JobId) -> Result<(), RetryError> {
    let who = user.clone();
    let retried = app
        .db
        .write(move |conn| {
            mine(conn, &who, id)?;
            jobs::retry(conn, id)?;
            audit::record(conn, Some(who.user.id()), "retry job", &id.to_string())?;
            jobs::get(conn, id)
        })
        .await;
    let job = match retried {
        Err(error) if error.is_duplicate() => {
            let who = user.clone();
            return Err(RetryError::Duplicate(app.db.read(move |conn| live_twin(conn, &who, id)).await?));
        }
        other => other?,
    };
    app.dispatcher.wake();
    if let Some(job) = job {
        app.hub.job(&job);
    }
    Ok(())
}

/// The live job that does the same as this one, where the user may see it.
fn live_twin(conn: &mut Conn<'_>, user: &SignedIn, id: JobId) -> Result<Option<JobId>, StoreError> {
    let job = mine(conn, user, id)?;
    let Some(live) = jobs::live_with_key(conn, &job.dedupe_key)? else { return Ok(None) };
    Ok(mine(conn, user, live).is_ok().then_some(live))
}

/// A job that this user may see.
///
/// # Errors
/// [`StoreError::NotFound`], also for somebody else's.
pub fn mine(conn: &mut Conn<'_>, user: &SignedIn, id: JobId) -> Result<Job, StoreError> {
    let job = jobs::get(conn, id)?.ok_or(StoreError::NotFound)?;
    match user.job_scope() {
        Some(me) if job.user_id != Some(me.0) => Err(StoreError::NotFound),
        _ => Ok(job),
    }
}

fn parse(id: &str) -> Result<JobId, PageError> {
    id.parse().map_err(|_| PageError::NotFound)
}

fn load(conn: &mut Conn<'_>, user: &SignedIn, frame: Frame, id: JobId, shown: Shown) -> Result<JobPage, StoreError> {
    let Shown { level, items: item_filter } = shown;
    let (items, more_items) = items(conn, id, &item_filter)?;
    let job = mine(conn, user, id)?;
    let subjects = Subjects::load(conn, user)?;
    let area = job.area_id.map(|area| areas::get(conn, AreaId(area))).transpose()?.flatten();
    let path = subject::path_for(conn, user, &job, area.as_ref().map(|area| area.full_path.clone()))?;
    // An administrator sees the path of every area, but explores only what their own accounts reach.
    let reached = match job.area_id {
        Some(area) => areas::visible_one(conn, user.user.id(), AreaId(area))?,
        None => None,
    };
    let (count, total, per_second) = if job.state()?.is_leased() { subject::pace(&job) } else { (None, None, None) };
    let parent = job.parent_id.as_deref().and_then(|id| id.parse().ok());
    let parent = parent.map(|id| jobs::get(conn, id)).transpose()?.flatten();
    let now = frame.now;
    Ok(JobPage {
        frame,
        id,
        subject: subjects.of(&job, path),
        subject_href: reached.map(|seen| match seen.area.kind() {
            AreaKind::Group => format!("/explore/group/{}", seen.area.id()),
            AreaKind::Project => format!("/explore/project/{}", seen.area.id()),
        }),
        account: subjects.account(&job),
        state: job.state()?,
        note: subject::note(&job),
        attempt: job.attempt,
        max_attempts: job.max_attempts,
        // The node and the life are for the log.
        worker: job.worker.as_deref().and_then(|worker| worker.split('/').nth(1)).map(str::to_owned),
        priority: job.priority,
        lane: job.lane(),
        created_at: job.created_at(),
        run_at: Some(job.run_at()).filter(|at| *at > now),
        started_at: job.started_at(),
        ended_at: job.finished_at(),
        progress: job.steps(),
        per_second,
        seconds_left: subject::seconds_left(count, total, per_second),
        messages: messages::list(conn, id, level, None, MESSAGES_SHOWN)?
            .into_iter()
            .map(|line| JobMessage { id: line.id, level: line.level(), at: line.at(), text: line.text })
            .collect(),
        message_counts: messages::count(conn, id)?
            .into_iter()
            .map(|count| LevelCount { level: count.level, kept: count.kept, dropped: count.dropped })
            .collect(),
        level,
        attempts: attempts(conn, id)?,
        items,
        item_counts: items::count(conn, id)?,
        item_filter,
        more_items,
        payload: job.payload.clone(),
        result: job.result.clone(),
        cursor: job.cursor.clone(),
        parent: parent.map(|parent| related(conn, user, parent, &subjects)).transpose()?,
        children: jobs::children(conn, id, CHILDREN_SHOWN)?
            .into_iter()
            .map(|child| related(conn, user, child, &subjects))
            .collect::<Result<_, _>>()?,
        kind: job.kind,
    })
}

/// The newest attempts, oldest first.
fn attempts(conn: &mut Conn<'_>, id: JobId) -> Result<Vec<Attempt>, StoreError> {
    let newest = attempts::list(conn, id, ATTEMPTS_SHOWN)?.into_iter().rev();
    let shown = newest.map(|attempt| Attempt {
        number: attempt.lease_token,
        started_at: attempt.started_at(),
        ended_at: attempt.ended_at(),
        worker: attempt.worker.split('/').nth(1).unwrap_or(&attempt.worker).to_owned(),
        outcome: attempt.outcome,
        error_class: attempt.error_class.as_deref().and_then(|class| class.parse().ok()),
        error: attempt.error,
    });
    Ok(shown.collect())
}

/// A page of items, and the name of the last one where there are more.
fn items(conn: &mut Conn<'_>, id: JobId, choice: &ItemChoice) -> Result<(Vec<ItemRow>, Option<String>), StoreError> {
    let ItemChoice { state, verdict, after } = choice.clone();
    let found = items::list(conn, id, &ItemFilter { state, verdict, after }, ITEMS_SHOWN)?;
    let full = i64::try_from(found.len()).is_ok_and(|found| found == ITEMS_SHOWN);
    let last = found.last().map(|item| item.name.clone()).filter(|_| full);
    let row = |item: items::JobItem| ItemRow {
        state: item.state(),
        found_on: item.detail.as_deref().and_then(found_on),
        name: item.name,
        verdict: item.verdict,
        note: item.note,
    };
    Ok((found.into_iter().map(row).collect(), last))
}

fn found_on(detail: &str) -> Option<String> {
    let detail: serde_json::Value = serde_json::from_str(detail).ok()?;
    detail["page"].as_str().map(str::to_owned)
}

fn related(conn: &mut Conn<'_>, user: &SignedIn, job: Job, subjects: &Subjects) -> Result<RelatedJob, StoreError> {
    let area = job.area_id.map(|area| areas::get(conn, AreaId(area))).transpose()?.flatten();
    let path = subject::path_for(conn, user, &job, area.map(|area| area.full_path))?;
    Ok(RelatedJob { id: job.id()?, state: job.state()?, subject: subjects.of(&job, path), kind: job.kind })
}
