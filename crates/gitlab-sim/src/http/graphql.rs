//! `POST /api/graphql`: the limits before the engine.

use actix_web::{HttpRequest, HttpResponse, http::Method};
use async_graphql::{Request, Response, ServerError};

use super::{Shared, answer, base};
use crate::{
    forge::rights::Reader,
    graphql::{
        View,
        complexity::{Cost, cost},
    },
};

const LONGEST_QUERY: usize = 10_000;
const DEEPEST: i32 = 20;
const MOST_SIGNED_IN: i32 = 250;
const MOST_ANONYMOUS: i32 = 200;

pub(super) async fn handle(req: &HttpRequest, body: &[u8], shared: &Shared, reader: Reader) -> HttpResponse {
    if req.method() != Method::POST {
        return answer::message(404, "404 Not Found");
    }
    let batch = body.trim_ascii_start().first() == Some(&b'[');
    let requests: Vec<Request> = match parse(body, batch) {
        Ok(requests) => requests,
        Err(error) => return answer::errors(400, &format!("Invalid JSON: {error}")),
    };
    if requests.iter().map(|one| one.query.len()).sum::<usize>() > LONGEST_QUERY {
        return answer::errors(422, "Query too large");
    }
    let costs: Vec<Cost> = requests
        .iter()
        .map(|one| cost(&one.query, one.operation_name.as_deref(), &one.variables).unwrap_or_default())
        .collect();
    // A batch is measured as one.
    let score = costs.iter().map(|one| one.complexity).fold(0, i32::saturating_add);
    let limit = if reader.0.is_some() { MOST_SIGNED_IN } else { MOST_ANONYMOUS };
    let mut responses = Vec::with_capacity(requests.len());
    for (request, cost) in requests.into_iter().zip(costs) {
        if let Some(message) = refusal(score, cost.depth, limit) {
            let error = ServerError::new(message, None);
            responses.push(Response::from_errors(vec![error]));
            continue;
        }
        let view = View { world: shared.state.world(), reader, base: base(req, &shared.state), score, limit };
        responses.push(shared.schema.execute(request.data(view)).await);
    }
    if batch { HttpResponse::Ok().json(responses) } else { HttpResponse::Ok().json(&responses[0]) }
}

/// One request, or a list of them. A single answer is always there for a single request.
fn parse(body: &[u8], batch: bool) -> serde_json::Result<Vec<Request>> {
    if batch { serde_json::from_slice(body) } else { Ok(vec![serde_json::from_slice(body)?]) }
}

fn refusal(score: i32, depth: i32, limit: i32) -> Option<String> {
    if score > limit {
        Some(format!("Query has complexity of {score}, which exceeds max complexity of {limit}"))
    } else if depth > DEEPEST {
        Some(format!("Query has depth of {depth}, which exceeds max depth of {DEEPEST}"))
    } else {
        None
    }
}
