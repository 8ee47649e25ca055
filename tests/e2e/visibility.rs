//! Two people with different rights share the work and not the sight.

use crate::harness::{Client, Site, System, assert_mirrors, assert_undisturbed, forge};
use serde_json::Value;
use std::collections::BTreeSet;
use trawl_gitlab_sim::TOM_TOKEN;

/// Adds a person with the administrator's password and none of the rights.
fn add_person(site: &Site, name: &str) {
    site.system.database().change(&format!(
        "INSERT INTO users (username, password_hash, is_admin, created_at) \
         SELECT '{name}', password_hash, 0, created_at FROM users WHERE is_admin"
    ));
}

async fn areas(client: &Client) -> Vec<Value> {
    client.get("/api/areas").await.json().as_array().unwrap().clone()
}

fn paths(areas: &[Value]) -> BTreeSet<String> {
    areas.iter().map(|area| area["full_path"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_shared_and_sight_is_not() {
    let site = Site::linked(System::new(), forge(0.05)).await;
    add_person(&site, "thomas");
    let thomas = site.system.sign_in("thomas").await;
    // In the middle of the other crawl, so that shared projects are wanted twice at the same time.
    let answer = thomas.link(&site.forge.url(), TOM_TOKEN).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let database = site.crawled().await;
    assert_mirrors(&database, &site.forge);
    // Among other things: no key was done twice.
    assert_undisturbed(&database);

    let (all, his) = (areas(&site.client).await, areas(&thomas).await);
    let reach = site.forge.counts_for("tom", true).unwrap();
    let projects = his.iter().filter(|area| area["kind"] == "project").count();
    assert_eq!(projects, reach.projects);
    assert!(projects < site.forge.counts().projects);
    assert!(paths(&his).is_subset(&paths(&all)));
    let explore = thomas.get("/explore").await.text;
    for area in &all {
        let (path, id) = (area["full_path"].as_str().unwrap(), &area["id"]);
        let link = format!("\"/explore/{}/{id}\"", area["kind"].as_str().unwrap());
        assert_eq!(explore.contains(&link), paths(&his).contains(path), "{path} in /explore");
    }
    for area in all.iter().filter(|area| !paths(&his).contains(area["full_path"].as_str().unwrap())) {
        is_nothing(&thomas, &site, area).await;
    }
    assert_eq!(thomas.get("/admin").await.status, 403);
    assert_eq!(thomas.get("/api/admin/processes").await.status, 403);
}

/// Neither an area nor anything in it is there for this person, though it is for the administrator.
async fn is_nothing(person: &Client, site: &Site, area: &Value) {
    let (kind, id) = (area["kind"].as_str().unwrap(), area["id"].as_i64().unwrap());
    let mut pages = vec![format!("/explore/{kind}/{id}"), format!("/api/resources?area={id}&kind=issue")];
    let first = "SELECT '/explore/' || kind || '/' || min(id) AS v FROM resources WHERE kind IN ('issue', \
                 'merge_request') AND area_id = ";
    pages.extend(site.system.database().texts(&format!("{first}{id} GROUP BY kind")));
    for page in pages {
        assert_eq!(site.client.get(&page).await.status, 200, "{page}");
        assert_eq!(person.get(&page).await.status, 404, "{page}");
    }
}
