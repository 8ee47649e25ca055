//! `scripts/bench pages`: how long pages and lists of jobs take when the database has a million jobs that have ended and a
//! hundred thousand that are queued, while nothing happens and while crawlers work the queue off.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures are printed, and so is how it goes")]

#[path = "shared/figures.rs"]
#[expect(dead_code, reason = "others use more of it")]
mod figures;
#[path = "bench_pages/fill.rs"]
mod fill;
#[path = "../e2e/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use more of it")]
mod harness;
#[path = "../../crates/store/tests/support/postgres.rs"]
#[expect(dead_code, reason = "the tests use another part of it")]
mod postgres;
#[path = "shared/process.rs"]
mod process;

use fill::{PAST, QUEUED, fill, full_id};
use harness::{Client, System, eventually};
use std::time::{Duration, Instant};

/// What is asked for, with every filter that there is. `{}` is the id of a job with much in it.
const ASKED: [&str; 28] = [
    "/",
    "/jobs",
    "/jobs?state=active",
    "/jobs?state=failed",
    "/jobs?state=completed&kind=issues",
    "/jobs?lane=priority",
    "/jobs?q=project-117",
    "/jobs?q=in%20no%20job%20at%20all",
    "/jobs?state=failed&kind=issues&lane=normal&q=request",
    "/jobs?before={}",
    "/jobs?kind=drill&after={}",
    "/jobs/{}",
    "/api/jobs",
    "/api/jobs?status=pending",
    "/api/jobs?status=running",
    "/api/jobs?status=waiting",
    "/api/jobs?status=failed",
    "/api/jobs?status=aborted&kind=project",
    "/api/jobs?kind=link_scan",
    "/api/jobs?area=7",
    "/api/jobs?area=7&status=failed",
    "/api/jobs?account=1",
    "/api/jobs?lane=priority&q=nowhere",
    "/api/jobs?before={}&limit=100",
    "/api/jobs/{}",
    "/api/jobs/{}/messages",
    "/api/jobs/{}/items",
    "/metrics",
];
/// How often each is asked for.
const TIMES: usize = 100;
/// Jobs at once.
const SLOTS: &str = "256";

#[tokio::main]
async fn main() {
    measure("SQLite", None).await;
    match postgres::Server::durable() {
        Some(server) => measure("PostgreSQL", Some(server.create_database())).await,
        None => eprintln!("PostgreSQL is not installed: no figures for it"),
    }
}

async fn measure(database: &str, url: Option<String>) {
    let mut system = System::new()
        .with("TRAWL_PIPELINE__MAX_PARALLEL_JOBS", SLOTS)
        .with("TRAWL_CRAWLER__MAX_JOBS", SLOTS)
        // They are there to be looked at.
        .with("TRAWL_RETENTION__PAST_JOBS", "2000000")
        .with("TRAWL_RETENTION__PAST_JOBS_DAYS", "36500")
        .with("TRAWL_LOG__FILTER", "warn");
    if let Some(url) = &url {
        system = system.with("TRAWL_DATABASE__URL", url);
    }
    let supervisor = system.supervise(&["website"]);
    let client = system.set_up().await;
    let begun = Instant::now();
    fill(url.as_deref(), &system.path("state/trawl.db"));
    eprintln!("{database}: {PAST} past and {QUEUED} queued jobs are there after {:.0?}", begun.elapsed());
    let website = system.process("website").unwrap()["pid"].as_u64().unwrap();

    let quiet = ask_all(&client, database, "nothing else happening").await;
    let crawler = system.supervise(&["crawler"]);
    let begins = async || (queued(&client).await < i64::from(QUEUED)).then_some(());
    eventually("the queue gets shorter", begins).await;
    let (before, begun) = (queued(&client).await, Instant::now());
    let busy = ask_all(&client, database, "the queue being worked off").await;
    let left = queued(&client).await;
    assert!(left > 0, "the queue was worked off before everything was asked for");
    let ended = before - left;
    let print = |metric: &str, unit: &str, value: f64| {
        figures::print("pages", &format!("{database}, {metric}"), unit, value, 1, None);
    };
    print("slowest p99 of a page or list, nothing else happening", "ms", quiet);
    print("slowest p99 of a page or list, the queue being worked off", "ms", busy);
    let per_second = f64::from(i32::try_from(ended).unwrap()) / begun.elapsed().as_secs_f64();
    print("jobs worked off meanwhile", "jobs/s", per_second);
    print("99 of 100 turns of reports and claims were written within", "ms", turns(&client).await);
    print("peak memory of the website", "MiB", process::peak_mib(website));
    drop(crawler);
    drop(supervisor);
}

/// Asks for everything, and returns the slowest p99 in milliseconds.
async fn ask_all(client: &Client, database: &str, meanwhile: &str) -> f64 {
    let mut slowest = 0.0_f64;
    for path in ASKED {
        let path = path.replace("{}", &full_id());
        let mut times = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            let begun = Instant::now();
            let answer = client.get(&path).await;
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
            assert_eq!(answer.status, 200, "{path}: {answer:?}");
        }
        let (p50, p99) = (figures::median(times.clone()), figures::p99(times));
        eprintln!("{database}, {meanwhile}: p50 {p50:6.1} ms, p99 {p99:6.1} ms  {path}");
        slowest = slowest.max(p99);
    }
    slowest
}

/// Jobs that are queued, as the counters have it.
async fn queued(client: &Client) -> i64 {
    let text = client.get("/metrics").await.text;
    let of = |line: &str| line.strip_prefix("trawl_jobs{kind=\"drill\",state=\"queued\"} ")?.parse().ok();
    text.lines().find_map(of).unwrap_or(0)
}

/// The bound of the histogram below which 99 of 100 turns are, in milliseconds.
async fn turns(client: &Client) -> f64 {
    tokio::time::sleep(Duration::from_millis(100)).await;
    let text = client.get("/metrics").await.text;
    let buckets: Vec<(f64, f64)> = text
        .lines()
        .filter_map(|line| line.strip_prefix("trawl_turn_seconds_bucket{le=\"")?.split_once("\"} "))
        .map(|(bound, count)| (bound.parse().unwrap_or(f64::INFINITY), count.parse().unwrap()))
        .collect();
    let all = buckets.last().unwrap().1;
    buckets.iter().find(|(_, count)| *count >= all * 0.99).unwrap().0 * 1000.0
}
