//! Faults, as a client meets them.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use trawl_gitlab_sim::{Fault, Rule, read_rules};

use crate::client::{Client, small};

const LIST: &str = "query List { projects { nodes { id } } }";

#[tokio::test]
async fn too_many_with_and_without_a_hint() {
    let sim = small();
    let client = Client::maria(&sim);
    sim.set_faults(vec![
        Rule::times("/api/v4", 1, Fault::TooMany { retry_after_s: Some(7) }),
        Rule::times("/api/v4", 1, Fault::TooMany { retry_after_s: None }),
    ]);
    let first = client.get("/api/v4/version").await;
    assert_eq!((first.status().as_u16(), first.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    let second = client.get("/api/v4/version").await;
    assert_eq!(second.status(), 429);
    assert!(!second.headers().contains_key("retry-after"));
    assert_eq!(client.get("/api/v4/version").await.status(), 200);
    sim.stop().await;
}

#[tokio::test]
async fn rules_match_the_body_and_come_and_go_over_http() {
    let sim = small();
    let client = Client::maria(&sim);
    let rules = json!([{ "path": "/api/graphql", "body": "query List", "kind": "502" }]);
    let set = client.request(Method::POST, "/-/sim/faults").json(&rules).send().await.unwrap();
    assert_eq!(set.status(), 204);
    assert_eq!(client.post(LIST, json!({})).await.status(), 502);
    assert_eq!(client.post("{ metadata { version } }", json!({})).await.status(), 200);
    let gone = client.request(Method::DELETE, "/-/sim/faults").send().await.unwrap();
    assert_eq!(gone.status(), 204);
    assert_eq!(client.post(LIST, json!({})).await.status(), 200);
    let wrong = json!([{ "kind": "earthquake" }]);
    let refused = client.request(Method::POST, "/-/sim/faults").json(&wrong).send().await.unwrap();
    assert_eq!(refused.status(), 400);
    sim.stop().await;
}

#[tokio::test]
async fn an_html_page_where_json_should_be() {
    let sim = small();
    let client = Client::maria(&sim);
    sim.set_faults(vec![Rule::times("", 1, Fault::Html { status: 503 })]);
    let answer = client.post(LIST, json!({})).await;
    assert_eq!(answer.status(), 503);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(answer.text().await.unwrap().contains("<html>"));
    sim.stop().await;
}

#[tokio::test]
async fn half_a_body_and_a_dropped_connection() {
    let sim = small();
    let client = Client::maria(&sim);
    sim.set_faults(vec![Rule::times("", 1, Fault::Truncate), Rule::times("", 1, Fault::Timeout { seconds: 0 })]);
    for _ in 0..2 {
        let sent = client.request(Method::POST, "/api/graphql").json(&json!({ "query": LIST })).send().await;
        let failed = match sent {
            Ok(answer) => answer.bytes().await.is_err(),
            Err(_) => true,
        };
        assert!(failed);
    }
    assert_eq!(client.post(LIST, json!({})).await.status(), 200);
    sim.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_held_does_not_hold_the_end() {
    let sim = small();
    let client = Client::maria(&sim);
    sim.set_faults(vec![Rule::times("/api", 1, Fault::Timeout { seconds: 600 })]);
    let held = tokio::spawn(client.request(Method::GET, "/api/v4/version").send());
    // The simulator counts a request before it holds it.
    while sim.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    tokio::time::timeout(Duration::from_mins(1), sim.stop()).await.unwrap();
    assert!(held.await.unwrap().is_err());
}

#[tokio::test]
async fn partial_data_comes_with_errors() {
    let sim = small();
    let client = Client::maria(&sim);
    sim.set_faults(vec![Rule::times("/api/graphql", 1, Fault::GraphqlError)]);
    let answer: Value = client.post(LIST, json!({})).await.json().await.unwrap();
    let nodes = answer["data"]["projects"]["nodes"].as_array().unwrap();
    assert!(nodes.first().unwrap().is_object());
    assert!(nodes.last().unwrap().is_null());
    assert_eq!(answer["errors"][0]["message"], "Internal server error");
    sim.stop().await;
}

#[tokio::test]
async fn a_rate_is_a_share_of_the_requests_and_the_same_for_the_same_seed() {
    let outcome = async || {
        let sim = small();
        let client = Client::maria(&sim);
        let mut rule = Rule::times("/api/v4", 1_000, Fault::Unauthorized);
        rule.rate = 0.3;
        sim.set_faults(vec![rule]);
        let mut statuses = Vec::new();
        for _ in 0..60 {
            statuses.push(client.get("/api/v4/version").await.status().as_u16());
        }
        sim.stop().await;
        statuses
    };
    let first = outcome().await;
    let failed = first.iter().filter(|&&status| status == 401).count();
    assert!((6..40).contains(&failed), "{failed}");
    assert_eq!(first, outcome().await);
}

#[test]
fn rules_are_read_from_both_kinds_of_file() {
    let dir = std::env::temp_dir().join(format!("gitlab-sim-rules-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let toml = dir.join("rules.toml");
    let text = "[[fault]]\npath = \"/api\"\nrate = 0.5\nkind = \"429\"\nretry_after_s = 3\n\n[[fault]]\nkind = \"timeout\"\ntimes = 2\n";
    std::fs::write(&toml, text).unwrap();
    let rules = read_rules(&toml).unwrap();
    assert_eq!(rules[0].fault, Fault::TooMany { retry_after_s: Some(3) });
    assert_eq!((rules[1].times, &rules[1].fault), (Some(2), &Fault::Timeout { seconds: 30 }));
    let json = dir.join("rules.json");
    std::fs::write(&json, serde_json::to_vec(&rules).unwrap()).unwrap();
    assert_eq!(read_rules(&json).unwrap(), rules);
    std::fs::write(&json, "{}").unwrap();
    assert!(read_rules(&json).is_err());
    std::fs::remove_dir_all(&dir).unwrap();
}
