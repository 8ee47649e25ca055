//! Sorts an answer: data, or the error that tells the caller what to do.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, LOCATION, RETRY_AFTER};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::Error;
use crate::transport::Answer;

/// Longest wait that we believe.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

/// Either GraphQL's `errors` with a message each, or one of the two forms in which GitLab words a refused request.
#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    errors: Option<Vec<Problem>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Problem {
    Object { message: String },
    Text(String),
    Other(serde_json::Value),
}

impl Problem {
    fn into_message(self) -> String {
        match self {
            Self::Object { message } => message,
            Self::Text(text) => text,
            Self::Other(value) => value.to_string(),
        }
    }
}

/// The typed data of an answer. Data with errors beside it is an error: part of a page looks like a whole one.
pub(crate) fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, Error> {
    accept(answer)?;
    read_envelope(answer)
}

/// An answer of the REST API, which is the data itself.
pub(crate) fn read_plain<T: DeserializeOwned>(answer: &Answer) -> Result<T, Error> {
    accept(answer)?;
    if answer.status.is_client_error() {
        return Err(refusal(answer.status));
    }
    serde_json::from_slice(&answer.body).map_err(|error| server(answer.status, &not_json(&answer.body, &error)))
}

/// Whether the answer to a request for a grant speaks of the grant: a refusal of it is a 400 or 401 that says why.
pub(crate) fn accept_grant(answer: &Answer) -> Result<(), Error> {
    match answer.status {
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => Ok(()),
        _ => accept(answer),
    }
}

/// What a status alone says.
fn accept(answer: &Answer) -> Result<(), Error> {
    match answer.status {
        StatusCode::TOO_MANY_REQUESTS => {
            Err(Error::RateLimited { retry_after: retry_after(&answer.headers, Utc::now()) })
        }
        StatusCode::UNAUTHORIZED => Err(Error::Unauthorized),
        StatusCode::FORBIDDEN => Err(Error::Forbidden),
        StatusCode::NOT_FOUND => Err(Error::NotFound),
        status if status.is_redirection() => Err(redirected(answer)),
        status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
            Err(server(status, "it reports trouble"))
        }
        _ => Ok(()),
    }
}

fn read_envelope<T: DeserializeOwned>(answer: &Answer) -> Result<T, Error> {
    let refused = answer.status.is_client_error();
    let envelope: Envelope<'_> = match serde_json::from_slice(&answer.body) {
        Ok(envelope) => envelope,
        Err(_) if refused => return Err(refusal(answer.status)),
        Err(error) => return Err(server(answer.status, &not_json(&answer.body, &error))),
    };
    if let Some(problems) = envelope.errors.filter(|problems| !problems.is_empty()) {
        return Err(sorted(problems.into_iter().map(Problem::into_message).collect()));
    }
    if refused {
        return Err(refusal(answer.status));
    }
    let data = envelope.data.ok_or_else(|| server(answer.status, "the answer holds no data"))?;
    serde_json::from_str(data.get()).map_err(|error| server(answer.status, &format!("unexpected data: {error}")))
}

/// A status of 4xx that has no meaning of its own to us.
fn refusal(status: StatusCode) -> Error {
    Error::Query {
        messages: vec![format!("GitLab refuses the request with status {}", status.as_u16())],
        transient: false,
    }
}

fn server(status: StatusCode, reason: &str) -> Error {
    Error::Server { status: status.as_u16(), reason: reason.to_owned() }
}

fn not_json(body: &[u8], error: &serde_json::Error) -> String {
    let start = body.trim_ascii_start();
    if start.first() == Some(&b'<') {
        "a web page came instead of JSON".to_owned()
    } else if error.is_eof() {
        "the answer is cut short".to_owned()
    } else {
        format!("the answer is not the JSON it should be: {error}")
    }
}

/// Only the origin is named: paths and queries of sign-in pages can hold secrets.
fn redirected(answer: &Answer) -> Error {
    let location = answer
        .headers
        .get(LOCATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| answer.url.join(text).ok())
        .map_or_else(|| "an unknown place".to_owned(), |url| url.origin().ascii_serialization());
    Error::Redirected { location }
}

/// What GitLab's own messages mean. They are its only error codes.
fn sorted(messages: Vec<String>) -> Error {
    let any = |needles: &[&str]| messages.iter().any(|message| needles.iter().any(|needle| message.contains(needle)));
    if any(&["requested too many times", "Retry later"]) {
        return Error::RateLimited { retry_after: None };
    }
    if any(&["which exceeds max complexity", "exceeds max depth", "Query too large"]) {
        return Error::TooComplex { message: messages.join("; ") };
    }
    if any(&["Invalid token", "Token is expired", "Token was revoked"]) {
        return Error::Unauthorized;
    }
    if any(&["insufficient_scope"]) {
        return Error::Forbidden;
    }
    if any(&["does not exist or you don't have permission"]) {
        return Error::NotFound;
    }
    let transient = any(&["Timeout", "timed out", "Internal server error"]);
    Error::Query { messages, transient }
}

/// Seconds or a date in `Retry-After`, else the second at which `RateLimit-Reset` says the limit starts anew.
///
/// Dates are compared with the server's own clock where it tells it. Nobody means more than a day.
pub(crate) fn retry_after(headers: &HeaderMap, our_now: DateTime<Utc>) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let now = date(headers).unwrap_or(our_now);
    let until = |then: DateTime<Utc>| (then - now).to_std().unwrap_or(Duration::ZERO);
    let asked = text(RETRY_AFTER.as_str())
        .and_then(|value| value.parse().map(Duration::from_secs).ok().or_else(|| http_date(value).map(until)));
    asked
        .or_else(|| {
            let reset = text("ratelimit-reset")?.parse().ok()?;
            DateTime::from_timestamp(reset, 0).map(until)
        })
        .map(|wait| wait.min(LONGEST_WAIT))
}

/// What time it is where the answer comes from.
pub(crate) fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    http_date(headers.get(DATE)?.to_str().ok()?.trim())
}

fn http_date(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(text).ok().map(|date| date.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(pairs: &[(&'static str, &'static str)]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        let now = DateTime::from_timestamp(784_111_777, 0).unwrap(); // Sun, 06 Nov 1994 08:49:37 GMT
        retry_after(&headers, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn every_form_of_asking_to_wait() {
        assert_eq!(waits(&[("retry-after", "17")]), Some(17));
        assert_eq!(waits(&[("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")]), Some(60));
        assert_eq!(waits(&[("retry-after", "Sun, 06 Nov 1994 08:40:00 GMT")]), Some(0));
        assert_eq!(waits(&[("ratelimit-reset", "784111807")]), Some(30));
        assert_eq!(waits(&[("retry-after", "soon"), ("ratelimit-reset", "784111778")]), Some(1));
        assert_eq!(waits(&[("retry-after", "18446744073709551615")]), Some(86_400));
        assert_eq!(waits(&[("retry-after", "soon")]), None);
        assert_eq!(waits(&[]), None);
    }

    #[test]
    fn dates_are_compared_with_the_servers_clock() {
        let skewed = [("date", "Sun, 06 Nov 1994 09:49:37 GMT"), ("retry-after", "Sun, 06 Nov 1994 09:49:47 GMT")];
        assert_eq!(waits(&skewed), Some(10));
    }

    #[test]
    fn messages_are_sorted() {
        let of = |message: &str| sorted(vec![message.to_owned()]);
        assert!(matches!(
            of("Query has complexity of 300, which exceeds max complexity of 250"),
            Error::TooComplex { .. }
        ));
        assert_eq!(
            of("This endpoint has been requested too many times. Try again later."),
            Error::RateLimited { retry_after: None }
        );
        assert!(of("Timeout on validation of query").is_transient());
        assert!(of("Internal server error").is_transient());
        assert!(!of("Field 'x' doesn't exist on type 'Issue'").is_transient());
    }
}
