//! Processes are killed at random moments of a crawl. Nothing is lost and nothing is done twice.

use crate::harness::{
    Round, Site, System, assert_mirrors, assert_no_twins, assert_undisturbed, distant_forge, eventually, strike,
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

const ROUNDS: u64 = 10;
/// How often a job may lose its crawler is limited; one job may be hit each time.
const CRAWLER_KILLS: usize = 2;

#[tokio::test(flavor = "multi_thread")]
async fn killed_processes_lose_nothing() {
    let (mut rounds, mut interrupted) = (0, 0);
    for round in Round::all("kills", ROUNDS) {
        interrupted += play(round).await;
        rounds += 1;
    }
    assert!(interrupted > 0 || rounds < ROUNDS, "no blow has hit a job: this tests nothing");
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
async fn play(round: Round) -> i64 {
    let mut dice = StdRng::seed_from_u64(round.seed);
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
        strike(&site.system, blow.victims).await;
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
    database.number("SELECT count(*) AS v FROM attempts WHERE outcome = 'worker lost'")
}
