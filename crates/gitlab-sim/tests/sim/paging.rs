//! Keyset pages, while the forge changes.

use std::collections::HashMap;

use serde_json::{Value, json};
use trawl_gitlab_sim::{Change, Options, TruthKind, start};

use crate::client::{Client, small, texts};

const PAGE: &str = "query($after: String, $sort: IssueSort) { project(fullPath: \"platform/gateway\") {
    issues(first: 25, after: $after, sort: $sort) { nodes { id iid } pageInfo { hasNextPage endCursor } } } }";

async fn walk(client: &Client, sort: &str, mut between: impl FnMut()) -> Vec<String> {
    let mut after = Value::Null;
    let mut ids = Vec::new();
    loop {
        let data = client.data(PAGE, json!({ "after": after, "sort": sort })).await;
        let issues = &data["project"]["issues"];
        ids.extend(texts(&issues["nodes"], "id"));
        if issues["pageInfo"]["hasNextPage"] == false {
            return ids;
        }
        after = issues["pageInfo"]["endCursor"].clone();
        between();
    }
}

fn counted(ids: &[String]) -> HashMap<&String, usize> {
    ids.iter().fold(HashMap::new(), |mut seen, id| {
        *seen.entry(id).or_default() += 1;
        seen
    })
}

#[tokio::test]
async fn every_issue_comes_once_by_creation_while_things_move() {
    let sim = start(Options::default()).unwrap();
    let before: Vec<String> = sim
        .truth(TruthKind::Issues)
        .iter()
        .filter(|fact| fact.project_id == 101)
        .map(|fact| format!("gid://gitlab/Issue/{}", fact.id))
        .collect();
    let client = Client::maria(&sim);
    let ids = walk(&client, "CREATED_ASC", || {
        sim.advance(20, None);
    })
    .await;
    let seen = counted(&ids);
    assert!(before.len() > 400);
    assert!(before.iter().all(|id| seen.get(id) == Some(&1)));
    assert!(seen.values().all(|&times| times == 1));
    sim.stop().await;
}

#[tokio::test]
async fn an_issue_that_moves_to_the_end_is_seen_again_and_none_is_missed() {
    let sim = start(Options::default()).unwrap();
    let client = Client::maria(&sim);
    let ids = walk(&client, "UPDATED_ASC", || {
        sim.advance(3, Some(Change::Comment));
    })
    .await;
    let all = sim.truth(TruthKind::Issues);
    let seen = counted(&ids);
    let own = all.iter().filter(|fact| fact.project_id == 101);
    for fact in own {
        assert!(seen.contains_key(&format!("gid://gitlab/Issue/{}", fact.id)), "{fact:?}");
    }
    sim.stop().await;
}

#[tokio::test]
async fn more_issues_than_fit_on_a_page_share_one_time() {
    let sim = start(Options::default()).unwrap();
    let mut same: HashMap<String, usize> = HashMap::new();
    for fact in sim.truth(TruthKind::Issues) {
        *same.entry(fact.updated_at).or_default() += 1;
    }
    assert!(same.values().any(|&n| n > 100), "{:?}", same.values().max());
    let ids = walk(&Client::maria(&sim), "UPDATED_DESC", || ()).await;
    assert!(counted(&ids).values().all(|&times| times == 1));
    assert_eq!(ids.len(), 420);
    sim.stop().await;
}

#[tokio::test]
async fn a_page_has_at_most_a_hundred_rows_and_can_be_walked_backwards() {
    let sim = start(Options::default()).unwrap();
    let client = Client::maria(&sim);
    let query = "query($first: Int, $last: Int, $before: String) { project(fullPath: \"platform/gateway\") {
        issues(first: $first, last: $last, before: $before, sort: CREATED_ASC) {
            nodes { iid } count pageInfo { hasPreviousPage startCursor } } } }";
    let all = client.data(query, json!({ "first": 500 })).await;
    let issues = &all["project"]["issues"];
    assert_eq!(issues["nodes"].as_array().unwrap().len(), 100);
    assert_eq!(issues["count"], 420);
    let last = client.data(query, json!({ "last": 2 })).await;
    let issues = &last["project"]["issues"];
    assert_eq!(texts(&issues["nodes"], "iid"), ["419", "420"]);
    assert_eq!(issues["pageInfo"]["hasPreviousPage"], true);
    let earlier = json!({ "last": 2, "before": issues["pageInfo"]["startCursor"] });
    let earlier = client.data(query, earlier).await;
    assert_eq!(texts(&earlier["project"]["issues"]["nodes"], "iid"), ["417", "418"]);
    sim.stop().await;
}

#[tokio::test]
async fn a_watermark_finds_exactly_what_changed_since() {
    let sim = small();
    let client = Client::maria(&sim);
    let query = "query($since: Time) { group(fullPath: \"platform\") {
        issues(includeSubgroups: true, updatedAfter: $since, sort: UPDATED_ASC) { nodes { id updatedAt } } } }";
    let since = json!({ "since": "2026-02-01T00:00:00Z" });
    let none = client.data(query, since.clone()).await;
    assert_eq!(none["group"]["issues"]["nodes"], json!([]));
    sim.advance(60, Some(Change::Close));
    let changed = sim
        .truth(TruthKind::Issues)
        .into_iter()
        .filter(|fact| fact.updated_at.as_str() > "2026-02-01" && fact.project_id <= 171)
        .count();
    let some = client.data(query, since).await;
    assert!(changed > 0);
    assert_eq!(some["group"]["issues"]["nodes"].as_array().unwrap().len(), changed);
    sim.stop().await;
}

#[tokio::test]
async fn notes_overflow_and_continue() {
    let sim = small();
    let client = Client::maria(&sim);
    let long = sim.truth(TruthKind::Issues).into_iter().find(|fact| fact.notes > 20).unwrap();
    let query = "query($id: IssueID!, $after: String) { issue(id: $id) {
        notes(first: 20, after: $after) { count nodes { id } pageInfo { hasNextPage endCursor } } } }";
    let id = format!("gid://gitlab/Issue/{}", long.id);
    let mut after = Value::Null;
    let mut notes = Vec::new();
    loop {
        let data = client.data(query, json!({ "id": id, "after": after })).await;
        let page = &data["issue"]["notes"];
        assert_eq!(page["count"], long.notes);
        notes.extend(texts(&page["nodes"], "id"));
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(notes.len(), long.notes);
    assert!(counted(&notes).values().all(|&times| times == 1));
    sim.stop().await;
}

#[tokio::test]
async fn a_cursor_that_is_none_is_refused() {
    let sim = small();
    let message = Client::maria(&sim).error("{ projects(after: \"zz\") { nodes { id } } }").await;
    assert!(message.contains("cursor"), "{message}");
    sim.stop().await;
}
