//! The same seed is the same forge; it holds what was promised; it moves.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use trawl_gitlab_sim::{Change, Counts, Options, TruthKind, start};

use crate::client::{Client, small};

#[tokio::test]
async fn the_same_seed_gives_the_same_forge_and_another_gives_another() {
    let first = small();
    let second = small();
    for kind in [TruthKind::Issues, TruthKind::MergeRequests] {
        assert_eq!(first.truth(kind), second.truth(kind));
    }
    let other = start(Options { seed: 2, scale: 0.1, ..Options::default() }).unwrap();
    assert_ne!(first.truth(TruthKind::Issues), other.truth(TruthKind::Issues));
}

#[tokio::test]
async fn the_usual_forge_is_as_large_as_promised() {
    let sim = start(Options::default()).unwrap();
    let counts = sim.counts();
    assert_eq!((counts.groups, counts.projects), (15, 24));
    assert!((2_400..2_600).contains(&counts.issues), "{counts:?}");
    assert!((1_150..1_300).contains(&counts.merge_requests), "{counts:?}");
    let issues = sim.truth(TruthKind::Issues);
    assert!(issues.iter().filter(|fact| fact.notes > 20).count() > 20);
    assert!(issues.iter().any(|fact| fact.title.contains("<script>")));
    assert!(issues.iter().all(|fact| !fact.title.contains('\0')));
    let over_http: Counts = Client::new(&sim, None).get("/-/sim/counts").await.json().await.unwrap();
    assert_eq!(over_http, counts);
    sim.stop().await;
}

#[tokio::test]
async fn each_change_shows() {
    let sim = small();
    let before = sim.counts();
    assert_eq!(sim.advance(3, Some(Change::NewIssue)), [Change::NewIssue; 3]);
    assert_eq!(sim.counts().issues, before.issues + 3);
    sim.advance(2, Some(Change::NewMergeRequest));
    assert_eq!(sim.counts().merge_requests, before.merge_requests + 2);
    sim.advance(5, Some(Change::Comment));
    assert_eq!(sim.counts().notes, before.notes + 5);
    let open = |sim: &trawl_gitlab_sim::Sim, kind| sim.truth(kind).iter().filter(|fact| fact.state == "opened").count();
    let issues = open(&sim, TruthKind::Issues);
    let closed = sim.advance(10, Some(Change::Close)).len();
    assert!(closed > 0);
    assert_eq!(open(&sim, TruthKind::Issues), issues - closed);
    let merge_requests = open(&sim, TruthKind::MergeRequests);
    let merged = sim.advance(10, Some(Change::Merge)).len();
    assert!(merged > 0);
    assert_eq!(open(&sim, TruthKind::MergeRequests), merge_requests - merged);
    let all = sim.counts();
    let deleted = sim.advance(4, Some(Change::Delete)).len();
    assert_eq!(sim.counts().issues + sim.counts().merge_requests, all.issues + all.merge_requests - deleted);
    sim.stop().await;
}

#[tokio::test]
async fn a_moving_forge_moves_by_itself() {
    let sim = start(Options { scale: 0.1, moving: Some(Duration::from_millis(5)), ..Options::default() }).unwrap();
    let before = sim.truth(TruthKind::Issues);
    let client = Client::maria(&sim);
    let changed = async {
        while sim.truth(TruthKind::Issues) == before {
            client.get("/-/sim/counts").await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), changed).await.unwrap();
    sim.stop().await;
}

#[tokio::test]
async fn a_move_over_http_says_what_happened_and_requests_are_counted() {
    let sim = small();
    let client = Client::maria(&sim);
    let body = json!({ "steps": 2, "change": "new_issue" });
    let moved = client.request(Method::POST, "/-/sim/move").json(&body).send().await.unwrap();
    let moved: Value = moved.json().await.unwrap();
    assert_eq!(moved, json!({ "changes": ["new_issue", "new_issue"] }));
    client.get("/api/v4/projects/101/issues").await;
    client.get("/api/v4/projects/108/issues").await;
    client.data("{ metadata { version } }", json!({})).await;
    let requests: Value = client.get("/-/sim/requests").await.json().await.unwrap();
    assert_eq!(requests, json!({ "GET /api/v4/projects/:id/issues": 2, "POST /api/graphql": 1 }));
    sim.stop().await;
}

#[tokio::test]
async fn web_addresses_use_the_host_that_was_asked() {
    let sim = small();
    let query = "{ project(fullPath: \"docs/website\") { webUrl } }";
    let data = Client::maria(&sim).data(query, json!({})).await;
    assert_eq!(data["project"]["webUrl"], format!("{}/docs/website", sim.url()));
    sim.stop().await;
    let named =
        start(Options { scale: 0.01, external_url: Some("https://gitlab.example/".to_owned()), ..Options::default() })
            .unwrap();
    let data = Client::maria(&named).data(query, json!({})).await;
    assert_eq!(data["project"]["webUrl"], "https://gitlab.example/docs/website");
    named.stop().await;
}

#[tokio::test]
async fn an_ended_simulator_frees_its_port() {
    let sim = small();
    let address = sim.url().replace("http://", "");
    sim.stop().await;
    std::net::TcpListener::bind(address).unwrap();
}
