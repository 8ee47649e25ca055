//! One request, one answer: connection, time and size limits, redirects and the token. Says nothing about contents.

use std::error::Error as _;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{Endpoint, Error, Options};

pub(crate) struct Transport {
    http: reqwest::Client,
    url: Url,
    token: SecretString,
    max_response_bytes: usize,
}

/// What came back, whole.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Where the request went; a redirect is relative to it.
    pub(crate) url: Url,
}

impl Transport {
    pub(crate) fn new(endpoint: &Endpoint, options: &Options) -> Result<Self, Error> {
        Ok(Self {
            http: http(options, Policy::custom(within_origin))?,
            url: graphql_url(&endpoint.base_url)?,
            token: endpoint.token.clone(),
            max_response_bytes: options.max_response_bytes,
        })
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    pub(crate) async fn post(&self, body: String) -> Result<Answer, Error> {
        let response = self
            .http
            .post(self.url.clone())
            .header(AUTHORIZATION, bearer(&self.token)?)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json")
            .body(body)
            .send()
            .await
            .map_err(|error| from_reqwest(error, None))?;
        self.read(response).await
    }

    /// Address below `/api/v4/` of the instance.
    pub(crate) fn rest_url(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        let prefix = self.url.path().trim_end_matches("graphql");
        url.set_path(&format!("{prefix}v4/{path}"));
        url
    }

    pub(crate) async fn get(&self, url: Url) -> Result<Answer, Error> {
        let response = self
            .http
            .get(url)
            .header(AUTHORIZATION, bearer(&self.token)?)
            .header(ACCEPT, "application/json")
            .send()
            .await
            .map_err(|error| from_reqwest(error, None))?;
        self.read(response).await
    }

    async fn read(&self, response: Response) -> Result<Answer, Error> {
        read(response, self.max_response_bytes).await
    }
}

/// A connection pool with our limits and nobody's token.
pub(crate) fn http(options: &Options, redirects: Policy) -> Result<reqwest::Client, Error> {
    // An earlier provider of this process serves as well; both know the same protocols.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .user_agent(&options.user_agent)
        .timeout(options.request_timeout)
        .connect_timeout(options.connect_timeout)
        .redirect(redirects)
        .build()
        .map_err(|error| Error::Unreachable { reason: causes(&error) })
}

/// An answer to its last byte, of which there are no more than `limit`.
pub(crate) async fn read(mut response: Response, limit: usize) -> Result<Answer, Error> {
    let status = response.status();
    let headers = response.headers().clone();
    let url = response.url().clone();
    let mut body = Vec::new();
    loop {
        let chunk = response.chunk().await.map_err(|error| from_reqwest(error, Some(status)))?;
        let Some(chunk) = chunk else { break };
        if body.len() + chunk.len() > limit {
            return Err(Error::TooLarge { limit_bytes: limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { status, headers, body, url })
}

/// Whether the token can be sent at all: a pasted line break cannot.
pub(crate) fn is_usable_token(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
}

fn bearer(token: &SecretString) -> Result<HeaderValue, Error> {
    let mut value =
        HeaderValue::from_str(&format!("Bearer {}", token.expose_secret())).map_err(|_| Error::Unauthorized)?;
    value.set_sensitive(true);
    Ok(value)
}

fn graphql_url(base: &Url) -> Result<Url, Error> {
    let refuse = |why: &str| Err(Error::InvalidEndpoint(why.to_owned()));
    if !matches!(base.scheme(), "http" | "https") {
        return refuse("it must begin with https:// or http://");
    }
    if !base.username().is_empty() || base.password().is_some() {
        return refuse("it must not hold a user name or password");
    }
    let mut url = base.clone();
    url.set_query(None);
    url.set_fragment(None);
    let prefix = url.path().trim_end_matches('/').to_owned();
    url.set_path(&format!("{prefix}/api/graphql"));
    Ok(url)
}

/// Follows a redirect only where it stays on the instance and keeps our POST a POST.
///
/// Elsewhere we must not carry the token, and 301 to 303 would turn the query into an empty GET.
fn within_origin(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let keeps_method = matches!(attempt.status(), StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT);
    let same_origin = attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
    if keeps_method && same_origin && attempt.previous().len() <= 5 { attempt.follow() } else { attempt.stop() }
}

/// `status` is known once the head of the answer has come.
pub(crate) fn from_reqwest(error: reqwest::Error, status: Option<StatusCode>) -> Error {
    // Our own address is no news, and a redirect's may hold more than it should.
    let error = error.without_url();
    if error.is_connect() {
        Error::Unreachable { reason: causes(&error) }
    } else if error.is_timeout() {
        Error::Timeout
    } else if let Some(status) = status {
        Error::Server { status: status.as_u16(), reason: format!("the answer broke off: {}", causes(&error)) }
    } else {
        Error::Unreachable { reason: causes(&error) }
    }
}

/// The innermost cause in words: the outer ones say only "error sending request".
fn causes(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no connection in time".to_owned();
    }
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        words = inner.to_string();
        source = inner.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_self_managed_instance_is_kept() {
        let url = |base: &str| graphql_url(&base.parse().unwrap()).map(String::from);
        assert_eq!(url("https://gitlab.com").unwrap(), "https://gitlab.com/api/graphql");
        assert_eq!(url("http://example.com:8080/gitlab/?a=b#c").unwrap(), "http://example.com:8080/gitlab/api/graphql");
        for bad in ["ftp://example.com", "https://user@example.com", "https://:pw@example.com"] {
            assert!(matches!(url(bad), Err(Error::InvalidEndpoint(_))), "{bad}");
        }
    }

    #[test]
    fn a_token_with_a_line_break_is_refused() {
        assert!(is_usable_token("glpat-abc_123"));
        for bad in ["", "a b", "a\n", "ä"] {
            assert!(!is_usable_token(bad), "{bad:?}");
        }
    }
}
