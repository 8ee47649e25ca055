//! A forge that never stands still, seen through a network that fails all the time: after many rounds the mirror is what the
//! forge is, deletions included.

use crate::{
    harness::{Client, Database, Site, System, assert_lists, assert_mirrors, assert_sound, eventually, until_mirrored},
    oauth::{register, sign_in},
};
use std::time::{Duration, Instant};
use trawl_gitlab_sim::{Change, Fault, Options, Rule, Sim};

/// Of all requests, each fault strikes so many, unless `TRAWL_TEST_FAULTS` says otherwise.
const RATE: f64 = 0.01;
/// How long a cycle may take through such a network.
const PATIENCE: Duration = Duration::from_mins(5);
/// Rounds, unless `TRAWL_TEST_ROUNDS` says otherwise.
const ROUNDS: u32 = 3;
/// Changes in a round that happen by themselves, and those that have to be asked for.
const USUAL: u32 = 25;
const RARE: [Change; 7] = [
    Change::Delete,
    Change::DeleteComment,
    Change::SpendTime,
    Change::TakeTimeBack,
    Change::DeleteTag,
    Change::DeleteLabel,
    Change::Transfer,
];

fn rate() -> f64 {
    std::env::var("TRAWL_TEST_FAULTS").map_or(RATE, |rate| rate.parse().unwrap())
}

fn faults() -> Vec<Rule> {
    let all = [
        Fault::TooMany { retry_after_s: Some(1) },
        Fault::TooMany { retry_after_s: None },
        Fault::BadGateway,
        Fault::Html { status: 200 },
        Fault::Html { status: 503 },
        Fault::Truncate,
        Fault::GraphqlError,
        Fault::Timeout { seconds: 2 },
    ];
    let rate = rate();
    all.map(|fault| Rule { path: "/api/".to_owned(), body: None, rate, times: None, fault }).into()
}

/// Everything has been read again since.
async fn cycle(database: &Database, since: &str) {
    let left = format!(
        "SELECT a.full_path || ' ' || s.kind || ' ' || coalesce(s.failure, '') AS v \
         FROM sync_states s JOIN areas a ON a.id = s.area_id \
         WHERE NOT a.archived AND (s.completed_at IS NULL OR s.completed_at <= '{since}')"
    );
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = database.texts(&left);
        if left.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "a cycle does not end; left are {left:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn forge() -> Sim {
    let options = Options {
        scale: 0.02,
        rate_limit: 1_000_000,
        oauth_token_lifetime: Duration::from_secs(30),
        ..Options::default()
    };
    trawl_gitlab_sim::start(options).unwrap()
}

async fn site() -> Site {
    // Long enough for everything to be read in between, or what is urgent would always come first.
    let every = if rate() > RATE { "30" } else { "12" };
    let system = System::new()
        .with("TRAWL_FORGE__INCREMENTAL_SECONDS", every)
        .with("TRAWL_FORGE__LISTS_SECONDS", every)
        .with("TRAWL_FORGE__SCOPE_SECONDS", every)
        .with("TRAWL_FORGE__FULL_SECONDS", "7")
        .with("TRAWL_FORGE__OVERLAP_SECONDS", "5")
        .with("TRAWL_FORGE__REQUEST_TIMEOUT_SECONDS", "1")
        .with("TRAWL_CRAWLER__MAX_JOBS", "32")
        .with("TRAWL_PIPELINE__MAX_PARALLEL_JOBS", "32")
        .with("TRAWL_PIPELINE__MAX_ATTEMPTS_DEFAULT", "20");
    let site = Site::new(system, forge()).await;
    let instance = register(&site.client, &site.forge).await;
    sign_in(&site.client, instance, "maria").await;
    site
}

async fn state_of_accounts(client: &Client) -> String {
    client.get("/api/accounts").await.text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_keeps_up_with_everything() {
    let site = site().await;
    let database = site.system.database();
    eventually("there is a first mirror", async || {
        let some = "SELECT count(*) AS v FROM sync_states WHERE kind = 'pipelines' AND completed_at IS NOT NULL";
        (database.number(some) >= 20).then_some(())
    })
    .await;
    site.forge.set_faults(faults());
    let rounds = std::env::var("TRAWL_TEST_ROUNDS").map_or(ROUNDS, |rounds| rounds.parse().unwrap());
    for round in 1..=rounds {
        site.forge.advance(USUAL, None);
        for change in RARE {
            site.forge.advance(1, Some(change));
        }
        if round % 3 == 2 {
            site.forge.expire_tokens();
        }
        let now = database.texts("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now') AS v").concat();
        cycle(&database, &now).await;
        eprintln!("round {round} is over");
    }
    site.forge.set_faults(Vec::new());
    // Twice: what came in several pages has to be missed twice.
    until_mirrored(&database, &site.forge).await;
    assert_mirrors(&database, &site.forge);
    assert_lists(&database, &site.forge);
    assert_sound(&database);
    let bad = "SELECT dedupe_key || ' ' || coalesce(error, '') AS v FROM jobs WHERE state = 'failed' OR crashes > 0";
    assert_eq!(database.texts(bad), [""; 0], "{}", state_of_accounts(&site.client).await);
    let again = "SELECT dedupe_key AS v FROM jobs WHERE kind IN ('issues', 'merge_requests') AND payload LIKE '%full%'";
    assert_eq!(database.texts(again), [""; 0], "all was read once more");
    let swept = "SELECT count(*) AS v FROM jobs WHERE state = 'completed' AND payload LIKE '%sweep%'";
    assert!(database.number(swept) > 0, "nothing was looked over");
    assert_eq!(site.forge.grants().reused, 0);
    let renamed = "SELECT count(*) AS v FROM job_messages WHERE text LIKE '% by now'";
    let moved = database.number(renamed);
    eprintln!("{} requests, {moved} passes met a project that had moved", site.forge.requests().values().sum::<u64>());
}

/// Access that is taken away is gone within one cycle.
#[tokio::test(flavor = "multi_thread")]
async fn lost_access_is_gone() {
    let site = site().await;
    let instance = site.client.get("/api/admin/applications").await.json()["applications"][0]["instance"].clone();
    sign_in(&site.client, instance.as_i64().unwrap(), "tom").await;
    let database = site.system.database();
    let reached = "SELECT count(*) AS v FROM area_authorizations z JOIN accounts c ON c.id = z.account_id \
                   JOIN areas a ON a.id = z.area_id WHERE c.username = 'tom' AND a.full_path LIKE 'platform%'";
    eventually("tom reaches a group", async || (database.number(reached) > 5).then_some(())).await;
    assert!(site.forge.remove_member("tom", "platform"));
    eventually("and does no more", async || (database.number(reached) == 0).then_some(())).await;
    let others = "SELECT count(*) AS v FROM area_authorizations z JOIN accounts c ON c.id = z.account_id \
                  WHERE c.username = 'tom'";
    assert!(database.number(others) > 0, "what was not taken is still there");
}
