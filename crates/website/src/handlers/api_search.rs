//! Search for programs.

use crate::{answer::ApiError, app::App, search, session::ApiUser};
use actix_web::{
    HttpResponse,
    web::{Data, Query},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use trawl_jobs::RecordKind;
use utoipa::{IntoParams, ToSchema};

const LIMIT: i64 = 100;

/// `GET /api/search`.
#[derive(Debug, Deserialize, IntoParams)]
pub struct SearchQuery {
    /// Words; where there are few, longer ones that begin with them are found as well.
    q: String,
    /// Only objects of this kind.
    kind: Option<String>,
    limit: Option<i64>,
}

#[derive(Serialize, ToSchema)]
struct FoundAnswer {
    id: i64,
    kind: String,
    gitlab_id: i64,
    area: i64,
    path: String,
    iid: Option<i64>,
    title: String,
    state: Option<String>,
    author: Option<String>,
    updated_at: Option<DateTime<Utc>>,
    confidential: bool,
    web_url: Option<String>,
    /// What stands around the first of the words, where they are not in the title.
    excerpt: Option<String>,
}

/// `GET /api/search?q=`: what has all of these words and is mine to see, titles before texts, what was seen last first.
///
/// # Errors
/// A kind that nobody knows.
#[utoipa::path(
    get,
    path = "/api/search",
    operation_id = "search",
    tag = "mirror",
    params(SearchQuery),
    responses(
        (status = 200, description = "Titles before texts", body = Vec<FoundAnswer>),
    ),
)]
pub async fn show(app: Data<App>, user: ApiUser, query: Query<SearchQuery>) -> Result<HttpResponse, ApiError> {
    let SearchQuery { q, kind, limit } = query.into_inner();
    let kind: Option<RecordKind> = kind.map(|kind| kind.parse()).transpose().map_err(ApiError::Invalid)?;
    let limit = limit.unwrap_or(LIMIT).clamp(1, LIMIT);
    let found = app.db.read(move |conn| search::find(conn, &user.0, &q, kind, limit)).await?;
    let answer: Vec<_> = found
        .into_iter()
        .map(|search::Found { object, path, excerpt }| FoundAnswer {
            id: object.id,
            gitlab_id: object.gitlab_id,
            area: object.area_id,
            path,
            iid: object.iid,
            updated_at: object.updated_at(),
            confidential: object.confidential,
            excerpt,
            kind: object.kind,
            title: object.title,
            state: object.state,
            author: object.author,
            web_url: object.web_url,
        })
        .collect();
    Ok(HttpResponse::Ok().json(answer))
}
