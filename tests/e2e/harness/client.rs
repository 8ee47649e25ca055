//! A browser without a window: it sends forms and JSON, and keeps the session's cookie.

use serde_json::Value;
use std::{io::Write as _, net::TcpStream, sync::Mutex, time::Duration};
use url::form_urlencoded;

/// Somebody's browser.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    cookie: Mutex<Option<String>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// Where to go on.
    pub(crate) location: Option<String>,
    /// The body.
    pub(crate) text: String,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {} {}", self.status, self.text))
    }

    /// The sentence of a problem document.
    pub(crate) fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap_or_default().to_owned()
    }
}

impl Client {
    /// Nobody yet, on this site.
    pub(crate) fn new(base: &str) -> Self {
        // Another test of this process may have been first.
        rustls::crypto::ring::default_provider().install_default().ok();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        Self { http, base: base.to_owned(), cookie: Mutex::default() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.http.get(self.url(path))).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.http.post(self.url(path)).json(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(self.http.delete(self.url(path))).await
    }

    /// As [`Self::post`]; none where nobody answers at the moment.
    pub(crate) async fn try_post(&self, path: &str, body: &Value) -> Option<Answer> {
        self.try_send(self.http.post(self.url(path)).json(body)).await.ok()
    }

    /// An answer that does not end; `last` is the event that was seen last.
    pub(crate) async fn stream(&self, path: &str, last: Option<u64>) -> reqwest::Response {
        let cookie = self.cookie.lock().unwrap().clone().unwrap_or_default();
        let mut request = self.http.get(self.url(path)).header("cookie", cookie);
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        request.send().await.unwrap()
    }

    /// A connection on which something was asked for, and nobody reads.
    pub(crate) fn unread(&self, path: &str) -> TcpStream {
        let host = self.base.trim_start_matches("http://");
        let cookie = self.cookie.lock().unwrap().clone().unwrap_or_default();
        let mut connection = TcpStream::connect(host).unwrap();
        write!(connection, "GET {path} HTTP/1.1\r\nhost: {host}\r\ncookie: {cookie}\r\n\r\n").unwrap();
        connection
    }

    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.http.post(self.url(path)).body(body);
        self.send(request.header("content-type", "application/x-www-form-urlencoded")).await
    }

    /// Links a GitLab account.
    pub(crate) async fn link(&self, gitlab: &str, token: &str) -> Answer {
        self.post("/api/accounts", &serde_json::json!({ "instance_url": gitlab, "token": token })).await
    }

    fn url(&self, path: &str) -> String {
        // The link of the first visit is whole already.
        if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) }
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        self.try_send(request).await.unwrap()
    }

    async fn try_send(&self, mut request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
        let cookie = self.cookie.lock().unwrap().clone();
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        let response = request.send().await?;
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        if let Some(set) = header("set-cookie") {
            *self.cookie.lock().unwrap() = set.split(';').next().map(str::to_owned);
        }
        let (status, location) = (response.status().as_u16(), header("location"));
        Ok(Answer { status, location, text: response.text().await? })
    }
}
