//! The end, asked for or not, and the start after it.

use crate::harness::{
    Site, System, assert_mirrors, assert_sound, assert_undisturbed, crawled, distant_forge, eventually, forge,
};
use nix::sys::signal::Signal;
use std::time::Instant;
use trawl_gitlab_sim::{Fault, MARIA_TOKEN, Rule};

/// Lets everything through but later pages of merge requests, which never come.
fn never_a_second_page() -> Vec<Rule> {
    // The end of a cursor, and the page size that only merge requests have.
    let later_page = r#"","first":50,"notesFirst""#.to_owned();
    let never = Fault::Timeout { seconds: 3600 };
    vec![Rule { path: "/api/graphql".to_owned(), body: Some(later_page), rate: 1.0, times: None, fault: never }]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_goes_on_where_it_was_stopped() {
    let mut site = Site::new(System::new(), forge(0.5)).await;
    site.forge.set_faults(never_a_second_page());
    site.link(MARIA_TOKEN).await;
    let database = site.system.database();
    let job = eventually("a page is committed and the next is waited for", async || {
        let sql = "SELECT id AS v FROM jobs WHERE state = 'running' AND kind = 'merge_requests' AND cursor IS NOT NULL";
        database.texts(sql).pop()
    })
    .await;
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
    let outcome = format!("SELECT outcome AS v FROM attempts WHERE job_id = '{job}' ORDER BY lease_token");
    let said = database.texts(&format!("SELECT text AS v FROM job_messages WHERE job_id = '{job}' ORDER BY id"));
    assert_eq!(database.texts(&outcome), ["handed back"], "{said:#?}");
    assert_eq!(database.number(&format!("SELECT cursor IS NOT NULL AS v FROM jobs WHERE id = '{job}'")), 1);
    assert_sound(&database);

    site.forge.set_faults(Vec::new());
    site.supervisor = site.system.supervise(&[]);
    let database = site.crawled().await;
    assert_mirrors(&database, &site.forge);
    assert_undisturbed(&database);
    assert_eq!(database.texts(&outcome), ["handed back", "completed"]);
    let messages = site.system.sign_in("admin").await.get(&format!("/api/jobs/{job}/messages")).await.json();
    let texts: Vec<&str> = messages.as_array().unwrap().iter().filter_map(|line| line["text"].as_str()).collect();
    assert!(texts.iter().any(|text| text.starts_with("reading all merge requests")), "{texts:?}");
    let resumed = texts.iter().find_map(|text| text.strip_prefix("going on after ")?.split(' ').next()?.parse().ok());
    assert!(resumed.is_some_and(|read: u32| read > 0), "{texts:?}");
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
