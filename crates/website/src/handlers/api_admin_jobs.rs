//! Everybody's jobs, for administrators' programs.

use crate::{
    answer::ApiError,
    app::App,
    handlers::{
        api_job::parse,
        api_jobs::{JobAnswer, ListQuery, listed},
        api_submit::{SubmitAnswer, SubmitBody, submit},
        job::{abort_job, mine},
        jobs::submit_bulk,
    },
    session::ApiUser,
};
use actix_web::{
    HttpResponse,
    web::{Data, Json, Path, Query},
};
use serde::Serialize;
use trawl_jobs::{JobId, Progress, State, kind::BulkVerb};
use trawl_store::{jobs::JobFilter, messages};
use utoipa::ToSchema;

fn of_states(live: bool) -> Vec<State> {
    State::ALL.into_iter().filter(|state| state.is_live() == live).collect()
}

/// `GET /api/admin/jobs/active`: those that have not ended.
///
/// # Errors
/// The user is no administrator, or a value that cannot be read.
#[utoipa::path(
    get,
    path = "/api/admin/jobs/active",
    operation_id = "list_active_jobs",
    tag = "admin",
    params(ListQuery),
    responses(
        (status = 200, description = "Newest first", body = Vec<JobAnswer>),
    ),
)]
pub async fn active(app: Data<App>, user: ApiUser, query: Query<ListQuery>) -> Result<HttpResponse, ApiError> {
    let user = user.administrator()?;
    let filter = JobFilter { states: of_states(true), ..query.filter(&user)? };
    listed(&app, &user, filter, query.limit()).await
}

/// `GET /api/admin/jobs/past`: those that have ended.
///
/// # Errors
/// The user is no administrator, or a value that cannot be read.
#[utoipa::path(
    get,
    path = "/api/admin/jobs/past",
    operation_id = "list_past_jobs",
    tag = "admin",
    params(ListQuery),
    responses(
        (status = 200, description = "Newest first", body = Vec<JobAnswer>),
    ),
)]
pub async fn past(app: Data<App>, user: ApiUser, query: Query<ListQuery>) -> Result<HttpResponse, ApiError> {
    let user = user.administrator()?;
    let filter = JobFilter { states: of_states(false), ..query.filter(&user)? };
    listed(&app, &user, filter, query.limit()).await
}

/// `POST /api/admin/jobs/start`: as `POST /api/jobs`.
///
/// # Errors
/// The user is no administrator, or as there.
#[utoipa::path(
    post,
    path = "/api/admin/jobs/start",
    operation_id = "start_job",
    tag = "admin",
    request_body = SubmitBody,
    responses(
        (status = 201, description = "A new job", body = SubmitAnswer),
        (status = 200, description = "A live job does the same", body = SubmitAnswer),
    ),
)]
pub async fn start(app: Data<App>, user: ApiUser, body: Json<SubmitBody>) -> Result<HttpResponse, ApiError> {
    let user = ApiUser(user.administrator()?);
    submit(app, user, body).await
}

#[derive(Serialize, ToSchema)]
struct ProgressAnswer {
    #[schema(value_type = String)]
    id: JobId,
    #[schema(value_type = String)]
    status: State,
    progress: f64,
    #[schema(value_type = Vec<Object>)]
    steps: Progress,
    messages: Vec<LevelAnswer>,
}

#[derive(Serialize, ToSchema)]
struct LevelAnswer {
    #[schema(value_type = String)]
    level: trawl_jobs::Level,
    kept: i64,
    dropped: i64,
}

/// `GET /api/admin/jobs/single/{id}/progress`.
///
/// # Errors
/// The user is no administrator, or there is no such job.
#[utoipa::path(
    get,
    path = "/api/admin/jobs/single/{id}/progress",
    operation_id = "job_progress",
    tag = "admin",
    params(("id" = String, Path, description = "Id of the job")),
    responses(
        (status = 200, description = "How far it is", body = ProgressAnswer),
    ),
)]
pub async fn progress(app: Data<App>, user: ApiUser, id: Path<String>) -> Result<HttpResponse, ApiError> {
    let (user, id) = (user.administrator()?, parse(&id)?);
    let answer = app
        .db
        .read(move |conn| {
            let job = mine(conn, &user, id)?;
            let counts = messages::count(conn, id)?.into_iter();
            Ok(ProgressAnswer {
                id,
                status: job.state()?,
                progress: job.progress,
                steps: job.steps(),
                messages: counts
                    .map(|count| LevelAnswer { level: count.level, kept: count.kept, dropped: count.dropped })
                    .collect(),
            })
        })
        .await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// `POST /api/admin/jobs/single/{id}/abort`.
///
/// # Errors
/// The user is no administrator, or there is no such job, or it has ended.
#[utoipa::path(
    post,
    path = "/api/admin/jobs/single/{id}/abort",
    operation_id = "abort_any_job",
    tag = "admin",
    params(("id" = String, Path, description = "Id of the job")),
    responses(
        (status = 202, description = "It stops soon"),
    ),
)]
pub async fn abort(app: Data<App>, user: ApiUser, id: Path<String>) -> Result<HttpResponse, ApiError> {
    abort_job(&app, &user.administrator()?, parse(&id)?).await?;
    Ok(HttpResponse::Accepted().finish())
}

/// `POST /api/admin/jobs/abort-all`: stops all that have not ended, or of those the ones that the query's filter finds.
/// It answers with the job that does so, which tells how far it is.
///
/// # Errors
/// The user is no administrator, or a value that cannot be read.
#[utoipa::path(
    post,
    path = "/api/admin/jobs/abort-all",
    operation_id = "abort_all_jobs",
    tag = "admin",
    params(ListQuery),
    responses(
        (status = 202, description = "The job that stops them", body = SubmitAnswer),
    ),
)]
pub async fn abort_all(app: Data<App>, user: ApiUser, query: Query<ListQuery>) -> Result<HttpResponse, ApiError> {
    let user = user.administrator()?;
    let filter = query.filter(&user)?;
    let accepted = submit_bulk(&app, &user, BulkVerb::Abort, filter).await?;
    Ok(HttpResponse::Accepted().json(SubmitAnswer::from(&accepted)))
}
