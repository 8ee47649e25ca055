//! The end, asked for or not, and the start after it.

use crate::harness::{
    Database, Site, System, assert_mirrors, assert_sound, assert_undisturbed, crawled, distant_forge, eventually,
};
use nix::sys::signal::Signal;
use std::{collections::BTreeMap, time::Instant};

/// The pages that GitLab was asked for, as of the simulator.
fn asked(requests: &BTreeMap<String, u64>) -> u64 {
    requests.iter().filter(|(endpoint, _)| endpoint.ends_with("/api/graphql")).map(|(_, n)| n).sum()
}

/// One job at a time, so that requests can be counted.
fn one_by_one() -> System {
    System::new().with("TRAWL_PIPELINE__MAX_PARALLEL_JOBS", "1").with("TRAWL_PIPELINE__PRIORITY_LANE_SLOTS", "0")
}

/// Waits until a job is well on its way: returns the job's id.
async fn well_on_its_way(database: &Database) -> String {
    eventually("a job is well on its way", async || {
        // Of a hundred issues and more, at least one page is committed and at least one is not.
        let sql = "SELECT id AS v FROM jobs WHERE state = 'running' AND kind = 'issues' AND cursor IS NOT NULL \
                   AND progress BETWEEN 0.3 AND 0.9";
        database.texts(sql).pop()
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_goes_on_where_it_was_stopped() {
    let undisturbed = Site::linked(one_by_one(), distant_forge(0.5, 5)).await;
    undisturbed.crawled().await;
    let needed = asked(&undisturbed.forge.requests());
    drop(undisturbed);

    let mut site = Site::linked(one_by_one(), distant_forge(0.5, 5)).await;
    let database = site.system.database();
    let job = well_on_its_way(&database).await;
    let begin = Instant::now();
    site.supervisor.signal(Signal::SIGTERM);
    let status = site.supervisor.ended().await;
    assert_eq!(status.code(), Some(0), "{}", site.supervisor.log());
    assert!(begin.elapsed().as_secs() < 10, "it took longer than its grace");
    assert!(site.system.survivors().is_empty() && site.system.sockets().is_empty());

    let leased = "SELECT count(*) AS v FROM jobs WHERE state IN ('running', 'aborting')";
    assert_eq!(database.number(leased), 0, "{:#?}", database.live_jobs());
    let burnt = "SELECT id AS v FROM jobs WHERE finished_at IS NULL AND (attempt <> 0 OR crashes <> 0)";
    assert_eq!(database.texts(burnt), [""; 0], "handing back costs no attempt");
    let outcome = format!("SELECT outcome AS v FROM job_attempts WHERE job_id = '{job}' ORDER BY lease_token");
    assert_eq!(database.texts(&outcome), ["handed back"]);
    assert_eq!(database.number(&format!("SELECT cursor IS NOT NULL AS v FROM jobs WHERE id = '{job}'")), 1);
    assert_sound(&database);

    site.supervisor = site.system.supervise(&[]);
    let database = site.crawled().await;
    assert_mirrors(&database, &site.forge);
    assert_undisturbed(&database);
    assert_eq!(database.texts(&outcome), ["handed back", "completed"]);
    // What was on its way when the end came is asked for again, and nothing else.
    let again = asked(&site.forge.requests()) - needed;
    assert!(again <= 2, "{again} pages were read twice, of {needed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_outlives_a_killed_supervisor() {
    let mut site = Site::linked(System::new(), distant_forge(0.05, 5)).await;
    site.committed(40).await;
    site.system.is("crawler-1", "running").await;
    let before = site.system.survivors();
    assert!(before.len() >= 3, "supervisor, website, crawler: {before:?}");
    site.supervisor.signal(Signal::SIGKILL);
    site.supervisor.ended().await;
    eventually("nothing is left", async || site.system.survivors().is_empty().then_some(())).await;

    let supervisor = site.system.supervise(&[]);
    site.system.url().await;
    let database = crawled(&site.system).await;
    assert_mirrors(&database, &site.forge);
    assert_undisturbed(&database);
    drop(supervisor);
}

/// `supervisor stop` returns when it is over, and a person who is in a hurry presses Ctrl+C twice.
#[tokio::test(flavor = "multi_thread")]
async fn there_are_three_ways_to_end_it() {
    let mut site = Site::new(System::new(), distant_forge(0.01, 0)).await;
    let stopped = site.system.run("supervisor", &["stop"]);
    assert!(stopped.status.success() && site.system.survivors().len() <= 1, "{stopped:?}");
    assert_eq!(site.supervisor.ended().await.code(), Some(0));

    for signals in [1, 2] {
        let mut supervisor = site.system.supervise(&[]);
        site.system.url().await;
        for _ in 0..signals {
            supervisor.signal(Signal::SIGINT);
        }
        assert_eq!(supervisor.ended().await.code(), Some(0), "{}", supervisor.log());
        assert!(site.system.sockets().is_empty());
    }
}
