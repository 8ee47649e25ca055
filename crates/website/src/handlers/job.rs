//! One job, and what a person can do to it.

use crate::{
    answer::{PageError, page, see_other},
    app::App,
    handlers::{jobs::lane, sign_in::Csrf},
    pages::{Attempt, Frame, JobMessage, JobPage, RelatedJob},
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
    jobs::{self, Abort, Job},
    messages,
};

const MESSAGES_SHOWN: i64 = 500;
const ATTEMPTS_SHOWN: i64 = 50;
const CHILDREN_SHOWN: i64 = 100;

/// What the URL says.
#[derive(Debug, Deserialize)]
pub struct JobQuery {
    level: Option<String>,
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
    let level = query.into_inner().level.and_then(|level| level.parse().ok());
    let loaded = app.db.read(move |conn| load(conn, &user.0, frame, id, level)).await?;
    page(&loaded)
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
    retry_job(&app, &user.0, id).await?;
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

/// Runs a job of this user again.
///
/// # Errors
/// [`StoreError::NotFound`], or [`StoreError::Illegal`] where it has not ended.
pub async fn retry_job(app: &App, user: &SignedIn, id: JobId) -> Result<(), StoreError> {
    let who = user.clone();
    let job = app
        .db
        .write(move |conn| {
            mine(conn, &who, id)?;
            jobs::retry(conn, id)?;
            audit::record(conn, Some(who.user.id()), "retry job", &id.to_string())?;
            jobs::get(conn, id)
        })
        .await?;
    app.dispatcher.wake();
    if let Some(job) = job {
        app.hub.job(&job);
    }
    Ok(())
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

fn load(
    conn: &mut Conn<'_>,
    user: &SignedIn,
    frame: Frame,
    id: JobId,
    level: Option<Level>,
) -> Result<JobPage, StoreError> {
    let job = mine(conn, user, id)?;
    let subjects = Subjects::load(conn)?;
    let area = job.area_id.map(|area| areas::get(conn, AreaId(area))).transpose()?.flatten();
    let (count, total, per_second) = if job.state()?.is_leased() { subject::pace(&job) } else { (None, None, None) };
    let parent = job.parent_id.as_deref().and_then(|id| id.parse().ok());
    let parent = parent.map(|id| jobs::get(conn, id)).transpose()?.flatten();
    let now = frame.now;
    Ok(JobPage {
        frame,
        id,
        subject: subjects.of(&job, area.as_ref().map(|area| area.full_path.clone())),
        subject_href: area.as_ref().map(|area| match area.kind() {
            AreaKind::Group => format!("/explore/group/{}", area.id()),
            AreaKind::Project => format!("/explore/project/{}", area.id()),
        }),
        account: subjects.account(&job),
        state: job.state()?,
        note: subject::note(&job),
        attempt: job.attempt,
        max_attempts: job.max_attempts,
        // The node and the life are for the log.
        worker: job.worker.as_deref().and_then(|worker| worker.split('/').nth(1)).map(str::to_owned),
        priority: job.priority,
        lane: lane(&job),
        created_at: job.created_at(),
        run_at: Some(job.run_at()).filter(|at| *at > now),
        started_at: job.started_at(),
        ended_at: job.finished_at(),
        progress: job.steps(),
        per_second,
        seconds_left: subject::seconds_left(count, total, per_second),
        messages: messages::list(conn, id, level, MESSAGES_SHOWN)?
            .into_iter()
            .map(|line| JobMessage { id: line.id, level: line.level(), at: line.at(), text: line.text })
            .collect(),
        message_counts: messages::count(conn, id)?,
        messages_dropped: 0,
        level,
        attempts: attempts(conn, id)?,
        payload: job.payload.clone(),
        result: job.result.clone(),
        cursor: job.cursor.clone(),
        parent: parent.map(|parent| related(conn, parent, &subjects)).transpose()?,
        children: jobs::children(conn, id, CHILDREN_SHOWN)?
            .into_iter()
            .map(|child| related(conn, child, &subjects))
            .collect::<Result<_, _>>()?,
        kind: job.kind,
    })
}

fn attempts(conn: &mut Conn<'_>, id: JobId) -> Result<Vec<Attempt>, StoreError> {
    let mut attempts: Vec<Attempt> = attempts::list(conn, id, ATTEMPTS_SHOWN)?
        .into_iter()
        .map(|attempt| Attempt {
            number: attempt.lease_token,
            started_at: attempt.started_at(),
            ended_at: attempt.ended_at(),
            worker: attempt.worker.split('/').nth(1).unwrap_or(&attempt.worker).to_owned(),
            outcome: attempt.outcome.clone(),
            error_class: attempt.error_class.as_deref().and_then(|class| class.parse().ok()),
            error: attempt.error,
        })
        .collect();
    attempts.reverse();
    Ok(attempts)
}

fn related(conn: &mut Conn<'_>, job: Job, subjects: &Subjects) -> Result<RelatedJob, StoreError> {
    let area = job.area_id.map(|area| areas::get(conn, AreaId(area))).transpose()?.flatten();
    Ok(RelatedJob {
        id: job.id()?,
        state: job.state()?,
        subject: subjects.of(&job, area.map(|area| area.full_path)),
        kind: job.kind,
    })
}
