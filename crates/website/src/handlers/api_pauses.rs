//! Pauses for administrators' programs.

use crate::{
    answer::ApiError,
    app::App,
    pausing::{self, PauseError},
    session::{ApiUser, SignedIn},
};
use actix_web::{
    HttpResponse,
    web::{Data, Json, Path},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trawl_store::pauses::{self, Pause};

fn admin(user: ApiUser) -> Result<SignedIn, ApiError> {
    if user.0.user.is_admin { Ok(user.0) } else { Err(ApiError::Forbidden) }
}

impl From<PauseError> for ApiError {
    fn from(error: PauseError) -> Self {
        match error {
            PauseError::Invalid(why) => Self::Invalid(why),
            PauseError::Store(error) => error.into(),
        }
    }
}

#[derive(Serialize)]
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
pub async fn list(app: Data<App>, user: ApiUser) -> Result<HttpResponse, ApiError> {
    admin(user)?;
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
#[derive(Debug, Deserialize)]
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
pub async fn pause(app: Data<App>, user: ApiUser, body: Json<PauseBody>) -> Result<HttpResponse, ApiError> {
    let user = admin(user)?;
    let scope = pausing::scope(&body.scope, &body.subject)?;
    pausing::pause(&app, &user, scope, &body.reason).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `DELETE /api/admin/pauses/{scope}/{subject}`.
///
/// # Errors
/// The user is no administrator, or there is no such pause.
pub async fn go_on(app: Data<App>, user: ApiUser, named: Path<(String, String)>) -> Result<HttpResponse, ApiError> {
    let user = admin(user)?;
    let scope = pausing::scope(&named.0, &named.1).map_err(|_| ApiError::NotFound)?;
    pausing::go_on(&app, &user, scope).await?;
    Ok(HttpResponse::NoContent().finish())
}
