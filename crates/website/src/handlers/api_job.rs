//! One job for programs: what it did, and what is to become of it.

use crate::{
    answer::ApiError,
    app::App,
    handlers::{
        api_jobs::JobAnswer,
        job::{RetryError, abort_job, mine, retry_job},
    },
    session::{ApiUser, SignedIn},
    subject::path_for,
};
use actix_web::{
    HttpResponse,
    web::{Data, Path, Query},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trawl_jobs::{AreaId, ItemState, JobId, Level};
use trawl_store::{
    Conn, StoreError, areas, attempts,
    items::{self, ItemFilter, JobItem},
    messages,
};
use utoipa::{IntoParams, ToSchema};

/// Attempts that are told, the newest.
const ATTEMPTS_LIMIT: i64 = 100;
const ITEMS_LIMIT: i64 = 1000;

#[derive(Serialize, ToSchema)]
struct AttemptAnswer {
    number: i64,
    worker: String,
    started_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
    outcome: Option<String>,
    error_class: Option<String>,
    error: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct DetailAnswer {
    #[serde(flatten)]
    job: JobAnswer,
    attempts: Vec<AttemptAnswer>,
    items: Vec<ItemCount>,
}

/// `GET /api/jobs/{id}`.
///
/// # Errors
/// No such job for this user.
#[utoipa::path(
    get,
    path = "/api/jobs/{id}",
    operation_id = "show_job",
    tag = "jobs",
    params(("id" = String, Path, description = "Id of the job")),
    responses(
        (status = 200, description = "The job", body = DetailAnswer),
    ),
)]
pub async fn show(app: Data<App>, user: ApiUser, id: Path<String>) -> Result<HttpResponse, ApiError> {
    let id = parse(&id)?;
    let detail = app.db.read(move |conn| detail(conn, &user.0, id)).await?;
    Ok(HttpResponse::Ok().json(detail))
}

fn detail(conn: &mut Conn<'_>, user: &SignedIn, id: JobId) -> Result<DetailAnswer, StoreError> {
    let job = mine(conn, user, id)?;
    let path = job.area_id.map(|area| areas::get(conn, AreaId(area))).transpose()?.flatten().map(|area| area.full_path);
    let path = path_for(conn, user, &job, path)?;
    let attempts = attempts::list(conn, id, ATTEMPTS_LIMIT)?
        .into_iter()
        .map(|attempt| AttemptAnswer {
            number: attempt.lease_token,
            started_at: attempt.started_at(),
            ended_at: attempt.ended_at(),
            worker: attempt.worker,
            outcome: attempt.outcome,
            error_class: attempt.error_class,
            error: attempt.error,
        })
        .collect();
    Ok(DetailAnswer { job: JobAnswer::new(job, path)?, attempts, items: item_counts(conn, id)? })
}

#[derive(Serialize, ToSchema)]
struct MessageAnswer {
    id: i64,
    level: &'static str,
    at: DateTime<Utc>,
    text: String,
}

/// `GET /api/jobs/{id}/messages`.
#[derive(Debug, Deserialize, IntoParams)]
pub struct MessagesQuery {
    #[param(value_type = Option<String>)]
    level: Option<Level>,
    /// Only those with a greater id.
    after: Option<i64>,
}

/// `GET /api/jobs/{id}/messages`: the newest, oldest first.
///
/// # Errors
/// No such job for this user.
#[utoipa::path(
    get,
    path = "/api/jobs/{id}/messages",
    operation_id = "job_messages",
    tag = "jobs",
    params(("id" = String, Path, description = "Id of the job"), MessagesQuery),
    responses(
        (status = 200, description = "Oldest first", body = Vec<MessageAnswer>),
    ),
)]
pub async fn messages(
    app: Data<App>,
    user: ApiUser,
    id: Path<String>,
    query: Query<MessagesQuery>,
) -> Result<HttpResponse, ApiError> {
    let id = parse(&id)?;
    let MessagesQuery { level, after } = query.into_inner();
    let lines = app
        .db
        .read(move |conn| {
            mine(conn, &user.0, id)?;
            messages::list(conn, id, level, after, messages::KEPT_PER_LEVEL)
        })
        .await?;
    let lines: Vec<_> = lines
        .into_iter()
        .map(|line| MessageAnswer { id: line.id, level: line.level().as_str(), at: line.at(), text: line.text })
        .collect();
    Ok(HttpResponse::Ok().json(lines))
}

#[derive(Serialize, ToSchema)]
struct ItemAnswer {
    name: String,
    #[schema(value_type = String)]
    state: ItemState,
    verdict: Option<String>,
    note: Option<String>,
    #[schema(value_type = Option<Object>)]
    detail: Option<Value>,
    updated_at: DateTime<Utc>,
}

/// `GET /api/jobs/{id}/items`.
#[derive(Debug, Deserialize, IntoParams)]
pub struct ItemsQuery {
    #[param(value_type = Option<String>)]
    state: Option<ItemState>,
    verdict: Option<String>,
    /// Only those whose name comes later.
    after: Option<String>,
    limit: Option<i64>,
}

/// `GET /api/jobs/{id}/items`: in the order of their names.
///
/// # Errors
/// No such job for this user.
#[utoipa::path(
    get,
    path = "/api/jobs/{id}/items",
    operation_id = "job_items",
    tag = "jobs",
    params(("id" = String, Path, description = "Id of the job"), ItemsQuery),
    responses(
        (status = 200, description = "In the order of their names", body = Vec<ItemAnswer>),
    ),
)]
pub async fn items(
    app: Data<App>,
    user: ApiUser,
    id: Path<String>,
    query: Query<ItemsQuery>,
) -> Result<HttpResponse, ApiError> {
    let id = parse(&id)?;
    let ItemsQuery { state, verdict, after, limit } = query.into_inner();
    let limit = limit.unwrap_or(ITEMS_LIMIT).clamp(1, ITEMS_LIMIT);
    let found = app
        .db
        .read(move |conn| {
            mine(conn, &user.0, id)?;
            items::list(conn, id, &ItemFilter { state, verdict, after }, limit)
        })
        .await?;
    let answer = |item: JobItem| ItemAnswer {
        state: item.state(),
        detail: item.detail.as_deref().and_then(|detail| serde_json::from_str(detail).ok()),
        updated_at: item.updated_at(),
        name: item.name,
        verdict: item.verdict,
        note: item.note,
    };
    Ok(HttpResponse::Ok().json(found.into_iter().map(answer).collect::<Vec<_>>()))
}

#[derive(Serialize, ToSchema)]
struct ItemCount {
    #[schema(value_type = String)]
    state: ItemState,
    verdict: Option<String>,
    count: i64,
}

fn item_counts(conn: &mut Conn<'_>, id: JobId) -> Result<Vec<ItemCount>, StoreError> {
    let counts = items::count(conn, id)?;
    Ok(counts.into_iter().map(|(state, verdict, count)| ItemCount { state, verdict, count }).collect())
}

/// `POST /api/jobs/{id}/abort`.
///
/// # Errors
/// No such job for this user, or it has ended.
#[utoipa::path(
    post,
    path = "/api/jobs/{id}/abort",
    operation_id = "abort_job",
    tag = "jobs",
    params(("id" = String, Path, description = "Id of the job")),
    responses(
        (status = 202, description = "It stops soon"),
    ),
)]
pub async fn abort(app: Data<App>, user: ApiUser, id: Path<String>) -> Result<HttpResponse, ApiError> {
    abort_job(&app, &user.0, parse(&id)?).await?;
    Ok(HttpResponse::Accepted().finish())
}

/// `POST /api/jobs/{id}/retry`.
///
/// # Errors
/// No such job for this user, or it has not ended; a live job does the same.
#[utoipa::path(
    post,
    path = "/api/jobs/{id}/retry",
    operation_id = "retry_job",
    tag = "jobs",
    params(("id" = String, Path, description = "Id of the job")),
    responses(
        (status = 202, description = "It is queued"),
    ),
)]
pub async fn retry(app: Data<App>, user: ApiUser, id: Path<String>) -> Result<HttpResponse, ApiError> {
    match retry_job(&app, &user.0, parse(&id)?).await {
        Ok(()) => Ok(HttpResponse::Accepted().finish()),
        Err(error @ RetryError::Duplicate(_)) => Err(ApiError::Conflict(error.to_string())),
        Err(RetryError::Store(error)) => Err(error.into()),
    }
}

/// An id in an address; what is none names nothing.
///
/// # Errors
/// [`ApiError::NotFound`].
pub fn parse(id: &str) -> Result<JobId, ApiError> {
    id.parse().map_err(|_| ApiError::NotFound)
}
