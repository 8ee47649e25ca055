//! `scripts/bench footprint`: what each process takes while nothing happens, after a crawl.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures are printed, and so is how it goes")]

#[path = "shared/figures.rs"]
#[expect(dead_code, reason = "other benchmarks use more of it")]
mod figures;
#[path = "../e2e/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use more of it")]
mod harness;

use harness::{Site, System, forge};
use serde_json::Value;
use std::time::Duration;
use tokio::time::sleep;

/// How long nothing happens, for each run.
const IDLE: Duration = Duration::from_secs(20);

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
    let windows = figures::runs();
    eprintln!("{when}: nothing happens for {windows} times {} s", IDLE.as_secs());
    let mut looks = vec![usage(system)];
    for _ in 0..windows {
        sleep(IDLE).await;
        looks.push(usage(system));
    }
    for (index, (name, _)) in looks[0].iter().enumerate() {
        let number = |look: &Vec<(String, Value)>, key: &str| look[index].1[key].as_f64().unwrap();
        let print = |metric: &str, unit: &str, values: Vec<f64>| {
            let metric = format!("{name}, {when}: {metric}");
            figures::print("footprint", &metric, unit, figures::median(values), windows, None);
        };
        print("resident memory", "MB", looks.iter().map(|look| number(look, "memory_bytes") / 1e6).collect());
        let busy = |pair: &[Vec<(String, Value)>]| number(&pair[1], "cpu_seconds") - number(&pair[0], "cpu_seconds");
        print("processor", "%", looks.windows(2).map(|pair| busy(pair) * 100.0 / IDLE.as_secs_f64()).collect());
    }
}

/// What each process takes, by name.
fn usage(system: &System) -> Vec<(String, Value)> {
    let status = system.status().unwrap();
    let row = |row: &Value| (row["name"].as_str().unwrap().to_owned(), row["usage"].clone());
    let processes = status["processes"].as_array().unwrap().iter().map(row);
    std::iter::once(("supervisor".to_owned(), status["usage"].clone())).chain(processes).collect()
}
