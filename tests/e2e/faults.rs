//! GitLab misbehaves, and the mirror is right all the same.

use crate::harness::{Site, System, assert_mirrors, assert_sound, eventually, forge};
use trawl_gitlab_sim::{Fault, MARIA_TOKEN, Rule};

fn now_and_then(rate: f64, fault: Fault) -> Rule {
    Rule { path: "/api/graphql".to_owned(), body: None, rate, times: None, fault }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_survives_a_bad_day() {
    let system = System::new().with("TRAWL_FORGE__REQUEST_TIMEOUT_SECONDS", "1");
    let site = Site::new(system, forge(0.05)).await;
    site.link(MARIA_TOKEN).await;
    site.forge.set_faults(vec![
        now_and_then(0.05, Fault::TooMany { retry_after_s: Some(1) }),
        now_and_then(0.05, Fault::BadGateway),
        now_and_then(0.05, Fault::Truncate),
        now_and_then(0.05, Fault::Html { status: 200 }),
        now_and_then(0.05, Fault::Html { status: 503 }),
        now_and_then(0.03, Fault::Timeout { seconds: 3 }),
    ]);
    let database = site.crawled().await;
    site.forge.set_faults(Vec::new());
    assert_mirrors(&database, &site.forge);
    assert_sound(&database);
    let bad = "SELECT dedupe_key || ' ' || error AS v FROM jobs WHERE state <> 'completed'";
    assert_eq!(database.texts(bad), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_wait_for_a_new_token() {
    let site = Site::linked(System::new(), crate::harness::distant_forge(0.05, 5)).await;
    let database = site.committed(60).await;
    site.forge.set_faults(vec![now_and_then(1.0, Fault::Unauthorized)]);
    eventually("all that is left waits for a token", async || {
        let others = "SELECT count(*) AS v FROM jobs WHERE finished_at IS NULL \
                      AND NOT (state = 'waiting' AND wait_reason = 'credentials')";
        (database.number(others) == 0).then_some(())
    })
    .await;
    let waiting = database.live_jobs();
    assert!(!waiting.is_empty(), "the crawl was over before the token was revoked");
    let burnt = "SELECT dedupe_key AS v FROM jobs WHERE finished_at IS NULL AND attempt <> 0";
    assert_eq!(database.texts(burnt), [""; 0], "waiting costs no attempt");
    let failed = "SELECT dedupe_key AS v FROM jobs WHERE state IN ('failed', 'aborted')";
    assert_eq!(database.texts(failed), [""; 0]);
    let accounts = site.client.get("/api/accounts").await.json();
    assert_eq!(accounts[0]["working"], false, "{accounts}");
    assert_eq!(site.client.get("/accounts").await.status, 200);
    assert_sound(&database);

    site.forge.set_faults(Vec::new());
    site.link(MARIA_TOKEN).await;
    let accounts = site.client.get("/api/accounts").await.json();
    assert_eq!((accounts.as_array().unwrap().len(), &accounts[0]["working"]), (1, &true.into()), "{accounts}");
    let database = site.crawled().await;
    assert_mirrors(&database, &site.forge);
    assert_sound(&database);
    assert_eq!(database.texts("SELECT dedupe_key AS v FROM jobs WHERE state <> 'completed'"), [""; 0]);
}
