//! The process table for programs.

use crate::{answer::ApiError, app::App, session::ApiUser};
use actix_web::{HttpResponse, web::Data};

/// `GET /api/admin/processes`.
///
/// # Errors
/// The user is no administrator.
pub async fn processes(app: Data<App>, user: ApiUser) -> Result<HttpResponse, ApiError> {
    if !user.0.user.is_admin {
        return Err(ApiError::Forbidden);
    }
    Ok(HttpResponse::Ok().json(app.processes.list()))
}
