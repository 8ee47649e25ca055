//! However often something is asked for, it is done once.

use crate::harness::{Site, System, assert_sound, forge};
use futures_util::future::join_all;
use serde_json::json;

const TIMES: usize = 100;

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_submissions_make_one_job() {
    let site = Site::linked(System::new(), forge(0.05)).await;
    let database = site.crawled().await;
    // With nobody to run it, it stays live for as long as we look.
    let stopped = site.system.run("supervisor", &["stop", "crawler"]);
    assert!(stopped.status.success(), "{stopped:?}");
    let areas = site.client.get("/api/areas").await.json();
    let first = |kind: &str| areas.as_array().unwrap().iter().find(|area| area["kind"] == kind).unwrap()["id"].clone();
    let project = first("project");
    let group = site.client.post("/api/jobs", &json!({ "kind": "issues", "area": first("group") })).await;
    assert!(group.status == 422 && group.text.contains("about a project"), "{group:?}");
    let body = json!({ "kind": "issues", "area": project });

    let answers = join_all((0..TIMES).map(|_| site.client.post("/api/jobs", &body))).await;
    let created: Vec<_> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(created.len(), 1, "one is new");
    let first = created[0].json();
    assert_eq!(first["deduplicated"], false);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!((answer.status, &answer.json()["id"]), (200, &first["id"]));
        assert_eq!(answer.json()["deduplicated"], true);
    }
    let live = "SELECT count(*) AS v FROM jobs WHERE finished_at IS NULL";
    assert_eq!(database.number(live), 1);
    assert_sound(&database);

    // Once it is done, it may be asked for again.
    assert!(site.system.run("supervisor", &["start", "website"]).status.success(), "it runs already");
    let mut crawler = site.system.supervise(&["crawler"]);
    site.crawled().await;
    crawler.signal(nix::sys::signal::Signal::SIGTERM);
    assert_eq!(crawler.ended().await.code(), Some(0));
    let again = site.client.post("/api/jobs", &body).await;
    assert_eq!(again.status, 201, "{again:?}");
    assert_ne!(again.json()["id"], first["id"]);
}
