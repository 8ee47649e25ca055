//! `scripts/bench jobs`: how quickly jobs that do nothing are taken in, run through all three processes, and ended, with
//! commits as durable as they are by default, beside a table that does no more than that in one process.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures are printed, and so is how it goes")]

#[path = "bench_jobs/floor.rs"]
mod floor;
#[path = "../e2e/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use more of it")]
mod harness;
#[path = "../../crates/store/tests/support/postgres.rs"]
#[expect(dead_code, reason = "the tests use another part of it")]
mod postgres;

use futures_util::{StreamExt as _, stream};
use harness::{Client, Running, System, eventually};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Runs that are counted, unless `TRAWL_BENCH_RUNS` says otherwise; the figures are medians.
const RUNS: usize = 5;
/// Jobs that are queued before the crawler starts.
const DRAINED: usize = 20_000;
/// Jobs that are submitted one by one.
const SUBMITTED: usize = 4_000;
/// People who submit at the same time.
const CLIENTS: usize = 32;
/// Jobs that are submitted to an idle system.
const LONELY: usize = 200;
/// Jobs at once.
const SLOTS: &str = "256";

/// What one run measured.
#[derive(Debug)]
struct Run {
    singly: f64,
    batched: f64,
    drained: f64,
    cpu_ms: f64,
    p50_ms: f64,
    p99_ms: f64,
}

/// Metric, unit, value, and what it is compared with.
type Figure<'a> = (&'a str, &'a str, f64, Option<(&'a str, f64)>);

#[tokio::main]
async fn main() {
    measure("SQLite", None).await;
    match postgres::Server::durable() {
        Some(server) => measure("PostgreSQL", Some(&server)).await,
        None => eprintln!("PostgreSQL is not installed: no figures for it"),
    }
}

async fn measure(name: &str, server: Option<&postgres::Server>) {
    let (mut runs, mut floors) = (Vec::new(), Vec::new());
    let wanted = std::env::var("TRAWL_BENCH_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(RUNS);
    for number in 1..=wanted {
        let (url, floor_url) =
            (server.map(postgres::Server::create_database), server.map(postgres::Server::create_database));
        // Side by side, so that a busy moment hits both.
        floors.push(floor::measure(floor_url.as_deref()));
        let run = run(url).await;
        eprintln!("{name}, run {number}: {run:.1?}; floor {:.0?}", floors.last().unwrap());
        runs.push(run);
    }
    let of = |figure: fn(&Run) -> f64| median(runs.iter().map(figure).collect());
    let floor = |figure: fn(&floor::Floor) -> f64| median(floors.iter().map(figure).collect());
    let database = format!("{name}, ");
    let figures: [Figure<'_>; 6] = [
        (
            "submitted one by one by 32 clients over HTTP",
            "jobs/s",
            of(|run| run.singly),
            Some(("one insert in each commit", floor(|floor| floor.inserted))),
        ),
        ("submitted in batches of 1000 over HTTP", "jobs/s", of(|run| run.batched), None),
        (
            "claimed, run and completed",
            "jobs/s",
            of(|run| run.drained),
            Some((
                "claimed in one commit and completed in another, 100 at a time, in one process",
                floor(|floor| floor.drained),
            )),
        ),
        ("processor time of all processes for a job", "ms", of(|run| run.cpu_ms), None),
        ("from submission to start, p50", "ms", of(|run| run.p50_ms), None),
        ("from submission to start, p99", "ms", of(|run| run.p99_ms), None),
    ];
    for (metric, unit, value, baseline) in figures {
        let metric = format!("{database}{metric}");
        let mut line =
            json!({"bench": "jobs", "metric": metric, "value": round(value), "unit": unit, "runs": runs.len()});
        if let Some((name, value_of)) = baseline {
            line["baseline"] = name.into();
            line["baseline_value"] = round(value_of).into();
            line["ratio"] = round(value / value_of).into();
        }
        println!("{line}");
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
    let drained = drain(&client).await;
    let cpu_ms = cpu(&system).saturating_sub(before).as_secs_f64() * 1000.0 / number(DRAINED);
    let (p50_ms, p99_ms) = latency(&client).await;
    end(crawler, supervisor);
    Run { singly, batched, drained, cpu_ms, p50_ms, p99_ms }
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
async fn drain(client: &Client) -> f64 {
    let first = eventually("the last job ends", async || {
        let left = client.get("/api/jobs?status=pending&limit=1").await.json();
        left.as_array().unwrap().is_empty().then_some(())
    });
    first.await;
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

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Four digits are more than the machine can promise.
fn round(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}
