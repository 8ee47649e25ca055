//! The process table for programs.

use crate::{answer::ApiError, app::App, session::ApiUser};
use actix_web::{HttpResponse, web::Data};

/// `GET /api/admin/processes`.
///
/// # Errors
/// The user is no administrator.
#[utoipa::path(
    get,
    path = "/api/admin/processes",
    operation_id = "list_processes",
    tag = "admin",
    responses(
        (status = 200, description = "The process table", body = Vec<Object>),
    ),
)]
pub async fn processes(app: Data<App>, user: ApiUser) -> Result<HttpResponse, ApiError> {
    user.administrator()?;
    Ok(HttpResponse::Ok().json(app.processes.list()))
}
