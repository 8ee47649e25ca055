//! A token is replaced while a job runs.

use crate::{
    engine::failure,
    forge::{Scene, completed},
};
use std::sync::Arc;
use trawl_crawler::Credentials;
use trawl_gitlab_sim::{MARIA_TOKEN, Options};
use trawl_jobs::{AccountId, ErrorClass};
use trawl_protocol::{
    Boot, Credential, CredentialReader, Hello, ProcessId, Role, Token,
    auth::send_list,
    codec::AUTH_FRAME_LIMIT,
    handshake::{self, Connection},
    socket::Listener,
};

/// The supervisor's end of the credentials socket, and a scene whose worker reads from it.
async fn scene() -> (Scene, Connection, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("auth.sock");
    let listener = Listener::bind(&path).unwrap();
    let hello = Hello {
        role: Role::Crawler,
        boot: Boot::random(),
        secret: None,
        build: "test".to_owned(),
        capacity: 1,
        kinds: Vec::new(),
        own_instance: None,
    };
    let reader = CredentialReader::start(path, hello);
    let (mut connection, _) = handshake::accept(listener.accept().await.unwrap()).await.unwrap();
    handshake::welcome(&mut connection, ProcessId::crawler(1), AUTH_FRAME_LIMIT).await.unwrap();
    let sim = trawl_gitlab_sim::start(Options { scale: 0.02, ..Options::default() }).unwrap();
    (Scene::with(sim, Credentials::Handed(reader)).await, connection, dir)
}

async fn publish(connection: &mut Connection, scene: &Scene, token: &str) {
    let token = Token::new(token.to_owned().into());
    let credential = Credential { account: AccountId(1), instance_url: scene.sim.url(), token };
    let list = Arc::new([(AccountId(1), credential)].into());
    send_list(connection, ProcessId::SUPERVISOR, &list).await.unwrap();
}

#[tokio::test]
async fn a_renewed_token_is_taken_up_in_the_middle() {
    let (mut scene, mut connection, _dir) = scene().await;
    publish(&mut connection, &scene, "glpat-expired").await;
    let order = scene.order("authorization_scope", None);
    scene.house.start(order.clone()).await;
    while !scene.sim.requests().contains_key("POST /api/graphql") {
        tokio::task::yield_now().await;
    }
    publish(&mut connection, &scene, MARIA_TOKEN).await;
    let told = scene.house.until_finished(order.lease).await;
    completed(told.outcome);
    assert_eq!(told.messages, ["GitLab does not accept the token any more; going on with another one"]);
}

#[tokio::test]
async fn a_token_that_comes_after_its_job_is_waited_for() {
    let (mut scene, mut connection, _dir) = scene().await;
    let order = scene.order("authorization_scope", None);
    scene.house.start(order.clone()).await;
    assert_eq!(scene.house.holdings().await, [order.lease]);
    publish(&mut connection, &scene, MARIA_TOKEN).await;
    completed(scene.house.until_finished(order.lease).await.outcome);
}

#[tokio::test]
async fn a_token_that_is_not_renewed_parks_the_job() {
    let (mut scene, mut connection, _dir) = scene().await;
    publish(&mut connection, &scene, "glpat-revoked").await;
    let order = scene.order("authorization_scope", None);
    assert_eq!(failure(scene.run(order).await.outcome).class, ErrorClass::Credentials);
}
