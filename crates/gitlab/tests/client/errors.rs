use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use trawl_gitlab::{Client, Endpoint, Error, Options};
use wiremock::matchers::{any, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::answers::account;
use crate::server::{TOKEN, answering, client, client_at, data, options};

/// What the client makes of an answer. Whatever it says, it never shows the token.
async fn error_of(answer: ResponseTemplate) -> Error {
    let server = answering(answer).await;
    let client = client(&server);
    let error = client.current_user().await.unwrap_err();
    let shown = format!("{error} {error:?} {client:?}");
    assert!(!shown.contains(TOKEN), "{shown}");
    error
}

fn page(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_raw(format!("<!DOCTYPE html><h1>No</h1>{TOKEN}"), "text/html")
}

fn errors(message: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "data": null, "errors": [{ "message": message }] }))
}

fn limited(seconds: Option<u64>) -> Error {
    Error::RateLimited { retry_after: seconds.map(Duration::from_secs) }
}

#[tokio::test]
async fn too_many_requests() {
    assert_eq!(error_of(page(429)).await, limited(None));
    assert_eq!(error_of(page(429).insert_header("Retry-After", "120")).await, limited(Some(120)));
    let dated = page(429)
        .insert_header("Date", "Sun, 06 Nov 1994 08:49:37 GMT")
        .insert_header("Retry-After", "Sun, 06 Nov 1994 08:50:37 GMT");
    assert_eq!(error_of(dated).await, limited(Some(60)));
    let reset =
        page(429).insert_header("Date", "Sun, 06 Nov 1994 08:49:37 GMT").insert_header("RateLimit-Reset", "784111807");
    assert_eq!(error_of(reset).await, limited(Some(30)));
    assert_eq!(
        error_of(errors("This endpoint has been requested too many times. Try again later.")).await,
        limited(None)
    );
}

#[tokio::test]
async fn refusals() {
    assert_eq!(
        error_of(ResponseTemplate::new(401).set_body_json(json!({ "errors": [{ "message": "Invalid token" }] }))).await,
        Error::Unauthorized
    );
    assert_eq!(error_of(page(403)).await, Error::Forbidden);
    assert_eq!(error_of(page(404)).await, Error::NotFound);
    let strange = error_of(page(418)).await;
    assert!(!strange.is_transient(), "{strange}");
    let worded = error_of(ResponseTemplate::new(400).set_body_json(json!({ "message": "400 Bad request" }))).await;
    assert!(matches!(worded, Error::Query { transient: false, .. }), "{worded:?}");
    let complex = error_of(errors("Query has complexity of 300, which exceeds max complexity of 250")).await;
    assert!(matches!(complex, Error::TooComplex { .. }) && complex.wants_smaller_page() && !complex.is_transient());
}

#[tokio::test]
async fn trouble_on_the_other_side_passes() {
    for (answer, status) in [
        (page(500), 500),
        (page(502), 502),
        (page(503), 503),
        (page(200), 200),
        (ResponseTemplate::new(200).set_body_string("{\"data\": {\"currentUser\""), 200),
        (ResponseTemplate::new(200).set_body_string("null"), 200),
        (ResponseTemplate::new(200).set_body_string(""), 200),
        (ResponseTemplate::new(200).set_body_json(json!({})), 200),
        (ResponseTemplate::new(200).set_body_json(json!({ "data": { "currentUser": 7 } })), 200),
    ] {
        let error = error_of(answer).await;
        assert!(matches!(error, Error::Server { status: got, .. } if got == status), "{error:?}");
        assert!(error.is_transient() && error.wants_smaller_page());
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_passes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 16 * 1024];
        assert!(stream.read(&mut request).await.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"data\":").await.unwrap();
        stream.shutdown().await.unwrap();
    });
    let error = client_at(&base, &options(1)).current_user().await.unwrap_err();
    assert!(matches!(error, Error::Server { status: 200, .. }), "{error:?}");
    assert!(error.is_transient());
    server.await.unwrap();
}

#[tokio::test]
async fn part_of_an_answer_is_no_answer() {
    let mut partial = json!({ "data": account() });
    partial["errors"] = json!([{ "message": "Field crashed", "path": ["metadata"] }, { "message": "twice" }]);
    let error = error_of(ResponseTemplate::new(200).set_body_json(partial)).await;
    assert_eq!(
        error,
        Error::Query { messages: vec!["Field crashed".to_owned(), "twice".to_owned()], transient: false }
    );
    for passing in ["Timeout on validation of query", "Internal server error"] {
        assert!(error_of(errors(passing)).await.is_transient(), "{passing}");
    }
}

#[tokio::test]
async fn an_answer_that_takes_too_long() {
    let server = answering(data(&account()).set_delay(Duration::from_mins(1))).await;
    let options = Options { request_timeout: Duration::from_millis(50), ..options(1) };
    let error = client_at(&server.uri(), &options).current_user().await.unwrap_err();
    assert_eq!(error, Error::Timeout);
    assert!(error.is_transient() && error.wants_smaller_page());
}

#[tokio::test]
async fn an_answer_that_is_too_large() {
    let server = answering(data(&account())).await;
    let options = Options { max_response_bytes: 10, ..options(1) };
    let error = client_at(&server.uri(), &options).current_user().await.unwrap_err();
    assert_eq!(error, Error::TooLarge { limit_bytes: 10 });
}

#[tokio::test]
async fn nobody_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client_at(&base, &options(1)).current_user().await.unwrap_err();
    let Error::Unreachable { reason } = &error else { panic!("{error:?}") };
    assert!(reason.to_lowercase().contains("refused"), "{reason}");
    assert!(error.is_transient() && !error.wants_smaller_page());
}

#[tokio::test]
async fn https_is_spoken() {
    // The other side speaks plain HTTP: that TLS fails shows that it was tried.
    let server = answering(data(&account())).await;
    let base = server.uri().replace("http://", "https://");
    let error = client_at(&base, &options(1)).current_user().await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn the_token_stays_on_the_instance() {
    let stranger = MockServer::start().await;
    Mock::given(any()).respond_with(data(&account())).expect(0).mount(&stranger).await;
    for status in [301, 302, 303, 307, 308] {
        let location = format!("{}/api/graphql?secret=1", stranger.uri());
        let error = error_of(ResponseTemplate::new(status).insert_header("Location", location.as_str())).await;
        assert_eq!(error, Error::Redirected { location: stranger.uri() });
        assert!(!error.is_transient());
    }
}

#[tokio::test]
async fn a_redirect_within_the_instance_is_followed() {
    let server = answering(ResponseTemplate::new(308).insert_header("Location", "/new/api/graphql")).await;
    Mock::given(path("/new/api/graphql"))
        .and(wiremock::matchers::header("authorization", format!("Bearer {TOKEN}")))
        .respond_with(data(&account()))
        .expect(1)
        .mount(&server)
        .await;
    assert_eq!(client(&server).current_user().await.unwrap().person.id, 1);
}

#[test]
fn an_endpoint_that_cannot_work_is_refused_at_once() {
    let make = |base_url: &str, token: &str| {
        let endpoint = Endpoint { base_url: base_url.parse().unwrap(), token: token.into() };
        Client::new(&endpoint, &Options::default()).map(|_| ())
    };
    assert!(matches!(make("https://user:pw@example.com", "t"), Err(Error::InvalidEndpoint(_))));
    assert_eq!(make("https://example.com", "two\nlines"), Err(Error::Unauthorized));
    assert_eq!(make("https://example.com", "good"), Ok(()));
}
