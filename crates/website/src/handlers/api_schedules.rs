//! Schedules for programs.

use crate::{
    answer::ApiError,
    app::App,
    handlers::api_submit::SubmitBody,
    manager,
    session::{ApiUser, SignedIn},
    submission,
};
use actix_web::{
    HttpResponse,
    web::{Data, Json, Path},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use trawl_jobs::{JobId, kind::About, schedule::Rhythm};
use trawl_store::{
    Conn, StoreError,
    schedules::{self, NewSchedule, Schedule},
};
use utoipa::ToSchema;

/// Next runs that are told.
const RUNS_TOLD: usize = 5;
/// Longest name, in bytes.
const NAME_LIMIT: usize = 200;

#[derive(Serialize, ToSchema)]
struct ScheduleAnswer {
    id: i64,
    name: String,
    kind: String,
    #[schema(value_type = Object)]
    payload: Box<RawValue>,
    priority: Option<i32>,
    every_seconds: Option<i64>,
    cron: Option<String>,
    enabled: bool,
    next_runs: Vec<DateTime<Utc>>,
    last_run_at: Option<DateTime<Utc>>,
    #[schema(value_type = Option<String>)]
    last_job: Option<JobId>,
}

impl ScheduleAnswer {
    fn new(schedule: Schedule) -> Result<Self, StoreError> {
        let rhythm = schedule.rhythm()?;
        // The stored time comes first: an interval counts from the last run.
        let next_runs = schedule
            .next_run_at()
            .map(|first| std::iter::once(first).chain(rhythm.next(first, RUNS_TOLD - 1)).collect());
        Ok(Self {
            id: schedule.id,
            payload: RawValue::from_string(schedule.payload.clone())
                .map_err(|error| StoreError::Corrupt(format!("payload of schedule {}: {error}", schedule.id)))?,
            priority: schedule.priority,
            every_seconds: rhythm.every_seconds(),
            cron: rhythm.expression().map(str::to_owned),
            enabled: schedule.enabled,
            next_runs: next_runs.unwrap_or_default(),
            last_run_at: schedule.last_run_at(),
            last_job: schedule.last_job(),
            name: schedule.name,
            kind: schedule.kind,
        })
    }
}

/// `GET /api/schedules`: mine; an administrator's: all.
///
/// # Errors
/// The database.
#[utoipa::path(
    get,
    path = "/api/schedules",
    operation_id = "list_schedules",
    tag = "schedules",
    responses(
        (status = 200, description = "By name", body = Vec<ScheduleAnswer>),
    ),
)]
pub async fn list(app: Data<App>, user: ApiUser) -> Result<HttpResponse, ApiError> {
    let scope = user.0.job_scope();
    let answers = app
        .db
        .read(move |conn| {
            schedules::list(conn, scope)?.into_iter().map(ScheduleAnswer::new).collect::<Result<Vec<_>, _>>()
        })
        .await?;
    Ok(HttpResponse::Ok().json(answers))
}

#[derive(Serialize, ToSchema)]
struct CreatedAnswer {
    id: i64,
}

#[derive(Serialize, ToSchema)]
struct RunAnswer {
    /// None where its account or area is gone.
    #[schema(value_type = Option<String>)]
    job: Option<JobId>,
}

/// What is to be done again and again, and when.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleBody {
    name: String,
    /// Seconds between two runs.
    every_seconds: Option<i64>,
    /// Or a cron expression of five fields, in UTC.
    cron: Option<String>,
    /// What is submitted each time.
    job: SubmitBody,
}

/// `POST /api/schedules`.
///
/// # Errors
/// A name that is taken, a rhythm that is none, or a job that cannot be submitted.
#[utoipa::path(
    post,
    path = "/api/schedules",
    operation_id = "create_schedule",
    tag = "schedules",
    request_body = ScheduleBody,
    responses(
        (status = 201, description = "Made", body = CreatedAnswer),
    ),
)]
pub async fn create(app: Data<App>, user: ApiUser, body: Json<ScheduleBody>) -> Result<HttpResponse, ApiError> {
    let ScheduleBody { name, every_seconds, cron, job } = body.into_inner();
    let id = make(&app, &user.0, &name, rhythm(every_seconds, cron.as_deref())?, job.wish()?).await?;
    Ok(HttpResponse::Created().json(CreatedAnswer { id }))
}

/// The one of the two that is given.
///
/// # Errors
/// Neither or both are, or it is wrong.
pub fn rhythm(every_seconds: Option<i64>, cron: Option<&str>) -> Result<Rhythm, ApiError> {
    match (every_seconds, cron) {
        (Some(seconds), None) => Rhythm::every(seconds),
        (None, Some(cron)) => Rhythm::cron(cron.trim()),
        _ => Err("give either `every_seconds` or `cron`".to_owned()),
    }
    .map_err(ApiError::Invalid)
}

/// Makes a schedule.
///
/// # Errors
/// A name that is taken, or a job that cannot be submitted.
pub async fn make(
    app: &App,
    user: &SignedIn,
    name: &str,
    rhythm: Rhythm,
    wish: submission::Wish,
) -> Result<i64, ApiError> {
    let name = name.trim().to_owned();
    if name.is_empty() || name.len() > NAME_LIMIT {
        return Err(ApiError::Invalid(format!("name must have between 1 and {NAME_LIMIT} bytes")));
    }
    submission::check(app, user, std::slice::from_ref(&wish)).await?;
    let new = NewSchedule {
        name: name.clone(),
        kind: wish.spec.kind().to_owned(),
        payload: wish.spec.payload(),
        priority: wish.priority,
        user: user.user.id(),
        // What the kind is not about has no place here.
        account: wish.account.filter(|_| wish.spec.about() == About::Account),
        area: wish.area.filter(|_| matches!(wish.spec.about(), About::Area(_))),
        rhythm,
    };
    let made = app.db.write(move |conn| {
        submission::resolve(conn, new.user, &wish)?;
        schedules::create(conn, &new)
    });
    match made.await {
        Err(error) if error.is_duplicate() => {
            Err(ApiError::Conflict(format!("a schedule named {name:?} exists already; choose another name")))
        }
        other => Ok(other?),
    }
}

/// Switches it on or off.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EnabledBody {
    enabled: bool,
}

/// `PATCH /api/schedules/{id}`.
///
/// # Errors
/// No such schedule for this user.
#[utoipa::path(
    patch,
    path = "/api/schedules/{id}",
    operation_id = "change_schedule",
    tag = "schedules",
    params(("id" = i64, Path, description = "Our id")),
    request_body = EnabledBody,
    responses(
        (status = 204, description = "Done"),
    ),
)]
pub async fn change(
    app: Data<App>,
    user: ApiUser,
    id: Path<i64>,
    body: Json<EnabledBody>,
) -> Result<HttpResponse, ApiError> {
    let (id, enabled) = (id.into_inner(), body.enabled);
    app.db
        .write(move |conn| {
            let schedule = mine(conn, &user.0, id)?;
            schedules::set_enabled(conn, &schedule, enabled)
        })
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `DELETE /api/schedules/{id}`: the jobs that it has submitted stay.
///
/// # Errors
/// No such schedule for this user.
#[utoipa::path(
    delete,
    path = "/api/schedules/{id}",
    operation_id = "delete_schedule",
    tag = "schedules",
    params(("id" = i64, Path, description = "Our id")),
    responses(
        (status = 204, description = "Done"),
    ),
)]
pub async fn delete(app: Data<App>, user: ApiUser, id: Path<i64>) -> Result<HttpResponse, ApiError> {
    let id = id.into_inner();
    delete_mine(&app, user.0, id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Deletes a schedule of this user.
///
/// # Errors
/// No such schedule for this user.
pub async fn delete_mine(app: &App, user: SignedIn, id: i64) -> Result<(), StoreError> {
    app.db
        .write(move |conn| {
            mine(conn, &user, id)?;
            schedules::delete(conn, id)
        })
        .await
}

/// `POST /api/schedules/{id}/run`: now, whatever its time.
///
/// # Errors
/// No such schedule for this user.
#[utoipa::path(
    post,
    path = "/api/schedules/{id}/run",
    operation_id = "run_schedule",
    tag = "schedules",
    params(("id" = i64, Path, description = "Our id")),
    responses(
        (status = 200, description = "Its job, new or not", body = RunAnswer),
    ),
)]
pub async fn run(app: Data<App>, user: ApiUser, id: Path<i64>) -> Result<HttpResponse, ApiError> {
    let job = run_now(&app, &user.0, id.into_inner()).await?;
    Ok(HttpResponse::Ok().json(RunAnswer { job }))
}

/// Submits the job of a schedule now. Returns the job, new or not; none where its account or area is gone.
///
/// # Errors
/// No such schedule for this user.
pub async fn run_now(app: &App, user: &SignedIn, id: i64) -> Result<Option<JobId>, StoreError> {
    let (who, rules) = (user.clone(), app.rules);
    let job = app
        .db
        .write(move |conn| {
            let schedule = mine(conn, &who, id)?;
            manager::schedules::submit(conn, &rules, &schedule)?;
            Ok(schedules::get(conn, id)?.and_then(|schedule| schedule.last_job()))
        })
        .await?;
    app.dispatcher.wake();
    app.hub.jobs();
    Ok(job)
}

/// A schedule that this user may change.
///
/// # Errors
/// [`StoreError::NotFound`], also for somebody else's.
pub fn mine(conn: &mut Conn<'_>, user: &SignedIn, id: i64) -> Result<Schedule, StoreError> {
    let schedule = schedules::get(conn, id)?.ok_or(StoreError::NotFound)?;
    match user.job_scope() {
        Some(me) if schedule.user() != me => Err(StoreError::NotFound),
        _ => Ok(schedule),
    }
}
