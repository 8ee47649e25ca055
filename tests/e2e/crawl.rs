//! A crawl mirrors everything there is.

use crate::harness::{Site, System, assert_lists, assert_mirrors, assert_sound, assert_undisturbed, eventually, forge};
use serde_json::{Value, json};
use trawl_gitlab_sim::Change;

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_forge_is_mirrored() {
    let site = Site::linked(System::new(), forge(1.0)).await;
    let database = site.crawled().await;
    assert_mirrors(&database, &site.forge);
    assert_lists(&database, &site.forge);
    assert_undisturbed(&database);
    let secrets = "SELECT kind AS v FROM resources WHERE payload LIKE '%never to be stored%' LIMIT 1";
    assert_eq!(database.texts(secrets), [""; 0], "what opens doors is left where it is");

    // And it can be seen.
    let truth = site.forge.counts();
    let areas = site.client.get("/api/areas").await.json();
    let areas = areas.as_array().unwrap();
    assert_eq!(areas.len(), truth.groups + truth.projects);
    let sum = |key: &str| {
        let projects = areas.iter().filter(|area| area["kind"] == "project");
        projects.map(|area| usize::try_from(area[key].as_u64().unwrap()).unwrap()).sum::<usize>()
    };
    assert_eq!((sum("issues"), sum("merge_requests")), (truth.issues, truth.merge_requests));
    let incomplete: Vec<_> = areas.iter().filter(|area| area["completeness"] != "complete").collect();
    assert!(incomplete.is_empty(), "{incomplete:#?}");
    let export = async |file: &str| site.client.get(&format!("/api/export/{file}")).await;
    for (kind, count) in [("issues", truth.issues), ("notes", truth.notes), ("pipelines", truth.pipelines)] {
        let lines = export(&format!("{kind}.jsonl")).await;
        assert_eq!((lines.status, lines.text.lines().count()), (200, count), "{kind}");
    }
    let labels = export("labels.csv").await.text;
    assert!(labels.starts_with("id,area_id,area,gitlab_id,iid,title,"), "{labels}");
    assert_eq!(labels.lines().count(), 1 + truth.labels);
    let fact = &site.forge.truth(trawl_gitlab_sim::TruthKind::Issues)[0];
    let words = fact.title.split_whitespace().collect::<Vec<_>>().join("%20");
    let found = site.client.get(&format!("/api/search?kind=issue&q={words}")).await.json();
    assert!(found.as_array().unwrap().iter().any(|one| one["gitlab_id"] == fact.id), "{found}");
    let page = site.client.get(&format!("/explore?q={words}")).await.text;
    assert!(page.contains("What is in them") && page.contains(&format!("#{}", fact.iid)), "{page}");
    assert_eq!(export("frogs.csv").await.status, 422);
    assert_eq!(export("issues.csv?area=4711").await.status, 404);
    for page in ["/", "/jobs", "/explore", "/accounts", "/admin"] {
        assert_eq!(site.client.get(page).await.status, 200, "{page}");
    }
}

/// What changes later is seen later.
#[tokio::test(flavor = "multi_thread")]
async fn changes_follow() {
    let system = System::new().with("TRAWL_FORGE__INCREMENTAL_SECONDS", "1").with("TRAWL_FORGE__SCOPE_SECONDS", "1");
    let site = Site::linked(system, forge(0.05)).await;
    let database = site.system.database();
    let is_mirrored = |site: &Site| {
        site.forge.truth(trawl_gitlab_sim::TruthKind::Issues).iter().all(|fact| {
            let sql = format!(
                "SELECT count(*) AS v FROM resources WHERE kind = 'issue' AND gitlab_id = {} AND title = '{}' \
                 AND state = '{}'",
                fact.id,
                fact.title.replace('\'', "''"),
                fact.state
            );
            database.number(&sql) == 1
        })
    };
    eventually("the first pass", async || is_mirrored(&site).then_some(())).await;
    let done = site.forge.advance(30, None);
    assert!(done.len() > 10, "{done:?}");
    eventually("the changes are mirrored", async || is_mirrored(&site).then_some(())).await;
}

/// What is pushed, tagged, renamed and deleted: the lists follow, and what is gone in GitLab is gone here.
#[tokio::test(flavor = "multi_thread")]
async fn lists_follow_and_forget() {
    let site = Site::linked(System::new(), forge(0.05)).await;
    let database = site.crawled().await;
    assert_lists(&database, &site.forge);
    let changes = [
        (Change::Push, 6),
        (Change::FinishPipeline, 3),
        (Change::NewBranch, 2),
        (Change::DeleteBranch, 2),
        (Change::Tag, 2),
        (Change::DeleteTag, 2),
        (Change::EditMilestone, 2),
        (Change::NewLabel, 2),
        (Change::DeleteLabel, 1),
        (Change::Delete, 5),
    ];
    for (change, times) in changes {
        assert!(!site.forge.advance(times, Some(change)).is_empty(), "{change:?}");
    }
    // Changes first, and then everything.
    read_again(
        &site,
        &["commits", "pipelines", "pipeline_jobs", "test_reports", "deployments", "milestones"],
        &json!({}),
    )
    .await;
    read_again(&site, &["labels", "branches", "tags", "releases"], &json!({})).await;
    // What came in several pages by number has to be missed twice.
    for _ in 0..2 {
        read_again(&site, &["issues", "merge_requests", "commits"], &json!({ "full": true })).await;
    }
    assert_lists(&database, &site.forge);
    assert_mirrors(&database, &site.forge);
    assert_sound(&database);
    let gone = "SELECT count(*) AS v FROM resources WHERE deleted_at IS NOT NULL";
    assert!(database.number(gone) > 5, "a tombstone for each");
    let told = "SELECT count(*) AS v FROM job_messages WHERE text LIKE '%are gone in GitLab'";
    assert!(database.number(told) > 2);
}

/// Reads these lists of every project once more.
async fn read_again(site: &Site, kinds: &[&str], payload: &Value) {
    let areas = site.client.get("/api/areas").await.json();
    let projects =
        areas.as_array().unwrap().iter().filter(|area| area["kind"] == "project" && area["archived"] == false);
    let mut jobs = Vec::new();
    for project in projects {
        for kind in kinds {
            jobs.push(json!({ "kind": kind, "area": project["id"], "payload": payload }));
        }
    }
    let accepted = site.client.post("/api/jobs/batch", &json!({ "jobs": jobs })).await;
    assert_eq!(accepted.status, 201, "{accepted:?}");
    site.crawled().await;
}
