//! GitLab's limits: complexity, depth, length, rate.

use serde_json::{Value, json};
use trawl_gitlab_sim::{Options, start};

use crate::client::{Client, small};

/// Three times the same, 131 each.
const FAT: &str =
    "{ one: project(fullPath: \"docs/website\") { ...fat } two: project(fullPath: \"docs/website\") { ...fat }
    three: project(fullPath: \"docs/website\") { ...fat } }
    fragment fat on Project { issues(first: 100) { nodes { id iid title
    notes(first: 100) { nodes { id body createdAt author { username name } } }
    assignees(first: 100) { nodes { id username name webUrl state bot } }
    labels(first: 100) { nodes { id title color description } } } } }";

#[tokio::test]
async fn a_query_that_costs_too_much_is_refused_with_its_cost() {
    let sim = small();
    let answer = Client::maria(&sim).post(FAT, json!({})).await;
    assert_eq!(answer.status(), 200);
    let answer: Value = answer.json().await.unwrap();
    let message = answer["errors"][0]["message"].as_str().unwrap();
    assert_eq!(message, "Query has complexity of 393, which exceeds max complexity of 250");
    assert_eq!(answer["data"], Value::Null);
    let anonymous = Client::new(&sim, None).error(FAT).await;
    assert!(anonymous.ends_with("max complexity of 200"), "{anonymous}");
    sim.stop().await;
}

#[tokio::test]
async fn a_connection_costs_one_percent_more_for_each_row() {
    let sim = small();
    let client = Client::maria(&sim);
    let query =
        "query($n: Int = 100, $iids: [String!]) { queryComplexity { score limit } project(fullPath: \"docs/website\") {
        issues(first: $n, iids: $iids, sort: UPDATED_ASC) { nodes { id iid } } } }";
    let score = async |variables: Value| {
        let data = client.data(query, variables).await;
        assert_eq!(data["queryComplexity"]["limit"], 250);
        data["queryComplexity"]["score"].as_i64().unwrap()
    };
    // 3 for the first line, 1 for the project; nodes, id, iid, the list itself and its sorting are 5 in the list.
    assert_eq!(score(json!({})).await, 4 + 10);
    assert_eq!(score(json!({ "n": 20 })).await, 4 + 6);
    assert_eq!(score(json!({ "iids": ["1"] })).await, 4 + 5);
    sim.stop().await;
}

#[tokio::test]
async fn a_query_that_is_too_deep_or_too_long_is_refused() {
    let sim = small();
    let client = Client::maria(&sim);
    let deep = (0..25).fold("{ id }".to_owned(), |inner, _| format!("{{ parent {inner} }}"));
    let message = client.error(&format!("{{ group(fullPath: \"docs\") {deep} }}")).await;
    assert_eq!(message, "Query has depth of 27, which exceeds max depth of 20");
    let long = format!("{{ metadata {{ version }} }} # {}", "x".repeat(10_000));
    let answer = client.post(&long, json!({})).await;
    assert_eq!(answer.status(), 422);
    assert!(answer.text().await.unwrap().contains("Query too large"));
    sim.stop().await;
}

#[tokio::test]
async fn every_answer_says_how_many_are_left_and_then_none_are() {
    let sim = start(Options { scale: 0.01, rate_limit: 2, ..Options::default() }).unwrap();
    let client = Client::maria(&sim);
    for left in ["1", "0"] {
        let answer = client.get("/api/v4/version").await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["ratelimit-limit"], "2");
        assert_eq!(answer.headers()["ratelimit-remaining"], left);
        assert!(answer.headers().contains_key("ratelimit-reset"));
    }
    let refused = client.get("/api/v4/version").await;
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    let other = Client::new(&sim, Some(trawl_gitlab_sim::TOM_TOKEN)).get("/api/v4/version").await;
    assert_eq!(other.status(), 200);
    sim.stop().await;
}
