//! One resource, asked for until the answer can be trusted.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap};
use url::Url;

use crate::retry::{Method, Tries};
use crate::transport::{Attempt, Landing, Transport};
use crate::{Cause, Check, Redirect, body};

/// What is needed of a body.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Want {
    Nothing,
    /// The page, if it is HTML: this many bytes of it.
    Html(usize),
    /// This many bytes of anything.
    Any(usize),
}

/// How a resource is to be fetched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    pub(crate) method: Method,
    pub(crate) want: Want,
    /// Least pause at the host after each request.
    pub(crate) interval: Duration,
}

/// A success, status 2xx.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Where it came from at last.
    pub(crate) url: Url,
    pub(crate) redirect: Option<Redirect>,
    pub(crate) fragment_replaced: bool,
    pub(crate) media_type: MediaType,
    /// What was wanted; none if it was not HTML.
    pub(crate) body: Option<body::Beginning>,
}

impl Answer {
    pub(crate) fn check(&self) -> Check {
        Check::alive(self.status, self.redirect.clone())
    }
}

/// Anything but a success.
pub(crate) struct Failure {
    pub(crate) cause: Cause,
    pub(crate) redirect: Option<Redirect>,
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Self { cause, redirect: None }
    }
}

impl From<Failure> for Check {
    fn from(failure: Failure) -> Self {
        Self { redirect: failure.redirect, ..Self::because(failure.cause) }
    }
}

/// The header's word on what a body is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct MediaType {
    /// In lower case, without parameters; empty if not told.
    pub(crate) essence: String,
    pub(crate) charset: Option<String>,
}

impl MediaType {
    fn of(headers: &HeaderMap) -> Self {
        let text = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let mut parts = text.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        let charset = parts
            .filter_map(|parameter| parameter.split_once('='))
            .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
            .map(|(_, value)| value.trim().trim_matches('"').to_owned());
        Self { essence, charset }
    }

    pub(crate) fn is_html(&self) -> bool {
        matches!(self.essence.as_str(), "text/html" | "application/xhtml+xml")
    }
}

impl Transport {
    /// Fetches `url`, again where the trouble looks temporary or the bad news wants a second look.
    pub(crate) async fn fetch(&self, url: &Url, order: Order) -> Result<Answer, Failure> {
        let mut tries = Tries::default();
        loop {
            let method = if tries.attempt == 0 { order.method } else { Method::Get };
            let attempt = Attempt { troubles: tries.troubles, method, interval: order.interval };
            let failure = match self.once(url, order.want, attempt).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            tries.note(&failure.cause);
            let dice = rand::random_range(0.0..=1.0);
            let Some(wait) = self.retry.wait_after(tries, method, &failure.cause, dice) else {
                return Err(failure);
            };
            tracing::trace!(
                attempt = tries.attempt,
                wait_ms = wait.as_millis(),
                cause = %failure.cause,
                // A query may hold a secret.
                host = url.host_str(),
                "a link will be asked for again"
            );
            tokio::time::sleep(wait).await;
        }
    }

    async fn once(&self, url: &Url, want: Want, attempt: Attempt) -> Result<Answer, Failure> {
        let landing = self.land(url, attempt).await?;
        let status = landing.response.status();
        if !status.is_success() {
            body::drain(landing.response).await;
            return Err(Failure { cause: Cause::Status(status.as_u16()), redirect: landing.redirect });
        }
        self.read(landing, want).await
    }

    /// The permit is held while the body comes in.
    async fn read(&self, landing: Landing, want: Want) -> Result<Answer, Failure> {
        let Landing { response, permit, url, redirect, fragment_replaced } = landing;
        let media_type = MediaType::of(response.headers());
        let status = response.status().as_u16();
        let max_bytes = match want {
            Want::Any(max) => Some(max),
            Want::Html(max) => media_type.is_html().then_some(max),
            Want::Nothing => None,
        };
        let body = if let Some(max) = max_bytes {
            Some(body::read(response, max, self.options.timeout_ms).await?)
        } else {
            body::drain(response).await;
            None
        };
        drop(permit);
        Ok(Answer { status, url, redirect, fragment_replaced, media_type, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types() {
        let of = |text: &str| MediaType::of(&[(CONTENT_TYPE, text.parse().unwrap())].into_iter().collect());
        let html = of("Text/HTML; Charset=\"ISO-8859-1\"");
        assert!(html.is_html());
        assert_eq!(html.charset.as_deref(), Some("ISO-8859-1"));
        assert!(of("application/xhtml+xml;q=1").is_html());
        assert!(!of("text/plain").is_html());
        assert_eq!(MediaType::of(&HeaderMap::new()), MediaType::default());
    }
}
