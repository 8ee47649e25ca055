//! A crawl mirrors everything there is.

use crate::harness::{Site, System, assert_mirrors, assert_undisturbed, forge};

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_forge_is_mirrored() {
    let site = Site::linked(System::new(), forge(1.0)).await;
    let database = site.crawled().await;
    assert_mirrors(&database, &site.forge);
    assert_undisturbed(&database);

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
    crate::harness::eventually("the first pass", async || is_mirrored(&site).then_some(())).await;
    let done = site.forge.advance(30, None);
    assert!(done.len() > 10, "{done:?}");
    crate::harness::eventually("the changes are mirrored", async || is_mirrored(&site).then_some(())).await;
}
