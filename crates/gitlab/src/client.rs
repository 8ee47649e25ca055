use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use graphql_client::GraphQLQuery;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::document;
use crate::pace::{Pace, Turn};
use crate::transport::{self, Answer, Transport};
use crate::{Error, Retry, RetryNotice, response};

/// One instance and the token that opens it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Address of the instance, with its path if it lives under one: `https://example.com/gitlab`.
    pub base_url: Url,
    /// A personal, group or project access token, or an OAuth access token.
    pub token: SecretString,
}

/// How the client behaves on the wire.
#[derive(Debug, Clone)]
pub struct Options {
    /// Longest time from sending a request to its last byte. Default 60 s: GitLab itself gives up after 30 s.
    pub request_timeout: Duration,
    /// Longest time to set up a connection. Default 10 s.
    pub connect_timeout: Duration,
    /// How we present ourselves. Default `trawl/<version>`.
    pub user_agent: String,
    /// Largest answer that is read, in bytes after decompression. Default 64 MiB: a full page is below 10 MiB.
    pub max_response_bytes: usize,
    /// When a failed request is tried again.
    pub retry: Retry,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            request_timeout: Duration::from_mins(1),
            connect_timeout: Duration::from_secs(10),
            user_agent: concat!("trawl/", env!("CARGO_PKG_VERSION")).to_owned(),
            max_response_bytes: 64 * 1024 * 1024,
            retry: Retry::default(),
        }
    }
}

/// The one route of GraphQL.
const GRAPHQL: &str = "graphql";

type Observer = Arc<dyn Fn(&RetryNotice<'_>) + Send + Sync>;

/// Speaks to one instance with one token. Cloning is cheap and shares the connections.
#[derive(Clone)]
pub struct Client {
    transport: Arc<Transport>,
    retry: Retry,
    pace: Arc<Pace>,
    /// Optional fields that this instance turned out not to have.
    missing_fields: Arc<Mutex<BTreeSet<String>>>,
    on_retry: Option<Observer>,
}

impl Client {
    /// Prepares a client; nothing is sent yet.
    pub fn new(endpoint: &Endpoint, options: &Options) -> Result<Self, Error> {
        if !transport::is_usable_token(endpoint.token.expose_secret()) {
            return Err(Error::Unauthorized);
        }
        Ok(Self {
            transport: Arc::new(Transport::new(endpoint, options)?),
            retry: options.retry,
            pace: Arc::default(),
            missing_fields: Arc::default(),
            on_retry: None,
        })
    }

    /// The same client, which tells `observer` before each further try of a request.
    #[must_use]
    pub fn on_retry(&self, observer: impl Fn(&RetryNotice<'_>) + Send + Sync + 'static) -> Self {
        Self { on_retry: Some(Arc::new(observer)), ..self.clone() }
    }

    /// The same client at the pace of another one of the same person.
    #[must_use]
    pub fn at_pace_of(&self, other: &Self) -> Self {
        Self { pace: Arc::clone(&other.pace), ..self.clone() }
    }

    /// So many requests may be under way elsewhere with the same token: as much of the instance's leave is kept for them.
    pub fn shared_with(&self, others: u32) {
        self.pace.shared_with(others);
    }

    /// Runs one of our documents.
    pub(crate) async fn run<Q: GraphQLQuery>(&self, variables: Q::Variables) -> Result<Q::ResponseData, Error> {
        let body = Q::build_query(variables);
        let variables = to_json(&body.variables)?;
        self.send(body.operation_name, body.query, variables).await
    }

    /// Runs a document that we built ourselves.
    pub(crate) async fn send<T: DeserializeOwned>(
        &self,
        operation: &str,
        query: &str,
        variables: serde_json::Value,
    ) -> Result<T, Error> {
        let mut attempt = 1;
        loop {
            let text = document::without(query, &self.missing());
            let turn = self.turn(GRAPHQL).await?;
            let answer = self.once(operation, &text, &variables).await;
            drop(turn);
            match answer {
                Ok(data) => return Ok(data),
                Err(error) if self.learn_missing(&text, &error) => {}
                Err(error) => self.wait_to_try_again(operation, &mut attempt, error).await?,
            }
        }
    }

    /// Waits where a request is worth another try, and counts it; else gives the error back.
    pub(crate) async fn wait_to_try_again(
        &self,
        operation: &str,
        attempt: &mut u32,
        error: Error,
    ) -> Result<(), Error> {
        let Some(wait) = self.retry.wait_after(*attempt, &error, rand::random_range(0.0..=1.0)) else {
            return Err(error);
        };
        self.tell(operation, *attempt, wait, &error);
        tokio::time::sleep(wait).await;
        *attempt += 1;
        Ok(())
    }

    async fn once<T: DeserializeOwned>(
        &self,
        operation: &str,
        query: &str,
        variables: &serde_json::Value,
    ) -> Result<T, Error> {
        let request = Request { operation_name: operation, query, variables };
        let answer = self.transport.post(to_json(&request)?.to_string()).await?;
        self.pace.heard(GRAPHQL, &answer);
        response::read(&answer)
    }

    /// Address of a REST route of the instance.
    pub(crate) fn rest_url(&self, path: &str) -> Url {
        self.transport.rest_url(path)
    }

    /// Leave to ask once; an error where that would take long, and is better waited for elsewhere.
    pub(crate) async fn turn(&self, route: &str) -> Result<Turn<'_>, Error> {
        self.pace.turn(route).await
    }

    /// Asks a REST route once.
    pub(crate) async fn get(&self, route: &str, url: Url) -> Result<Answer, Error> {
        let answer = self.transport.get(url).await?;
        self.pace.heard(route, &answer);
        Ok(answer)
    }

    fn missing(&self) -> BTreeSet<String> {
        // A poisoned set is still a set: it is only ever added to.
        self.missing_fields.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers the optional fields that the instance complains of. `true` if the query is worth sending without them.
    fn learn_missing(&self, query: &str, error: &Error) -> bool {
        let Error::Query { messages, .. } = error else {
            return false;
        };
        let missing = document::missing_optional(query, messages);
        let found = !missing.is_empty();
        self.missing_fields.lock().unwrap_or_else(PoisonError::into_inner).extend(missing);
        found
    }

    fn tell(&self, operation: &str, attempt: u32, wait: Duration, error: &Error) {
        tracing::debug!(operation, attempt, wait_ms = wait.as_millis(), %error, "GitLab request {operation} will be tried again");
        if let Some(observer) = &self.on_retry {
            observer(&RetryNotice { operation, attempt, attempts: self.retry.attempts, wait, error });
        }
    }
}

/// The client's address, never its token.
impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("url", &self.transport.url().as_str()).finish_non_exhaustive()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Request<'a> {
    operation_name: &'a str,
    query: &'a str,
    variables: &'a serde_json::Value,
}

fn to_json(value: &impl Serialize) -> Result<serde_json::Value, Error> {
    serde_json::to_value(value).map_err(|error| Error::Query {
        messages: vec![format!("variables cannot be written as JSON: {error}")],
        transient: false,
    })
}
