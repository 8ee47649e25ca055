//! The mirror for programs.

use crate::{answer::ApiError, app::App, freshness::Freshness, session::ApiUser};
use actix_web::{
    HttpResponse,
    web::{Data, Query},
};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trawl_jobs::{AreaId, RecordKind};
use trawl_store::{
    StoreError, areas,
    resources::{self, ResourceFilter},
};
use utoipa::{IntoParams, ToSchema};

const LIMIT: i64 = 100;

#[derive(Serialize, ToSchema)]
struct AreaAnswer {
    id: i64,
    kind: &'static str,
    full_path: String,
    name: String,
    archived: bool,
    issues: i64,
    merge_requests: i64,
    synced_at: Option<DateTime<Utc>>,
    completeness: &'static str,
    incomplete: Option<String>,
}

/// `GET /api/areas`: what the user may see, by path.
///
/// # Errors
/// The database.
#[utoipa::path(
    get,
    path = "/api/areas",
    operation_id = "list_areas",
    tag = "mirror",
    responses(
        (status = 200, description = "By path", body = Vec<AreaAnswer>),
    ),
)]
pub async fn list(app: Data<App>, user: ApiUser) -> Result<HttpResponse, ApiError> {
    let freshness = app.db.read(move |conn| Freshness::load(conn, user.0.user.id())).await?;
    let areas: Vec<AreaAnswer> = freshness
        .areas()
        .iter()
        .map(|row| AreaAnswer {
            id: row.id,
            kind: row.kind.as_str(),
            full_path: row.full_path.clone(),
            name: row.name.clone(),
            archived: row.archived,
            issues: row.issues,
            merge_requests: row.merge_requests,
            synced_at: row.synced_at,
            completeness: row.completeness.as_str(),
            incomplete: row.completeness.reason().map(str::to_owned),
        })
        .collect();
    Ok(HttpResponse::Ok().json(areas))
}

/// `GET /api/resources`.
#[derive(Debug, Deserialize, IntoParams)]
pub struct ResourcesQuery {
    area: i64,
    kind: String,
    state: Option<String>,
    q: Option<String>,
    limit: Option<i64>,
}

#[derive(Serialize, ToSchema)]
struct ResourceAnswer {
    id: i64,
    kind: String,
    gitlab_id: i64,
    iid: Option<i64>,
    title: String,
    state: Option<String>,
    author: Option<String>,
    updated_at: Option<DateTime<Utc>>,
    confidential: bool,
    #[schema(value_type = Object)]
    payload: Value,
}

/// `GET /api/resources?area=&kind=`: objects of an area, by their last change, newest first.
///
/// # Errors
/// A kind that nobody knows, or an area that is not the user's.
#[utoipa::path(
    get,
    path = "/api/resources",
    operation_id = "list_resources",
    tag = "mirror",
    params(ResourcesQuery),
    responses(
        (status = 200, description = "Last change first", body = Vec<ResourceAnswer>),
    ),
)]
pub async fn resources(app: Data<App>, user: ApiUser, query: Query<ResourcesQuery>) -> Result<HttpResponse, ApiError> {
    let query = query.into_inner();
    let kind: RecordKind = query.kind.parse().map_err(ApiError::Invalid)?;
    let found = app
        .db
        .read(move |conn| {
            let area = areas::visible_one(conn, user.0.user.id(), AreaId(query.area))?;
            let area = area.filter(|area| area.may_read(kind)).ok_or(StoreError::NotFound)?;
            let filter = ResourceFilter {
                area: area.area.id(),
                kind,
                state: query.state,
                text: query.q,
                confidential: area.may_read_confidential(),
                before: None,
                after: None,
            };
            resources::list(conn, &filter, query.limit.unwrap_or(LIMIT).clamp(1, LIMIT))
        })
        .await?;
    let answer: Vec<ResourceAnswer> = found
        .into_iter()
        .map(|found| ResourceAnswer {
            id: found.id,
            gitlab_id: found.gitlab_id,
            iid: found.iid,
            updated_at: found.updated_at(),
            confidential: found.confidential,
            payload: serde_json::from_str(&found.payload).unwrap_or_default(),
            kind: found.kind,
            title: found.title,
            state: found.state,
            author: found.author,
        })
        .collect();
    Ok(HttpResponse::Ok().json(answer))
}
