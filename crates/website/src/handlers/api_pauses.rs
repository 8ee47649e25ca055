//! Pauses for administrators' programs.

use crate::{
    answer::ApiError,
    app::App,
    pausing::{self, PauseError},
    session::ApiUser,
};
use actix_web::{
    HttpResponse,
    web::{Data, Json, Path},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trawl_store::pauses::{self, Pause};
use utoipa::ToSchema;

impl From<PauseError> for ApiError {
    fn from(error: PauseError) -> Self {
        match error {
            PauseError::Invalid(why) => Self::Invalid(why),
            PauseError::Store(error) => error.into(),
        }
    }
}

#[derive(Serialize, ToSchema)]
struct PauseAnswer {
    scope: &'static str,
    subject: String,
    reason: String,
    by: Option<String>,
    since: DateTime<Utc>,
}

/// `GET /api/admin/pauses`.
///
/// # Errors
/// The user is no administrator.
#[utoipa::path(
    get,
    path = "/api/admin/pauses",
    operation_id = "list_pauses",
    tag = "admin",
    responses(
        (status = 200, description = "The oldest first", body = Vec<PauseAnswer>),
    ),
)]
pub async fn list(app: Data<App>, user: ApiUser) -> Result<HttpResponse, ApiError> {
    user.administrator()?;
    let answer = |pause: Pause| PauseAnswer {
        scope: pause.scope.scope(),
        subject: pause.scope.subject(),
        reason: pause.reason,
        by: pause.by,
        since: pause.since,
    };
    let pauses = app.db.read(pauses::list).await?;
    Ok(HttpResponse::Ok().json(pauses.into_iter().map(answer).collect::<Vec<_>>()))
}

/// What is to be paused, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseBody {
    scope: String,
    subject: String,
    reason: String,
}

/// `POST /api/admin/pauses`.
///
/// # Errors
/// The user is no administrator, or it means nothing.
#[utoipa::path(
    post,
    path = "/api/admin/pauses",
    operation_id = "pause",
    tag = "admin",
    request_body = PauseBody,
    responses(
        (status = 204, description = "Done"),
    ),
)]
pub async fn pause(app: Data<App>, user: ApiUser, body: Json<PauseBody>) -> Result<HttpResponse, ApiError> {
    let user = user.administrator()?;
    let scope = pausing::scope(&body.scope, &body.subject)?;
    pausing::pause(&app, &user, scope, &body.reason).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `DELETE /api/admin/pauses/{scope}/{subject}`.
///
/// # Errors
/// The user is no administrator, or there is no such pause.
#[utoipa::path(
    delete,
    path = "/api/admin/pauses/{scope}/{subject}",
    operation_id = "end_pause",
    tag = "admin",
    params(
        ("scope" = String, Path, description = "kind, lane or account"),
        ("subject" = String, Path, description = "Which one"),
    ),
    responses(
        (status = 204, description = "Done"),
    ),
)]
pub async fn go_on(app: Data<App>, user: ApiUser, named: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let user = user.administrator()?;
    let scope = pausing::scope(&named.0, &named.1).map_err(|_| ApiError::NotFound)?;
    pausing::go_on(&app, &user, scope).await?;
    Ok(HttpResponse::NoContent().finish())
}
