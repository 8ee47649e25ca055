//! Whether the website lives and can serve.

use crate::{
    answer::{ApiError, PageError},
    app::App,
};
use actix_web::{HttpRequest, HttpResponse, web::Data};
use trawl_store::{counters, users};

/// `GET /healthz`: the process answers.
pub async fn alive() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}

/// `GET /readyz`: the database answers, too.
///
/// # Errors
/// It does not.
pub async fn ready(app: Data<App>) -> Result<HttpResponse, ApiError> {
    app.db.read(users::is_empty).await?;
    Ok(alive().await)
}

/// `GET /metrics`: figures for Prometheus, about kinds and states and nobody in particular.
///
/// # Errors
/// The database.
pub async fn metrics(app: Data<App>) -> Result<HttpResponse, ApiError> {
    let jobs = app.db.read(|conn| counters::jobs(conn, None)).await?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(HttpResponse::Ok().content_type(kind).body(app.metrics.text(&jobs)))
}

/// Whatever has no route.
///
/// # Errors
/// Always.
pub async fn nothing_here(request: HttpRequest) -> Result<HttpResponse, actix_web::Error> {
    if request.path().starts_with("/api/") { Err(ApiError::NotFound.into()) } else { Err(PageError::NotFound.into()) }
}
