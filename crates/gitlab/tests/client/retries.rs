use std::sync::{Arc, Mutex};
use std::time::Duration;

use trawl_gitlab::{Client, Error};
use wiremock::{MockServer, ResponseTemplate};

use crate::answers::account;
use crate::server::{client_at, data, graphql, options};

/// A client that tries four times, and what its observer was told.
fn observed(server: &MockServer) -> (Client, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&told);
    let client = client_at(&server.uri(), &options(4)).on_retry(move |notice| {
        let line = format!("{} {}/{}: {}", notice.operation, notice.attempt, notice.attempts, notice.error);
        log.lock().unwrap().push(line);
    });
    (client, told)
}

async fn requests(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

#[tokio::test]
async fn trouble_is_tried_again_and_told() {
    let server = MockServer::start().await;
    graphql().respond_with(ResponseTemplate::new(502)).up_to_n_times(1).mount(&server).await;
    graphql()
        .respond_with(ResponseTemplate::new(429).insert_header("Retry-After", "0"))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    graphql().respond_with(data(&account())).mount(&server).await;
    let (client, told) = observed(&server);
    client.current_user().await.unwrap();
    let told = told.lock().unwrap().clone();
    assert_eq!(told.len(), 2);
    assert!(told[0].starts_with("Account 1/4: ") && told[0].contains("502"), "{told:?}");
    assert!(told[1].starts_with("Account 2/4: ") && told[1].contains("fewer requests"), "{told:?}");
}

#[tokio::test]
async fn it_gives_up_after_the_last_try() {
    let server = MockServer::start().await;
    graphql().respond_with(ResponseTemplate::new(500)).mount(&server).await;
    let (client, told) = observed(&server);
    assert!(matches!(client.current_user().await, Err(Error::Server { status: 500, .. })));
    assert_eq!((requests(&server).await, told.lock().unwrap().len()), (4, 3));
}

#[tokio::test]
async fn a_refusal_is_final() {
    let server = MockServer::start().await;
    graphql().respond_with(ResponseTemplate::new(401)).mount(&server).await;
    let (client, told) = observed(&server);
    assert_eq!(client.current_user().await, Err(Error::Unauthorized));
    assert_eq!((requests(&server).await, told.lock().unwrap().len()), (1, 0));
}

#[tokio::test]
async fn a_long_wait_is_left_to_the_caller() {
    let server = MockServer::start().await;
    graphql().respond_with(ResponseTemplate::new(429).insert_header("Retry-After", "1200")).mount(&server).await;
    let (client, _) = observed(&server);
    let error = client.current_user().await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_mins(20)));
    assert_eq!(requests(&server).await, 1);
}

#[tokio::test]
async fn a_request_that_was_dropped_leaves_the_client_usable() {
    let server = MockServer::start().await;
    graphql().respond_with(data(&account()).set_delay(Duration::from_mins(1))).up_to_n_times(1).mount(&server).await;
    graphql().respond_with(data(&account())).mount(&server).await;
    let (client, _) = observed(&server);
    let dropped = tokio::time::timeout(Duration::from_millis(50), client.current_user()).await;
    assert!(dropped.is_err());
    assert_eq!(client.current_user().await.unwrap().person.id, 1);
}
