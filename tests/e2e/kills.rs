//! Processes are killed at random moments of a crawl. Nothing is lost and nothing is done twice.

use crate::harness::{Site, System, assert_mirrors, assert_no_twins, assert_undisturbed, distant_forge, eventually};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use std::env;

const ROUNDS: u64 = 10;
/// How often a job may lose its crawler is limited; one job may be hit each time.
const CRAWLER_KILLS: usize = 2;

/// `TRAWL_TEST_ROUNDS` says how many rounds, `TRAWL_TEST_SEED` replays one.
#[tokio::test(flavor = "multi_thread")]
async fn killed_processes_lose_nothing() {
    if let Some(seed) = number("TRAWL_TEST_SEED") {
        round(seed).await;
        return;
    }
    let rounds = number("TRAWL_TEST_ROUNDS").unwrap_or(ROUNDS);
    let mut interrupted = 0;
    for _ in 0..rounds {
        interrupted += round(rand::random()).await;
    }
    assert!(interrupted > 0 || rounds < ROUNDS, "no blow has hit a job: this tests nothing");
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok().map(|text| text.parse().unwrap_or_else(|error| panic!("{variable}={text}: {error}")))
}

/// Says how to see a failure again.
struct Replay(u64);

impl Drop for Replay {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("this round again: TRAWL_TEST_SEED={} cargo nextest run -p trawl-tests kills", self.0);
        }
    }
}

/// Who is killed when this much is committed.
#[derive(Debug)]
struct Blow {
    committed: i64,
    victims: &'static [&'static str],
}

fn plan(dice: &mut StdRng, objects: i64) -> Vec<Blow> {
    let mut crawler_kills = 0;
    let mut blows: Vec<Blow> = (0..dice.random_range(1..=3))
        .map(|_| {
            let mut victims: &[_] =
                [&["website"][..], &["crawler-1"], &["website", "crawler-1"]][dice.random_range(0..3)];
            crawler_kills += usize::from(victims.contains(&"crawler-1"));
            if crawler_kills > CRAWLER_KILLS {
                victims = &["website"];
            }
            Blow { committed: dice.random_range(0..objects), victims }
        })
        .collect();
    blows.sort_by_key(|blow| blow.committed);
    blows
}

/// Returns how many jobs lost their crawler.
async fn round(seed: u64) -> i64 {
    let _replay = Replay(seed);
    let mut dice = StdRng::seed_from_u64(seed);
    // From one page for each project to several.
    let forge = distant_forge(dice.random_range(0.05..0.5), dice.random_range(0..8));
    let truth = forge.counts();
    // Groups and projects count twice: as areas, and with their details.
    let objects = 2 * (truth.groups + truth.projects) + truth.issues + truth.merge_requests + truth.notes;
    let blows = plan(&mut dice, i64::try_from(objects).unwrap());
    let crawlers = ["1", "2"][dice.random_range(0..2)];
    let system =
        System::new().with("TRAWL_SUPERVISOR__RESTART_FIRST_MS", "20").with("TRAWL_CRAWLER__INSTANCES", crawlers);
    let site = Site::linked(system, forge).await;
    for blow in &blows {
        let database = site.committed(blow.committed).await;
        assert_no_twins(&database);
        strike(&site, blow).await;
    }
    for name in blows.iter().flat_map(|blow| blow.victims) {
        eventually(&format!("{name} is back"), async || {
            let row = site.system.process(name)?;
            (row["state"] == "running" && row["restarts"].as_u64() > Some(0)).then_some(())
        })
        .await;
    }
    let database = site.crawled().await;
    assert_mirrors(&database, &site.forge);
    assert_undisturbed(&database);
    database.number("SELECT count(*) AS v FROM job_attempts WHERE outcome = 'worker lost'")
}

async fn strike(site: &Site, blow: &Blow) {
    let pid = async |name: &str| {
        let look = async || site.system.process(name)?["pid"].as_i64();
        i32::try_from(eventually(&format!("{name} lives"), look).await).unwrap()
    };
    let mut pids = Vec::new();
    for name in blow.victims {
        pids.push(Pid::from_raw(pid(name).await));
    }
    for pid in pids {
        // It may have ended by itself because the other one was killed.
        kill(pid, Signal::SIGKILL).ok();
    }
}
