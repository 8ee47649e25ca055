//! The way of a request: counted, perhaps broken by a fault, signed in, limited, answered.

mod answer;
mod faulty;
mod graphql;
mod oauth;
mod rest;
mod sim;

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{HeaderName, HeaderValue},
    web,
};
use bytes::Bytes;

use crate::{
    forge::rights::Reader,
    graphql::GitlabSchema,
    state::{Quota, State},
};

pub(crate) use oauth::{CLIENT_ID, CLIENT_SECRET};

pub(crate) const MARIA_TOKEN: &str = "glpat-demo-maria-0000000000";
pub(crate) const TOM_TOKEN: &str = "glpat-demo-tom-00000000000";

/// What every worker has.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) state: Arc<State>,
    pub(crate) schema: GitlabSchema,
}

/// Who asks, or that the token is not one.
enum Caller {
    Reader(Reader),
    WrongToken,
}

pub(crate) async fn handle(req: HttpRequest, body: Bytes, shared: web::Data<Shared>) -> HttpResponse {
    let path = req.path().to_owned();
    if let Some(rest) = path.strip_prefix("/-/sim/") {
        return sim::handle(&req, rest, &body, &shared.state);
    }
    shared.state.count_request(&endpoint(&req));
    if !shared.state.options.latency.is_zero() {
        tokio::time::sleep(shared.state.options.latency).await;
    }
    let fault = shared.state.faults().choose(&path, &body);
    if let Some(fault) = &fault {
        tracing::info!(http.path = path, fault = ?fault, "request goes wrong on purpose");
        if let Some(answer) = faulty::instead(fault, &path).await {
            return answer;
        }
    }
    if let Some(rest) = path.strip_prefix("/oauth/") {
        return oauth::handle(&req, rest, &body, &shared.state);
    }
    let reader = match caller(&req, &shared.state) {
        Caller::Reader(reader) => reader,
        Caller::WrongToken => return answer::unauthorized(&path),
    };
    let quota = shared.state.take(reader);
    let mut response = if quota.allowed {
        let response = route(&req, &path, &body, &shared, reader).await;
        match fault {
            Some(fault) => faulty::spoil(&fault, response).await,
            None => response,
        }
    } else {
        shared.state.count_refusal();
        answer::too_many(shared.state.options.rate_told.then_some(quota.wait_s))
    };
    if shared.state.options.rate_told {
        quota_headers(&mut response, &quota);
    }
    response
}

async fn route(req: &HttpRequest, path: &str, body: &Bytes, shared: &Shared, reader: Reader) -> HttpResponse {
    if path == "/api/graphql" {
        graphql::handle(req, body, shared, reader).await
    } else if let Some(rest) = path.strip_prefix("/api/v4/") {
        rest::handle(req, rest, &shared.state, reader)
    } else {
        answer::message(404, "404 Not Found")
    }
}

/// The token in one of the two places where GitLab takes it. Without one, the caller is nobody.
fn caller(req: &HttpRequest, state: &State) -> Caller {
    let header = |name: &str| req.headers().get(name).and_then(|value| value.to_str().ok());
    let bearer = header("Authorization").and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(token)
    });
    let username = match header("PRIVATE-TOKEN").or(bearer).map(str::trim) {
        None if header("Authorization").is_some() => return Caller::WrongToken,
        None => return Caller::Reader(Reader(None)),
        Some(MARIA_TOKEN) => crate::forge::layout::MARIA.0,
        Some(TOM_TOKEN) => crate::forge::layout::TOM.0,
        Some(token) => match state.grants().owner(token) {
            Some(username) => return Caller::Reader(Reader(state.world().person(username))),
            None => return Caller::WrongToken,
        },
    };
    Caller::Reader(Reader(state.world().person(username)))
}

/// A path without its ids, for counting.
fn endpoint(req: &HttpRequest) -> String {
    let parts =
        req.path().split('/').map(|part| if part.contains('%') || part.parse::<u64>().is_ok() { ":id" } else { part });
    format!("{} {}", req.method(), parts.collect::<Vec<_>>().join("/"))
}

/// Base of web addresses: as configured, or the host that the request came to.
fn base(req: &HttpRequest, state: &State) -> String {
    match &state.options.external_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{}", req.connection_info().host()),
    }
}

fn quota_headers(response: &mut HttpResponse, quota: &Quota) {
    let headers = [
        ("ratelimit-limit", u64::from(quota.limit)),
        ("ratelimit-remaining", u64::from(quota.remaining)),
        ("ratelimit-observed", u64::from(quota.limit - quota.remaining)),
        ("ratelimit-reset", quota.reset),
    ];
    for (name, value) in headers {
        let value = HeaderValue::from(value);
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
}
