//! What is left to do, for programs.

use crate::{answer::ApiError, app::App, outlook::Estimate, session::ApiUser};
use actix_web::{HttpResponse, web::Data};
use trawl_store::counters;

/// `GET /api/outlook`: what is queued or runs, how many requests it takes, and how long.
///
/// # Errors
/// The database.
#[utoipa::path(
    get,
    path = "/api/outlook",
    operation_id = "outlook",
    tag = "jobs",
    responses(
        (status = 200, description = "What is left of the user's jobs, of everybody's for administrators", body = Estimate),
    ),
)]
pub async fn show(app: Data<App>, user: ApiUser) -> Result<HttpResponse, ApiError> {
    let scope = user.0.job_scope();
    let counts = app.db.read(move |conn| counters::jobs(conn, scope)).await?;
    let nothing = Estimate { jobs: 0, requests: 0, seconds: 0, measured: true };
    let left = app.metrics.estimate(&counts, app.rules.slots.total).unwrap_or(nothing);
    Ok(HttpResponse::Ok().json(left))
}
