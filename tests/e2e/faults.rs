//! GitLab misbehaves, and the mirror is right all the same.

use crate::harness::{
    Site, System, assert_lists, assert_mirrors, assert_sound, binaries, crawled, distant_forge, eventually, forge,
};
use std::{ffi::OsStr, process::Command, time::Duration};
use trawl_gitlab_sim::{Fault, MARIA_TOKEN, Options, Rule};

/// How often each fault happens.
const TIMES: u32 = 5;

fn rule(rate: f64, times: Option<u32>, fault: Fault) -> Rule {
    Rule { path: "/api/graphql".to_owned(), body: None, rate, times, fault }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawl_survives_a_bad_day() {
    let site = Site::new(System::new().with("TRAWL_FORGE__REQUEST_TIMEOUT_SECONDS", "1"), forge(0.05)).await;
    site.link(MARIA_TOKEN).await;
    let faults = [
        Fault::TooMany { retry_after_s: Some(1) },
        Fault::BadGateway,
        Fault::Truncate,
        Fault::Html { status: 200 },
        Fault::Html { status: 503 },
        Fault::Timeout { seconds: 3 },
    ];
    site.forge.set_faults(faults.map(|fault| rule(0.1, Some(TIMES), fault)).into());
    let database = site.crawled().await;
    assert_mirrors(&database, &site.forge);
    assert_sound(&database);
    let bad = "SELECT dedupe_key || ' ' || error AS v FROM jobs WHERE state <> 'completed'";
    assert_eq!(database.texts(bad), [""; 0]);
    let left = site.client.get(&format!("{}/-/sim/faults", site.forge.url())).await.json();
    let unused = left.as_array().unwrap().iter().find(|rule| rule["times"] == TIMES);
    assert_eq!(unused, None, "this fault has not happened");
}

/// An instance that tells how many requests it allows is never asked for more, however many crawlers there are.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_more_than_allowed() {
    let (scale, rate_limit, rate_window) = (0.05, 120, Duration::from_secs(2));
    let forge = trawl_gitlab_sim::start(Options { scale, rate_limit, rate_window, ..Options::default() }).unwrap();
    let site = Site::linked(System::new().with("TRAWL_CRAWLER__INSTANCES", "3"), forge).await;
    let database = site.crawled().await;
    assert_mirrors(&database, &site.forge);
    assert_lists(&database, &site.forge);
    assert_sound(&database);
    let requests: u64 = site.forge.requests().values().sum();
    assert!(requests > 4 * u64::from(rate_limit), "{requests} requests fit into a few windows");
    assert_eq!(site.forge.refusals(), 0, "of {requests} requests");
    let workers = "SELECT count(DISTINCT worker) AS v FROM attempts";
    assert_eq!(database.number(workers), 3, "all of them have asked");
    let waited = "SELECT count(*) AS v FROM jobs WHERE attempt > 1";
    assert_eq!(database.number(waited), 0, "waiting costs no attempt");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_wait_for_a_new_token() {
    let site = Site::linked(System::new(), distant_forge(0.05, 5)).await;
    let database = site.committed(60).await;
    site.forge.set_faults(vec![rule(1.0, None, Fault::Unauthorized)]);
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

/// Another program locks the database in mid-crawl, for longer than the website waits for a lock.
#[tokio::test(flavor = "multi_thread")]
async fn a_locked_database_loses_nothing() {
    let system = System::new().with("TRAWL_DATABASE__BUSY_TIMEOUT_MS", "200");
    let site = Site::linked(system, distant_forge(0.1, 5)).await;
    let database = site.committed(100).await;
    database.lock();
    let said = "the database takes nothing; trying again";
    let times = |log: &str| log.matches(said).count();
    eventually("reports cannot be written", async || (times(&site.supervisor.log()) >= 3).then_some(())).await;
    assert!(!database.live_jobs().is_empty(), "the crawl was over before");
    database.unlock();
    let database = site.crawled().await;
    assert_mirrors(&database, &site.forge);
    assert_sound(&database);
    let crashes = "SELECT dedupe_key AS v FROM jobs WHERE crashes > 0 OR state <> 'completed'";
    assert_eq!(database.texts(crashes), [""; 0], "nobody has died");
}

/// There is no room for more in mid-crawl, and then there is again. No file of the website may grow beyond 2 MiB, which is
/// what a full disk looks like to it.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_nothing() {
    let forge = distant_forge(0.5, 5);
    let system = System::new();
    let shell = format!("trap '' XFSZ; ulimit -S -f 4096; exec {} start", binaries().join("supervisor").display());
    let mut command = system.command("supervisor", &[]);
    let environment: Vec<_> =
        command.get_envs().map(|(key, value)| (key.to_owned(), value.map(OsStr::to_owned))).collect();
    command = Command::new("sh");
    command.args(["-c", &shell]).env_clear();
    command.envs(environment.into_iter().filter_map(|(key, value)| Some((key, value?))));
    let supervisor = system.start(command);
    let client = system.set_up().await;
    assert_eq!(client.link(&forge.url(), MARIA_TOKEN).await.status, 201);
    let said = "the database takes nothing; trying again";
    let times = |log: &str| log.matches(said).count();
    eventually("reports cannot be written", async || (times(&supervisor.log()) >= 3).then_some(())).await;
    // What is there can be looked at meanwhile.
    assert_eq!(client.get("/jobs").await.status, 200);
    let pid = system.process("website").unwrap()["pid"].to_string();
    let room = Command::new("prlimit").args(["--fsize=unlimited", "--pid", &pid]).status().unwrap();
    assert!(room.success());
    let database = crawled(&system).await;
    assert_mirrors(&database, &forge);
    assert_sound(&database);
    let crashes = "SELECT dedupe_key AS v FROM jobs WHERE crashes > 0 OR state <> 'completed'";
    assert_eq!(database.texts(crashes), [""; 0], "nobody has died");
}
