//! Who sees what.

use reqwest::Method;
use serde_json::{Value, json};
use trawl_gitlab_sim::{MARIA_TOKEN, TOM_TOKEN, TruthKind};

use crate::client::{Client, small, texts};

const MINE: &str = "{ projects(membership: true, sort: \"id_asc\") { count nodes { fullPath } } }";

#[tokio::test]
async fn tom_sees_the_projects_of_his_groups_and_the_one_that_he_was_added_to() {
    let sim = small();
    let tom = Client::new(&sim, Some(TOM_TOKEN));
    let data = tom.data(MINE, json!({})).await;
    let paths = texts(&data["projects"]["nodes"], "fullPath");
    assert_eq!(Some(paths.len()), sim.counts_for("tom", true).map(|counts| counts.projects));
    for path in &paths {
        let top = path.split('/').next().unwrap();
        assert!(["platform", "docs", "archive"].contains(&top) || path == "mobile/apps/ios", "{path}");
    }
    assert!(paths.iter().any(|path| path == "mobile/apps/ios"));
    let maria = Client::maria(&sim).data(MINE, json!({})).await;
    assert_eq!(maria["projects"]["count"], sim.counts().projects);
    sim.stop().await;
}

#[tokio::test]
async fn what_one_may_not_see_is_null() {
    let sim = small();
    let query = "query($p: ID!, $g: ID!) { project(fullPath: $p) { id } group(fullPath: $g) { id } }";
    let closed = json!({ "p": "care/support-desk", "g": "care" });
    let open = json!({ "p": "docs/website", "g": "docs" });
    let tom = Client::new(&sim, Some(TOM_TOKEN));
    assert_eq!(tom.data(query, closed).await, json!({ "project": null, "group": null }));
    let nobody = Client::new(&sim, None);
    assert!(nobody.data(query, open).await["project"]["id"].is_string());
    let internal = json!({ "p": "data/warehouse", "g": "data" });
    assert_eq!(nobody.data(query, internal.clone()).await["project"], Value::Null);
    assert!(tom.data(query, internal).await["project"]["id"].is_string());
    sim.stop().await;
}

#[tokio::test]
async fn confidential_issues_and_internal_notes_are_for_reporters() {
    let sim = trawl_gitlab_sim::start(trawl_gitlab_sim::Options::default()).unwrap();
    let query = "{ project(fullPath: \"data/warehouse\") { issues(sort: CREATED_ASC) {
        nodes { iid confidential notes { nodes { internal } } } } } }";
    let secrets = |data: &Value| {
        let issues = data["project"]["issues"]["nodes"].as_array().unwrap().clone();
        let confidential = issues.iter().filter(|issue| issue["confidential"] == true).count();
        let internal = issues
            .iter()
            .flat_map(|issue| issue["notes"]["nodes"].as_array().unwrap())
            .filter(|note| note["internal"] == true)
            .count();
        (confidential, internal)
    };
    let (confidential, internal) = secrets(&Client::maria(&sim).data(query, json!({})).await);
    assert!(confidential > 0 && internal > 0);
    let tom = Client::new(&sim, Some(TOM_TOKEN)).data(query, json!({})).await;
    assert_eq!(secrets(&tom), (0, 0));
    sim.stop().await;
}

#[tokio::test]
async fn a_disabled_feature_looks_like_an_empty_list() {
    let sim = small();
    let query =
        "{ project(fullPath: \"platform/infra/build/ci-images\") { issuesEnabled issues { count nodes { id } } } }";
    let data = Client::maria(&sim).data(query, json!({})).await;
    assert_eq!(data["project"], json!({ "issuesEnabled": false, "issues": { "count": 0, "nodes": [] } }));
    sim.stop().await;
}

#[tokio::test]
async fn issues_of_a_group_leave_archived_projects_out_unless_asked() {
    let sim = small();
    let query = "query($all: Boolean) { group(fullPath: \"archive\") {
        issues(includeSubgroups: true, includeArchived: $all) { count } } }";
    let client = Client::maria(&sim);
    assert_eq!(client.data(query, json!({})).await["group"]["issues"]["count"], 0);
    assert_eq!(client.data(query, json!({ "all": true })).await["group"]["issues"]["count"], 3);
    sim.stop().await;
}

#[tokio::test]
async fn a_wrong_token_is_refused_in_both_ways() {
    let sim = small();
    let client = Client::new(&sim, Some("glpat-wrong"));
    let rest = client.get("/api/v4/projects").await;
    assert_eq!(rest.status(), 401);
    assert_eq!(rest.json::<Value>().await.unwrap(), json!({ "message": "401 Unauthorized" }));
    let graphql = client.post(MINE, json!({})).await;
    assert_eq!(graphql.status(), 401);
    let expected = json!({ "errors": [{ "message": "Invalid token" }] });
    assert_eq!(graphql.json::<Value>().await.unwrap(), expected);
    let bearer =
        Client::new(&sim, None).request(Method::GET, "/api/v4/user").bearer_auth(MARIA_TOKEN).send().await.unwrap();
    assert_eq!(bearer.json::<Value>().await.unwrap()["username"], "maria");
    assert_eq!(Client::new(&sim, None).get("/api/v4/user").await.status(), 401);
    sim.stop().await;
}

#[tokio::test]
async fn what_tom_reads_is_what_the_truth_says_that_he_sees() {
    let sim = small();
    let tom = Client::new(&sim, Some(TOM_TOKEN));
    let data = tom.data("{ projects { nodes { issues { count } mergeRequests { count } } } }", json!({})).await;
    let sum = |field: &str| -> u64 {
        let projects = data["projects"]["nodes"].as_array().unwrap();
        projects.iter().map(|one| one[field]["count"].as_u64().unwrap()).sum()
    };
    let counts = sim.counts_for("tom", false).unwrap();
    assert_eq!(sum("issues"), counts.issues as u64);
    assert_eq!(sum("mergeRequests"), counts.merge_requests as u64);
    assert!(counts.issues < sim.counts().issues);
    let facts = sim.truth_for(TruthKind::Issues, "tom", false).unwrap();
    assert_eq!(facts.len(), counts.issues);
    sim.stop().await;
}
