//! A server that plays GitLab, and a client for it.

use std::time::Duration;

use serde_json::Value;
use trawl_gitlab::{Client, Endpoint, Options, Retry};
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockBuilder, MockServer, ResponseTemplate};

pub(crate) const TOKEN: &str = "glpat-do-not-show-me";

/// Tries again at once, so that no test waits.
pub(crate) fn quick(attempts: u32) -> Retry {
    Retry { attempts, base: Duration::ZERO, cap: Duration::ZERO, ..Retry::default() }
}

pub(crate) fn options(attempts: u32) -> Options {
    Options { retry: quick(attempts), ..Options::default() }
}

pub(crate) fn client_at(base_url: &str, options: &Options) -> Client {
    let endpoint = Endpoint { base_url: base_url.parse().unwrap(), token: TOKEN.into() };
    Client::new(&endpoint, options).unwrap()
}

/// A client that tries once only.
pub(crate) fn client(server: &MockServer) -> Client {
    client_at(&server.uri(), &options(1))
}

/// A request as the client must send it.
pub(crate) fn graphql() -> MockBuilder {
    Mock::given(method("POST"))
        .and(path("/api/graphql"))
        .and(header("authorization", format!("Bearer {TOKEN}")))
        .and(header("content-type", "application/json"))
}

pub(crate) fn data(data: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(serde_json::json!({ "data": data }))
}

/// A server that gives one answer to everything.
pub(crate) async fn answering(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    graphql().respond_with(answer).mount(&server).await;
    server
}

/// The bodies of all requests that came, as JSON.
pub(crate) async fn bodies(server: &MockServer) -> Vec<Value> {
    let requests = server.received_requests().await.unwrap();
    requests.iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect()
}
