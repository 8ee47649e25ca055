//! Applications by which people sign in at their instance, for administrators' programs. A secret goes in and never comes
//! out.

use crate::{answer::ApiError, app::App, link::LinkError, oauth, session::ApiUser};
use actix_web::{
    HttpResponse,
    web::{Data, Json, Path},
};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use trawl_jobs::InstanceId;
use trawl_store::oauth::applications;
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
struct ApplicationAnswer {
    /// Our id of the instance.
    instance: i64,
    instance_url: String,
    client_id: String,
    /// Whether it has a secret.
    confidential: bool,
    created_at: DateTime<Utc>,
}

#[derive(Serialize, ToSchema)]
struct ApplicationsAnswer {
    /// What has to be registered with each of them.
    redirect_uri: String,
    applications: Vec<ApplicationAnswer>,
}

/// `GET /api/admin/applications`.
///
/// # Errors
/// The user is no administrator.
#[utoipa::path(
    get,
    path = "/api/admin/applications",
    operation_id = "list_applications",
    tag = "admin",
    responses(
        (status = 200, description = "All of them, by address", body = ApplicationsAnswer),
    ),
)]
pub async fn list(app: Data<App>, user: ApiUser) -> Result<HttpResponse, ApiError> {
    user.administrator()?;
    let known = app.db.read(applications).await?.into_iter().map(|known| ApplicationAnswer {
        instance: known.instance().0,
        confidential: known.secret_cipher.is_some(),
        created_at: known.created_at(),
        instance_url: known.instance_url,
        client_id: known.client_id,
    });
    let answer = ApplicationsAnswer { redirect_uri: oauth::redirect_uri(&app), applications: known.collect() };
    Ok(HttpResponse::Ok().json(answer))
}

/// An application as GitLab shows it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplicationBody {
    instance_url: String,
    client_id: String,
    /// None for an application that is not confidential.
    #[schema(value_type = Option<String>)]
    client_secret: Option<SecretString>,
}

/// `POST /api/admin/applications`: makes one known, or replaces that of the same instance.
///
/// # Errors
/// The user is no administrator, or in words what is wrong with it.
#[utoipa::path(
    post,
    path = "/api/admin/applications",
    operation_id = "set_application",
    tag = "admin",
    request_body = ApplicationBody,
    responses(
        (status = 204, description = "Done"),
    ),
)]
pub async fn set(app: Data<App>, user: ApiUser, body: Json<ApplicationBody>) -> Result<HttpResponse, ApiError> {
    let user = user.administrator()?;
    let body = body.into_inner();
    let secret = body.client_secret.filter(|secret| !secret.expose_secret().trim().is_empty());
    oauth::register(&app, user.user.id(), &body.instance_url, &body.client_id, secret).await.map_err(|error| {
        match error {
            LinkError::Instance(why) | LinkError::Token(why) | LinkError::Other(why) => ApiError::Invalid(why),
        }
    })?;
    Ok(HttpResponse::NoContent().finish())
}

/// `DELETE /api/admin/applications/{instance}`.
///
/// # Errors
/// The user is no administrator, or there is none.
#[utoipa::path(
    delete,
    path = "/api/admin/applications/{instance}",
    operation_id = "remove_application",
    tag = "admin",
    params(("instance" = i64, Path, description = "Our id of the instance")),
    responses(
        (status = 204, description = "Done"),
    ),
)]
pub async fn remove(app: Data<App>, user: ApiUser, instance: Path<i64>) -> Result<HttpResponse, ApiError> {
    let user = user.administrator()?;
    oauth::remove(&app, user.user.id(), InstanceId(instance.into_inner())).await?;
    Ok(HttpResponse::NoContent().finish())
}
