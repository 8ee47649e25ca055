//! A small client.

use std::sync::Once;

use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use trawl_gitlab_sim::{MARIA_TOKEN, Options, Sim, start};

static PROVIDER: Once = Once::new();

pub(crate) struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<&'static str>,
}

/// A forge of a tenth of the usual size.
pub(crate) fn small() -> Sim {
    start(Options { scale: 0.1, ..Options::default() }).unwrap()
}

impl Client {
    pub(crate) fn new(sim: &Sim, token: Option<&'static str>) -> Self {
        PROVIDER.call_once(|| {
            rustls::crypto::ring::default_provider().install_default().unwrap();
        });
        Self { http: reqwest::Client::new(), url: sim.url(), token }
    }

    pub(crate) fn maria(sim: &Sim) -> Self {
        Self::new(sim, Some(MARIA_TOKEN))
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match self.token {
            Some(token) => request.header("PRIVATE-TOKEN", token),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub(crate) async fn post(&self, query: &str, variables: Value) -> Response {
        let body = json!({ "query": query, "variables": variables });
        self.request(Method::POST, "/api/graphql").json(&body).send().await.unwrap()
    }

    /// The data of a query that has to succeed.
    pub(crate) async fn data(&self, query: &str, variables: Value) -> Value {
        let mut answer: Value = self.post(query, variables).await.json().await.unwrap();
        assert_eq!(answer.get("errors"), None, "{query}");
        answer["data"].take()
    }

    /// The message of the first error of a query that has to fail.
    pub(crate) async fn error(&self, query: &str) -> String {
        let answer: Value = self.post(query, json!({})).await.json().await.unwrap();
        answer["errors"][0]["message"].as_str().unwrap().to_owned()
    }
}

/// The strings at `field` of all rows.
pub(crate) fn texts(rows: &Value, field: &str) -> Vec<String> {
    rows.as_array().unwrap().iter().map(|row| row[field].as_str().unwrap().to_owned()).collect()
}

/// Where a `Link` header says that the next page is, without the address of the simulator.
pub(crate) fn next_page(link: &str, url: &str) -> Option<String> {
    let next = link.split(", ").find(|part| part.ends_with("rel=\"next\""))?;
    Some(next.trim_start_matches('<').split('>').next()?.strip_prefix(url)?.to_owned())
}
