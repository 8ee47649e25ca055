//! Faults, as they look on the wire.

use actix_web::{
    HttpResponse,
    body::{self, SizedStream},
};
use bytes::Bytes;
use futures_util::stream;
use serde_json::{Value, json};

use super::answer;
use crate::faults::Fault;

const PAGE: &str = "<!DOCTYPE html>\n<html><head><title>GitLab is not responding</title></head>\
    <body><h1>Whoops, GitLab is taking too much time to respond.</h1></body></html>\n";

/// The answer that a fault gives instead of the true one; `None` when it only spoils that.
pub(super) async fn instead(fault: &Fault, path: &str) -> Option<HttpResponse> {
    if let Some(hold) = fault.hold() {
        tokio::time::sleep(hold).await;
    }
    Some(match fault {
        Fault::TooMany { retry_after_s } => answer::too_many(*retry_after_s),
        Fault::BadGateway => answer::status(502).finish(),
        Fault::Html { status } => answer::status(*status).content_type("text/html; charset=utf-8").body(PAGE),
        Fault::Timeout { .. } => broken_off(200, "application/json", Bytes::new(), 1),
        Fault::Unauthorized => answer::unauthorized(path),
        Fault::Truncate | Fault::GraphqlError => return None,
    })
}

/// Spoils a true answer.
pub(super) async fn spoil(fault: &Fault, response: HttpResponse) -> HttpResponse {
    let status = response.status().as_u16();
    let Ok(body) = body::to_bytes(response.into_body()).await else {
        return answer::status(500).finish();
    };
    match fault {
        Fault::Truncate => {
            let half = body.slice(..body.len() / 2);
            broken_off(status, "application/json", half, body.len() as u64)
        }
        _ => match serde_json::from_slice(&body) {
            Ok(answer) => answer::status(status).json(with_holes(answer)),
            Err(_) => answer::status(500).finish(),
        },
    }
}

/// Announces `length` bytes, sends these, and ends the connection.
fn broken_off(status: u16, content_type: &str, part: Bytes, length: u64) -> HttpResponse {
    let end = std::io::Error::other("connection dropped on purpose");
    let parts = stream::iter([Ok(part), Err(end)]);
    answer::status(status).content_type(content_type).body(SizedStream::new(length, parts))
}

/// Data of which the second half of the first list is null, with an error that says so; or no data at all.
fn with_holes(mut answer: Value) -> Value {
    let error = json!({ "message": "Internal server error", "path": ["nodes"] });
    if answer.get("data").is_none() {
        return answer;
    }
    if !answer.get_mut("data").is_some_and(punch) {
        answer["data"] = Value::Null;
    }
    answer["errors"] = json!([error]);
    answer
}

fn punch(value: &mut Value) -> bool {
    let Value::Object(fields) = value else {
        return false;
    };
    if let Some(Value::Array(nodes)) = fields.get_mut("nodes")
        && !nodes.is_empty()
    {
        let half = nodes.len() / 2;
        nodes[half..].fill(Value::Null);
        return true;
    }
    fields.values_mut().any(punch)
}
