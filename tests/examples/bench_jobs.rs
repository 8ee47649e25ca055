//! `scripts/bench jobs`: how quickly jobs that do nothing are taken in, run through all three processes, and ended, with
//! commits as durable as they are by default, beside a table that does no more than that in one process.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures are printed, and so is how it goes")]

#[path = "shared/figures.rs"]
#[expect(dead_code, reason = "others use more of it")]
mod figures;
#[path = "bench_jobs/floor.rs"]
mod floor;
#[path = "../e2e/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use more of it")]
mod harness;
#[path = "bench_jobs/peer.rs"]
mod peer;
#[path = "../../crates/store/tests/support/postgres.rs"]
#[expect(dead_code, reason = "the tests use another part of it")]
mod postgres;
#[path = "shared/process.rs"]
mod process;

use figures::{Baseline, median};
use futures_util::{StreamExt as _, stream};
use harness::{Client, Running, System, eventually};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Jobs that are queued before the crawler starts.
const DRAINED: usize = 20_000;
/// Jobs that are submitted one by one.
const SUBMITTED: usize = 4_000;
/// People who submit at the same time.
const CLIENTS: usize = 32;
/// Jobs that are submitted to an idle system.
const LONELY: usize = 200;
/// Jobs that a peer gets one by one: it takes them one after the other, and so much longer.
const PEER_SUBMITTED: usize = 1_000;
/// Jobs at once.
const SLOTS: &str = "1024";
/// Between two looks whether all have ended: a look costs more than several jobs.
const LOOK: Duration = Duration::from_millis(200);

/// What one run measured.
#[derive(Debug)]
struct Run {
    singly: f64,
    batched: f64,
    drained: f64,
    cpu_ms: f64,
    p50_ms: f64,
    p99_ms: f64,
    website_mib: f64,
}

/// Metric, unit, value, and what it is compared with.
type Figure<'a> = (&'a str, &'a str, f64, Option<Baseline<'a>>);

#[tokio::main]
async fn main() {
    let server = postgres::Server::durable();
    if server.is_none() {
        eprintln!("PostgreSQL is not installed: no figures for it, nor for a peer that needs it");
    }
    let peer = |server: &postgres::Server| peer::measure(&server.create_database(), DRAINED, PEER_SUBMITTED);
    let (mut peers, mut on_sqlite, mut on_postgres) = (Vec::new(), Measured::default(), Measured::default());
    for number in 1..=figures::runs() {
        // Side by side, so that a busy moment hits all of them.
        on_sqlite.once(None).await;
        eprintln!("SQLite, run {number}: {on_sqlite}");
        if let Some(server) = &server {
            on_postgres.once(Some(server)).await;
            eprintln!("PostgreSQL, run {number}: {on_postgres}");
            peers.extend(peer(server));
            eprintln!("graphile-worker, run {number}: {:.0?}", peers.last());
        }
    }
    on_sqlite.print("SQLite", &peers);
    if server.is_some() {
        on_postgres.print("PostgreSQL", &peers);
    }
}

#[derive(Debug, Default)]
struct Measured {
    runs: Vec<Run>,
    floors: Vec<floor::Floor>,
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.2?}; floor {:.0?}", self.runs.last(), self.floors.last())
    }
}

impl Measured {
    async fn once(&mut self, server: Option<&postgres::Server>) {
        let database = || server.map(postgres::Server::create_database);
        self.floors.push(floor::measure(database().as_deref()));
        self.runs.push(run(database()).await);
    }

    fn print(&self, database: &str, peers: &[peer::Peer]) {
        let of = |figure: fn(&Run) -> f64| median(self.runs.iter().map(figure).collect());
        let floor =
            |name, figure: fn(&floor::Floor) -> f64| Some((name, median(self.floors.iter().map(figure).collect())));
        let peer = |name, figure: fn(&peer::Peer) -> f64| {
            (!peers.is_empty()).then(|| (name, median(peers.iter().map(figure).collect())))
        };
        let (singly, batched, drained) = (of(|run| run.singly), of(|run| run.batched), of(|run| run.drained));
        let figures: [Figure<'_>; 9] = [
            (
                "submitted one by one by 32 clients over HTTP",
                "jobs/s",
                singly,
                floor("one insert in each commit", |floor| floor.inserted),
            ),
            (
                "submitted one by one by 32 clients over HTTP, beside a peer",
                "jobs/s",
                singly,
                peer("graphile-worker, one after the other", |peer| peer.one_by_one),
            ),
            (
                "submitted in batches of 1000 over HTTP",
                "jobs/s",
                batched,
                peer("graphile-worker, in batches of 1000 without HTTP", |peer| peer.batched),
            ),
            (
                "claimed, run and completed",
                "jobs/s",
                drained,
                floor("claimed in one commit and completed in another, 100 at a time, in one process", |floor| {
                    floor.drained
                }),
            ),
            (
                "claimed, run and completed, beside a peer",
                "jobs/s",
                drained,
                peer("graphile-worker with a local queue and batched completion", |peer| peer.drained),
            ),
            ("processor time of all processes for a job", "ms", of(|run| run.cpu_ms), None),
            ("from submission to start, p50", "ms", of(|run| run.p50_ms), None),
            ("from submission to start, p99", "ms", of(|run| run.p99_ms), None),
            ("peak memory of the website", "MiB", of(|run| run.website_mib), None),
        ];
        for (metric, unit, value, baseline) in figures {
            figures::print("jobs", &format!("{database}, {metric}"), unit, value, self.runs.len(), baseline);
        }
    }
}

async fn run(url: Option<String>) -> Run {
    let mut system = System::new()
        .with("TRAWL_PIPELINE__MAX_PARALLEL_JOBS", SLOTS)
        .with("TRAWL_CRAWLER__MAX_JOBS", SLOTS)
        .with("TRAWL_LOG__FILTER", "warn");
    if let Some(url) = &url {
        system = system.with("TRAWL_DATABASE__URL", url);
    }
    let supervisor = system.supervise(&["website"]);
    let client = system.set_up().await;
    let singly = submit_singly(&client).await;
    let batched = submit_batches(&client, DRAINED - SUBMITTED).await;
    let before = cpu(&system);
    let crawler = system.supervise(&["crawler"]);
    while !client.get("/api/jobs?status=pending&limit=1").await.json().as_array().unwrap().is_empty() {
        tokio::time::sleep(LOOK).await;
    }
    let cpu_ms = cpu(&system).saturating_sub(before).as_secs_f64() * 1000.0 / number(DRAINED);
    let drained = drained(&client).await;
    let (p50_ms, p99_ms) = latency(&client).await;
    let website_mib = process::peak_mib(system.process("website").unwrap()["pid"].as_u64().unwrap());
    end(crawler, supervisor);
    Run { singly, batched, drained, cpu_ms, p50_ms, p99_ms, website_mib }
}

/// The one that joined ends first.
fn end(crawler: Running, supervisor: Running) {
    drop(crawler);
    drop(supervisor);
}

fn drill(name: impl std::fmt::Display) -> Value {
    json!({ "kind": "drill", "payload": { "name": name.to_string() } })
}

async fn submit_singly(client: &Client) -> f64 {
    let begun = Instant::now();
    stream::iter(0..SUBMITTED)
        .for_each_concurrent(CLIENTS, async |n| {
            let answer = client.post("/api/jobs", &drill(n)).await;
            assert_eq!(answer.status, 201, "{answer:?}");
        })
        .await;
    number(SUBMITTED) / begun.elapsed().as_secs_f64()
}

async fn submit_batches(client: &Client, jobs: usize) -> f64 {
    let names: Vec<usize> = (SUBMITTED..SUBMITTED + jobs).collect();
    let begun = Instant::now();
    for batch in names.chunks(1000) {
        let body: Vec<Value> = batch.iter().map(drill).collect();
        let answer = client.post("/api/jobs/batch", &json!({ "jobs": body })).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    number(jobs) / begun.elapsed().as_secs_f64()
}

/// Jobs per second between the first start and the last end.
async fn drained(client: &Client) -> f64 {
    let at =
        |job: &Value, field: &str| chrono::DateTime::parse_from_rfc3339(job[field].as_str().unwrap()).unwrap().to_utc();
    let (mut first, mut last, mut before, mut seen) = (None, None, String::new(), 0);
    loop {
        let page = client.get(&format!("/api/jobs?status=completed&before={before}")).await.json();
        let page = page.as_array().unwrap();
        for job in page {
            let (start, end) = (at(job, "started_at"), at(job, "finished_at"));
            first = Some(first.map_or(start, |first: chrono::DateTime<_>| first.min(start)));
            last = Some(last.map_or(end, |last: chrono::DateTime<_>| last.max(end)));
        }
        seen += page.len();
        match page.last() {
            Some(job) => job["id"].as_str().unwrap().clone_into(&mut before),
            None => break,
        }
    }
    assert_eq!(seen, DRAINED, "every job is completed");
    number(DRAINED) / (last.unwrap() - first.unwrap()).as_seconds_f64()
}

/// From submission to start, in an idle system: p50 and p99 in milliseconds.
async fn latency(client: &Client) -> (f64, f64) {
    let mut waits = Vec::new();
    for n in 0..LONELY {
        let answer = client.post("/api/jobs", &drill(format!("lonely {n}"))).await.json();
        let path = format!("/api/jobs/{}", answer["id"].as_str().unwrap());
        let job = eventually("the job ends", async || {
            let job = client.get(&path).await.json();
            (job["status"] == "completed").then_some(job)
        })
        .await;
        let at = |field: &str| chrono::DateTime::parse_from_rfc3339(job[field].as_str().unwrap()).unwrap();
        waits.push((at("started_at") - at("created_at")).as_seconds_f64() * 1000.0);
    }
    waits.sort_by(f64::total_cmp);
    (waits[LONELY / 2], waits[LONELY * 99 / 100])
}

/// Processor time of all processes so far.
fn cpu(system: &System) -> Duration {
    let status = system.status().unwrap();
    let children = status["processes"].as_array().unwrap().iter().map(|row| &row["pid"]);
    let pids = children.chain([&status["supervisor_pid"]]).filter_map(Value::as_u64);
    let ticks: u64 = pids
        .map(|pid| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
            // The name, in parentheses, may contain spaces; user and system time are the 12th and 13th field after it.
            let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
            fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
        })
        .sum();
    Duration::from_millis(ticks * 10)
}

fn number(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap())
}
