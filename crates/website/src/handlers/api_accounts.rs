//! Linked accounts for programs. A token goes in and never comes out.

use crate::{
    answer::ApiError,
    app::App,
    link::{self, LinkError},
    session::ApiUser,
};
use actix_web::{
    HttpResponse,
    web::{Data, Json, Path},
};
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use trawl_jobs::AccountId;
use trawl_store::accounts::{self, AccountState};
use utoipa::ToSchema;

#[derive(Serialize, ToSchema)]
struct AccountAnswer {
    id: i64,
    instance_url: String,
    username: String,
    working: bool,
    /// When its token ends, where that is known.
    expires_at: Option<DateTime<Utc>>,
    /// Whether the token is renewed by itself.
    renews: bool,
    /// What the token may do, with spaces between, where that is known.
    scopes: Option<String>,
    groups: i64,
    projects: i64,
    linked_at: DateTime<Utc>,
    scope_checked_at: Option<DateTime<Utc>>,
}

/// `GET /api/accounts`: mine.
///
/// # Errors
/// The database.
#[utoipa::path(
    get,
    path = "/api/accounts",
    operation_id = "list_accounts",
    tag = "accounts",
    responses(
        (status = 200, description = "Mine", body = Vec<AccountAnswer>),
    ),
)]
pub async fn list(app: Data<App>, user: ApiUser) -> Result<HttpResponse, ApiError> {
    let answer = app
        .db
        .read(move |conn| {
            let mut answer = Vec::new();
            for account in accounts::list(conn, Some(user.0.user.id()))? {
                let (groups, projects) = accounts::reach(conn, account.id())?;
                answer.push(AccountAnswer {
                    id: account.id().0,
                    working: account.state() == AccountState::Working,
                    expires_at: account.expires_at(),
                    renews: account.refresh_cipher.is_some(),
                    groups,
                    projects,
                    linked_at: account.linked_at(),
                    scope_checked_at: account.scope_checked_at(),
                    instance_url: account.instance_url,
                    username: account.username,
                    scopes: account.scopes,
                });
            }
            Ok(answer)
        })
        .await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// `POST /api/accounts`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkBody {
    instance_url: String,
    #[schema(value_type = String)]
    token: SecretString,
}

#[derive(Serialize, ToSchema)]
struct Linked {
    id: i64,
}

/// `POST /api/accounts`: links one by personal access token.
///
/// # Errors
/// In words: the address, the token, or GitLab.
#[utoipa::path(
    post,
    path = "/api/accounts",
    operation_id = "link_account",
    tag = "accounts",
    request_body = LinkBody,
    responses(
        (status = 201, description = "Linked", body = Linked),
    ),
)]
pub async fn link(app: Data<App>, user: ApiUser, body: Json<LinkBody>) -> Result<HttpResponse, ApiError> {
    let body = body.into_inner();
    match link::link(&app, user.0.user.id(), &body.instance_url, body.token).await {
        Ok(id) => Ok(HttpResponse::Created().json(Linked { id: id.0 })),
        Err(LinkError::Instance(why) | LinkError::Token(why) | LinkError::Other(why)) => Err(ApiError::Invalid(why)),
    }
}

/// `DELETE /api/accounts/{id}`.
///
/// # Errors
/// It is not this user's.
#[utoipa::path(
    delete,
    path = "/api/accounts/{id}",
    operation_id = "unlink_account",
    tag = "accounts",
    params(("id" = i64, Path, description = "Our id")),
    responses(
        (status = 204, description = "Done"),
    ),
)]
pub async fn unlink(app: Data<App>, user: ApiUser, id: Path<i64>) -> Result<HttpResponse, ApiError> {
    link::unlink(&app, user.0.user.id(), AccountId(id.into_inner())).await?;
    Ok(HttpResponse::NoContent().finish())
}
