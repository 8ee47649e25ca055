//! Processes and storage, for administrators.

use crate::{
    answer::{PageError, page},
    app::App,
    pages::{Admin, DatabaseFacts},
    session::PageUser,
};
use actix_web::{HttpResponse, web::Data};
use trawl_store::facts;

/// `GET /admin`.
///
/// # Errors
/// The user is no administrator.
pub async fn show(app: Data<App>, user: PageUser) -> Result<HttpResponse, PageError> {
    if !user.0.user.is_admin {
        return Err(PageError::Forbidden);
    }
    let (version, size_bytes) = app.db.read(facts::engine).await?;
    let database =
        DatabaseFacts { backend: app.db.backend().as_str().to_owned(), version, size_bytes: Some(size_bytes) };
    page(&Admin { frame: user.0.frame(&app), processes: app.processes.list(), database })
}
