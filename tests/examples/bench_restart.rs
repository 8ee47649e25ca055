//! `scripts/bench restart`: what people notice of a website that is killed, and of one that is restarted on purpose.
//! An answer that a killed process was about to give is lost, and with it the connection; it is counted how often.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures are printed, and so is how it goes")]

#[path = "shared/figures.rs"]
#[expect(dead_code, reason = "others use more of it")]
mod figures;
#[path = "../e2e/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use more of it")]
mod harness;

use harness::System;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::Mutex,
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

/// Restarts of each kind.
const RESTARTS: usize = 20;
/// Requests, spread evenly over them.
const REQUESTS: usize = 1000;
/// Between two requests.
const PACE: Duration = Duration::from_millis(5);
/// Between a website that is ready and the next blow.
const CALM: Duration = Duration::from_millis(150);

#[tokio::main]
async fn main() {
    let system = System::new()
        .with("TRAWL_LOG__FILTER", "warn")
        // It is killed more often than is healthy.
        .with("TRAWL_SUPERVISOR__START_LIMIT", "1000")
        .with("TRAWL_SUPERVISOR__RESTART_STABLE_SECONDS", "0");
    let supervisor = system.supervise(&["website"]);
    system.set_up().await;
    let url = format!("{}/healthz", system.url().await);

    let quiet = requests(&url, 0, async || {}).await;
    let usual = figures::p99(quiet.waits.clone());
    eprintln!("undisturbed: p99 {usual:.1} ms");
    for (how, idle) in [("connections of their own", 0), ("connections that are kept", 8)] {
        let planned = requests(&url, idle, async || {
            assert!(system.run("supervisor", &["restart", "website"]).status.success());
        })
        .await;
        planned.print(&format!("restarted on purpose, {how}"), usual);
    }
    let again = Arc::new(Mutex::new(Vec::new()));
    let crashed = requests(&url, 0, async || {
        let pid = system.process("website").unwrap()["pid"].as_i64().unwrap();
        let client = client(0);
        let begun = Instant::now();
        kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGKILL).unwrap();
        while !client.get(&url).send().await.is_ok_and(|answer| answer.status() == 200) {}
        again.lock().await.push(begun.elapsed().as_secs_f64() * 1000.0);
        system.is("website", "running").await;
    })
    .await;
    crashed.print("killed", usual);
    let again = again.lock().await.clone();
    figures::print("restart", "killed, until the next answer, median", "ms", figures::median(again.clone()), 1, None);
    figures::print(
        "restart",
        "killed, until the next answer, worst",
        "ms",
        again.into_iter().fold(0.0, f64::max),
        1,
        None,
    );
    drop(supervisor);
}

/// What became of the requests.
struct Outcome {
    /// Milliseconds of those that were answered.
    waits: Vec<f64>,
    /// Of these, those whose connection ended without a word of the answer, and that were asked again for it.
    repeated: usize,
    failed: usize,
}

impl Outcome {
    fn print(&self, what: &str, usual: f64) {
        let sent = self.waits.len() + self.failed;
        let count = |n: usize| i32::try_from(n).unwrap().into();
        figures::print(
            "restart",
            &format!("{what}: failed of {sent} requests"),
            "requests",
            count(self.failed),
            1,
            None,
        );
        let repeated = format!("{what}: of {sent} requests, those that had to be sent again");
        figures::print("restart", &repeated, "requests", count(self.repeated), 1, None);
        let worst = self.waits.iter().copied().fold(0.0, f64::max);
        figures::print("restart", &format!("{what}: worst added wait"), "ms", (worst - usual).max(0.0), 1, None);
    }
}

/// Sends requests at a steady pace while `blow` is done again and again.
async fn requests(url: &str, idle: usize, blow: impl AsyncFn()) -> Outcome {
    let done = CancellationToken::new();
    let sending = tokio::spawn(send(url.to_owned(), idle, done.clone()));
    for _ in 0..RESTARTS {
        sleep(CALM).await;
        blow().await;
    }
    sleep(CALM).await;
    done.cancel();
    sending.await.unwrap()
}

/// Until it is done, and in any case so many.
async fn send(url: String, idle: usize, done: CancellationToken) -> Outcome {
    let client = client(idle);
    let (mut tasks, mut outcome) = (JoinSet::new(), Outcome { waits: Vec::new(), repeated: 0, failed: 0 });
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut sent = 0;
    while sent < REQUESTS || !done.is_cancelled() {
        pace.tick().await;
        sent += 1;
        let (client, url) = (client.clone(), url.clone());
        tasks.spawn(async move {
            let begun = Instant::now();
            let mut repeated = false;
            let answer = loop {
                match client.get(&url).send().await {
                    // Who only reads may ask again (RFC 9110, section 9.2.2), and browsers and proxies do so by themselves.
                    Err(error) if error.is_request() && !error.is_timeout() && !repeated => repeated = true,
                    answer => break answer.and_then(reqwest::Response::error_for_status),
                }
            };
            answer.map(|_| (begun.elapsed().as_secs_f64() * 1000.0, repeated))
        });
    }
    while let Some(ended) = tasks.join_next().await {
        match ended.unwrap() {
            Ok((wait, repeated)) => {
                outcome.waits.push(wait);
                outcome.repeated += usize::from(repeated);
            }
            Err(error) => {
                eprintln!("failed: {error:?}");
                outcome.failed += 1;
            }
        }
    }
    outcome
}

fn client(idle: usize) -> reqwest::Client {
    reqwest::Client::builder().pool_max_idle_per_host(idle).timeout(Duration::from_secs(20)).build().unwrap()
}
