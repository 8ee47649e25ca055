//! `scripts/bench footprint`: what each process takes while nothing happens, after a crawl.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures are printed, and so is how it goes")]

#[path = "shared/figures.rs"]
mod figures;
#[path = "../e2e/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use more of it")]
mod harness;

use harness::{Site, System, forge};
use serde_json::Value;
use std::time::Duration;
use tokio::time::sleep;

/// How long nothing happens.
const IDLE: Duration = Duration::from_secs(60);

#[tokio::main]
async fn main() {
    let system = System::new().with("TRAWL_LOG__FILTER", "warn");
    let fresh = system.supervise(&[]);
    system.set_up().await;
    measure(&system, "just started").await;
    drop(fresh);
    let site = Site::linked(System::new().with("TRAWL_LOG__FILTER", "warn"), forge(1.0)).await;
    site.crawled().await;
    measure(&site.system, "after a crawl of 24 projects").await;
}

async fn measure(system: &System, when: &str) {
    eprintln!("{when}: nothing happens for {} s", IDLE.as_secs());
    let before = usage(system);
    sleep(IDLE).await;
    for ((name, after), (_, before)) in usage(system).into_iter().zip(before) {
        let print = |metric: &str, unit: &str, value: f64| {
            figures::print("footprint", &format!("{name}, {when}: {metric}"), unit, value, None);
        };
        let number = |usage: &Value, key: &str| usage[key].as_f64().unwrap();
        print("resident memory", "MB", number(&after, "memory_bytes") / 1e6);
        let busy = number(&after, "cpu_seconds") - number(&before, "cpu_seconds");
        print("processor", "%", busy * 100.0 / IDLE.as_secs_f64());
    }
}

/// What each process takes, by name.
fn usage(system: &System) -> Vec<(String, Value)> {
    let status = system.status().unwrap();
    let row = |row: &Value| (row["name"].as_str().unwrap().to_owned(), row["usage"].clone());
    let processes = status["processes"].as_array().unwrap().iter().map(row);
    std::iter::once(("supervisor".to_owned(), status["usage"].clone())).chain(processes).collect()
}
