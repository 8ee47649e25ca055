//! Webhooks for administrators' programs. A secret is told once.

use crate::{
    answer::ApiError,
    app::App,
    listening::{self, Told},
    session::ApiUser,
};
use actix_web::{
    HttpResponse,
    web::{Data, Json, Path},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trawl_jobs::InstanceId;
use trawl_store::webhooks;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
struct WebhookAnswer {
    /// Our id of the instance.
    instance: i64,
    instance_url: String,
    /// Where GitLab is to send events.
    url: String,
    created_at: DateTime<Utc>,
    last_event_at: Option<DateTime<Utc>>,
}

/// `GET /api/admin/webhooks`.
///
/// # Errors
/// The user is no administrator.
#[utoipa::path(
    get,
    path = "/api/admin/webhooks",
    operation_id = "list_webhooks",
    tag = "admin",
    responses(
        (status = 200, description = "By address of the instance", body = Vec<WebhookAnswer>),
    ),
)]
pub async fn list(app: Data<App>, user: ApiUser) -> Result<HttpResponse, ApiError> {
    user.administrator()?;
    let hooks = app.db.read(webhooks::list).await?;
    let answer = hooks.into_iter().map(|hook| WebhookAnswer {
        instance: hook.instance().0,
        url: listening::url(&app, hook.instance()),
        created_at: hook.created_at(),
        last_event_at: hook.last_event_at(),
        instance_url: hook.instance_url,
    });
    Ok(HttpResponse::Ok().json(answer.collect::<Vec<_>>()))
}

/// Which instance.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookBody {
    instance_url: String,
}

#[derive(Serialize, ToSchema)]
struct SecretAnswer {
    /// Our id of the instance.
    instance: i64,
    /// Where GitLab is to send events.
    url: String,
    /// What GitLab calls the secret token. It is not shown again.
    secret: String,
}

/// `POST /api/admin/webhooks`: listens to an instance, with a new secret.
///
/// # Errors
/// The user is no administrator, or the address is none.
#[utoipa::path(
    post,
    path = "/api/admin/webhooks",
    operation_id = "set_webhook",
    tag = "admin",
    request_body = WebhookBody,
    responses(
        (status = 201, description = "Listening; an older secret is void", body = SecretAnswer),
    ),
)]
pub async fn set(app: Data<App>, user: ApiUser, body: Json<WebhookBody>) -> Result<HttpResponse, ApiError> {
    let user = user.administrator()?;
    let told = listening::begin(&app, user.user.id(), &body.instance_url).await;
    let Told { instance, url, secret } = told.map_err(|error| ApiError::Invalid(error.to_string()))?;
    Ok(HttpResponse::Created().json(SecretAnswer { instance: instance.0, url, secret }))
}

/// `DELETE /api/admin/webhooks/{instance}`.
///
/// # Errors
/// The user is no administrator, or nobody listens to it.
#[utoipa::path(
    delete,
    path = "/api/admin/webhooks/{instance}",
    operation_id = "remove_webhook",
    tag = "admin",
    params(("instance" = i64, Path, description = "Our id of the instance")),
    responses(
        (status = 204, description = "Done"),
    ),
)]
pub async fn remove(app: Data<App>, user: ApiUser, instance: Path<i64>) -> Result<HttpResponse, ApiError> {
    let user = user.administrator()?;
    listening::end(&app, user.user.id(), InstanceId(instance.into_inner())).await?;
    Ok(HttpResponse::NoContent().finish())
}
