//! Answers that several places give.

use actix_web::{HttpResponse, HttpResponseBuilder, http::StatusCode};
use serde_json::json;

/// An answer with this status. The numbers are ours, or checked when a fault is set.
pub(super) fn status(code: u16) -> HttpResponseBuilder {
    HttpResponse::build(StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
}

/// As REST says that something went wrong.
pub(super) fn message(code: u16, text: &str) -> HttpResponse {
    status(code).json(json!({ "message": text }))
}

/// As GraphQL says it.
pub(super) fn errors(code: u16, text: &str) -> HttpResponse {
    status(code).json(json!({ "errors": [{ "message": text }] }))
}

pub(super) fn unauthorized(path: &str) -> HttpResponse {
    if path == "/api/graphql" { errors(401, "Invalid token") } else { message(401, "401 Unauthorized") }
}

/// GitLab answers this in plain text, whatever was asked for.
pub(super) fn too_many(retry_after_s: Option<u64>) -> HttpResponse {
    let mut answer = status(429);
    if let Some(seconds) = retry_after_s {
        answer.insert_header(("Retry-After", seconds.to_string()));
    }
    answer.content_type("text/plain").body("Retry later\n")
}
