//! REST: pages and their headers.

use serde_json::Value;

use crate::client::{Client, next_page, small};

#[tokio::test]
async fn links_lead_through_all_projects() {
    let sim = small();
    let client = Client::maria(&sim);
    let mut next = Some("/api/v4/projects?per_page=10&membership=true".to_owned());
    let mut sizes = Vec::new();
    while let Some(path) = next {
        let answer = client.get(&path).await;
        assert_eq!(answer.headers()["x-total"], "24");
        let link = answer.headers()["link"].to_str().unwrap().to_owned();
        sizes.push(answer.json::<Vec<Value>>().await.unwrap().len());
        next = next_page(&link, &sim.url());
    }
    assert_eq!(sizes, [10, 10, 4]);
    sim.stop().await;
}

#[tokio::test]
async fn issues_of_a_project_by_number_and_by_path() {
    let sim = small();
    let client = Client::maria(&sim);
    let by_number: Vec<Value> =
        client.get("/api/v4/projects/101/issues?per_page=3&sort=asc").await.json().await.unwrap();
    let by_path: Vec<Value> =
        client.get("/api/v4/projects/platform%2Fgateway/issues?per_page=3&sort=asc").await.json().await.unwrap();
    assert_eq!(by_number, by_path);
    assert_eq!(by_number[0]["iid"], 1);
    assert_eq!(by_number.len(), 3);
    assert_eq!(client.get("/api/v4/projects/999/issues").await.status(), 404);
    sim.stop().await;
}

#[tokio::test]
async fn a_token_tells_about_itself() {
    let sim = small();
    let answer = Client::maria(&sim).get("/api/v4/personal_access_tokens/self").await;
    let token: Value = answer.json().await.unwrap();
    assert_eq!(token["active"], true);
    assert_eq!(token["scopes"][0], "read_api");
    sim.stop().await;
}
