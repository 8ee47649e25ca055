//! Jobs of every sort, while processes are killed at random: each ends once, in the state that its outcome demands.

use crate::{
    harness::{Client, Database, Line, Round, Running, System, eventually, strike},
    postgres::Server,
};
use diesel::{Connection as _, PgConnection, RunQueryDsl as _, sql_query};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use serde_json::{Value, json};
use std::{cell::RefCell, collections::HashMap};

/// Jobs of a round.
const JOBS: usize = 2_000;
const ROUNDS: u64 = 3;
/// Jobs that go on until the end of the round: half as many as there are slots, so that the others get through.
const LEFT_RUNNING: usize = 8;
/// Blows of a round.
const BLOWS: usize = 4;
/// Processes that are struck.
const VICTIMS: [&str; 3] = ["website", "crawler-1", "crawler-2"];
/// More crashes than one job can survive would fail it, and that is right; so its crawlers are struck less often.
const CRAWLER_BLOWS: usize = 2;

/// What a job is told to do, and the states in which it may end.
#[derive(Debug, Clone, Copy)]
enum Sort {
    Succeeds,
    Fails,
    Slow,
    Stopped,
}

impl Sort {
    const ALL: [Self; 4] = [Self::Succeeds, Self::Fails, Self::Slow, Self::Stopped];

    fn payload(self, name: usize) -> Value {
        let name = format!("{name}");
        match self {
            Self::Succeeds => json!({ "name": name, "steps": 2, "items": 3, "messages": 1 }),
            Self::Fails => json!({ "name": name, "steps": 1, "end": "fails" }),
            Self::Slow => json!({ "name": name, "steps": 4, "step_ms": 20, "items": 2 }),
            Self::Stopped => json!({ "name": name, "steps": 10_000, "step_ms": 50 }),
        }
    }

    const fn end(self) -> &'static str {
        match self {
            Self::Succeeds | Self::Slow => "completed",
            Self::Fails => "failed",
            Self::Stopped => "aborted",
        }
    }

    /// Items that it has reported once it has completed.
    const fn items(self) -> i64 {
        match self {
            Self::Succeeds => 6,
            Self::Slow => 8,
            Self::Fails | Self::Stopped => 0,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_processes_lose_no_job_and_run_none_twice() {
    rounds(|| None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_processes_lose_no_job_and_run_none_twice_on_postgres() {
    let Some(server) = Server::shared() else { return };
    rounds(|| Some(server.create_database())).await;
}

async fn rounds(url: impl Fn() -> Option<String>) {
    for round in Round::all("mixed", ROUNDS) {
        play(round, url()).await;
    }
}

/// What a round leaves behind.
enum Rows {
    Sqlite(Database),
    Postgres(RefCell<PgConnection>),
}

impl Rows {
    /// The texts, named `v`, that a query yields.
    fn texts(&self, sql: &str) -> Vec<String> {
        match self {
            Self::Sqlite(database) => database.texts(sql),
            Self::Postgres(conn) => {
                let rows: Vec<Line> = sql_query(sql).load(&mut *conn.borrow_mut()).unwrap();
                rows.into_iter().map(|row| row.v).collect()
            }
        }
    }

    /// How many rows there are.
    fn count(&self, rows: &str) -> i64 {
        self.texts(&format!("SELECT CAST(count(*) AS TEXT) AS v FROM {rows}"))[0].parse().unwrap()
    }
}

async fn play(round: Round, url: Option<String>) {
    let mut dice = StdRng::seed_from_u64(round.seed);
    let mut system = System::new()
        .with("TRAWL_SUPERVISOR__RESTART_FIRST_MS", "20")
        .with("TRAWL_CRAWLER__INSTANCES", "2")
        .with("TRAWL_PIPELINE__MAX_PARALLEL_JOBS", "16");
    if let Some(url) = &url {
        system = system.with("TRAWL_DATABASE__URL", url);
    }
    let supervisor = system.supervise(&[]);
    let client = system.set_up().await;
    let sorts: Vec<Sort> = (0..JOBS).map(|_| Sort::ALL[dice.random_range(0..Sort::ALL.len())]).collect();
    let ids = submit(&client, &sorts).await;
    let mut victims: Vec<&str> = Vec::new();
    while victims.len() < BLOWS {
        let victim = VICTIMS[dice.random_range(0..VICTIMS.len())];
        if victim == "website" || victims.iter().filter(|earlier| **earlier != "website").count() < CRAWLER_BLOWS {
            victims.push(victim);
        }
    }
    victims.shuffle(&mut dice);
    let database = match url {
        Some(url) => Rows::Postgres(RefCell::new(PgConnection::establish(&url).unwrap())),
        None => Rows::Sqlite(system.database()),
    };
    let ended = || database.count("jobs WHERE finished_at IS NOT NULL");
    let most = i64::try_from(JOBS).unwrap() / 2;
    for victim in victims {
        let when = dice.random_range(0..most);
        // What is to be stopped holds its slot until it is.
        stop(&client, &ids, &sorts, &mut dice).await;
        eventually("some have ended", async || (ended() >= when.min(most)).then_some(())).await;
        strike(&system, &[victim]).await;
    }
    stop_all(&client, &ids, &sorts).await;
    eventually("every job has ended", async || (ended() == i64::try_from(JOBS).unwrap()).then_some(())).await;
    let states: HashMap<String, String> =
        database.texts("SELECT id || ' ' || state AS v FROM jobs").iter().map(|line| pair(line)).collect();
    for (id, sort) in ids.iter().zip(&sorts) {
        assert_eq!(states[id], sort.end(), "{sort:?} {id}");
    }
    // What it has done is there once, however often it was begun.
    let items: HashMap<String, String> = database
        .texts("SELECT j.id || ' ' || (SELECT count(*) FROM job_items i WHERE i.job_id = j.id) AS v FROM jobs j")
        .iter()
        .map(|line| pair(line))
        .collect();
    for (id, sort) in ids.iter().zip(&sorts).filter(|(_, sort)| sort.items() > 0) {
        assert_eq!(items[id], sort.items().to_string(), "{sort:?} {id}");
    }
    let twice = "SELECT job_id AS v FROM attempts WHERE outcome = 'completed' GROUP BY job_id HAVING count(*) > 1";
    assert_eq!(database.texts(twice), [""; 0], "completed twice");
    let wrong = "(SELECT 1 FROM (SELECT kind, state, lane, n FROM job_counts UNION ALL SELECT kind, state, lane, -1 FROM \
                 jobs) AS told GROUP BY kind, state, lane HAVING sum(n) <> 0) AS wrong";
    assert_eq!(database.count(wrong), 0, "the counters are exact");
    drop::<Running>(supervisor);
}

fn pair(line: &str) -> (String, String) {
    let (id, rest) = line.split_once(' ').unwrap();
    (id.to_owned(), rest.to_owned())
}

async fn submit(client: &Client, sorts: &[Sort]) -> Vec<String> {
    let jobs: Vec<Value> = sorts
        .iter()
        .enumerate()
        .map(|(name, sort)| json!({ "kind": "drill", "payload": sort.payload(name) }))
        .collect();
    let mut ids = Vec::new();
    for some in jobs.chunks(1_000) {
        let answer = client.post("/api/jobs/batch", &json!({ "jobs": some })).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        ids.extend(answer.json().as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap().to_owned()));
    }
    ids
}

fn to_stop(ids: &[String], sorts: &[Sort]) -> Vec<String> {
    ids.iter().zip(sorts).filter(|(_, sort)| matches!(sort, Sort::Stopped)).map(|(id, _)| id.clone()).collect()
}

/// Stops most of those that are to be stopped.
async fn stop(client: &Client, ids: &[String], sorts: &[Sort], dice: &mut StdRng) {
    let mut some = to_stop(ids, sorts);
    some.shuffle(dice);
    some.truncate(some.len().saturating_sub(LEFT_RUNNING));
    abort(client, &some).await;
}

async fn stop_all(client: &Client, ids: &[String], sorts: &[Sort]) {
    abort(client, &to_stop(ids, sorts)).await;
}

/// Asks until there is an answer: the website may be coming back.
async fn abort(client: &Client, ids: &[String]) {
    eventually("jobs are stopped", async || {
        let answer = client.try_post("/api/jobs/abort", &json!({ "ids": ids })).await?;
        (answer.status == 200).then_some(())
    })
    .await;
}
