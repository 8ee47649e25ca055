//! The one door through which every request goes out.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use reqwest::header::{ACCEPT, LOCATION};
use reqwest::{Response, StatusCode};
use url::Url;

use crate::hosts::{Hosts, Permit};
use crate::normalize::{Unfit, normalize};
use crate::resolve::{FilteredResolver, Lookup};
use crate::retry::{Method, Retry};
use crate::retry_after::retry_after;
use crate::{Cause, Error, Options, Policy, Redirect, Refusal, body, failure};

pub(crate) struct Transport {
    http: reqwest::Client,
    policy: Arc<Policy>,
    hosts: Hosts,
    pub(crate) retry: Retry,
    pub(crate) options: Options,
}

/// One of the requests for a link.
#[derive(Clone, Copy)]
pub(crate) struct Attempt {
    /// How many of those before met trouble.
    pub(crate) troubles: u32,
    pub(crate) method: Method,
    /// Least pause at the host after this request.
    pub(crate) interval: Duration,
}

/// The head of an answer that is no redirect.
pub(crate) struct Landing {
    pub(crate) response: Response,
    /// Held until the body is done with.
    pub(crate) permit: Permit,
    pub(crate) url: Url,
    pub(crate) redirect: Option<Redirect>,
    /// A redirect named a place of its own on the page.
    pub(crate) fragment_replaced: bool,
}

impl Transport {
    pub(crate) fn new(options: Options, lookup: Arc<dyn Lookup>) -> Result<Self, Error> {
        // An earlier provider of this process serves as well; both know the same protocols.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let policy = Arc::new(Policy::new(options.allow_networks.clone()));
        let http = reqwest::Client::builder()
            .user_agent(&options.user_agent)
            .timeout(Duration::from_millis(options.timeout_ms))
            .connect_timeout(Duration::from_millis(options.connect_timeout_ms))
            .pool_max_idle_per_host(options.per_host_concurrency)
            // Through a proxy the address that is checked would not be the one that is dialled.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .dns_resolver(FilteredResolver { lookup, policy: Arc::clone(&policy) })
            .build()
            .map_err(|error| Error::Client(error.to_string()))?;
        Ok(Self { http, policy, hosts: Hosts::new(&options), retry: Retry::new(&options), options })
    }

    /// Follows redirects to where they end. Each step passes the policy and waits for its host's turn.
    pub(crate) async fn land(&self, from: &Url, attempt: Attempt) -> Result<Landing, Cause> {
        let mut url = from.clone();
        let mut redirect: Option<Redirect> = None;
        let mut fragment_replaced = false;
        loop {
            let (response, permit) = self.send(&url, attempt).await?;
            let Some(next) = self.next(&response, &url)? else {
                return Ok(Landing { response, permit, url, redirect, fragment_replaced });
            };
            let steps = redirect.as_ref().map_or(0, |redirect| redirect.steps) + 1;
            if steps > self.options.max_redirects {
                return Err(Cause::TooManyRedirects { limit: self.options.max_redirects });
            }
            let permanent = matches!(response.status(), StatusCode::MOVED_PERMANENTLY | StatusCode::PERMANENT_REDIRECT)
                && redirect.is_none_or(|redirect| redirect.permanent);
            body::drain(response).await;
            fragment_replaced |= next.fragment().is_some();
            url = next.url().clone();
            redirect = Some(Redirect { to: url.clone(), permanent, steps });
        }
    }

    /// One request, one head of an answer.
    async fn send(&self, url: &Url, attempt: Attempt) -> Result<(Response, Permit), Cause> {
        self.policy.check_url(url).map_err(Cause::Refused)?;
        let permit = self.hosts.enter(url, attempt.interval).await?;
        let request = match attempt.method {
            Method::Head if !permit.refuses_head() => self.http.head(url.clone()),
            _ => self.http.get(url.clone()),
        };
        let sent = request.header(ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8").send().await;
        let response = sent.map_err(|error| failure::cause_of(&error, self.options.timeout_ms))?;
        match response.status() {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                let asked = retry_after(response.headers(), SystemTime::now());
                permit.close_host(asked.unwrap_or_else(|| self.retry.ceiling(attempt.troubles + 1)));
            }
            StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED if attempt.method == Method::Head => {
                permit.note_head_refused();
            }
            _ => {}
        }
        Ok((response, permit))
    }

    /// Where `response` sends us on to, if it does.
    fn next(&self, response: &Response, url: &Url) -> Result<Option<crate::Link>, Cause> {
        if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        let Some(location) = response.headers().get(LOCATION) else { return Ok(None) };
        let location = String::from_utf8_lossy(location.as_bytes());
        match normalize(url, &location, self.options.max_url_bytes) {
            Ok(link) => Ok(Some(link)),
            Err(rejected) => Err(match rejected.reason {
                Unfit::Scheme(scheme) => Cause::Refused(Refusal::Scheme(scheme)),
                reason => Cause::BadRedirect(reason.to_string()),
            }),
        }
    }
}
