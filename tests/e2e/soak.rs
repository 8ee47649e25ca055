//! Day after day in short: processes are killed every few seconds while the forge changes, and nothing grows.

use crate::harness::{Round, Site, System, distant_forge, strike, until_mirrored};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::Value;
use std::{fs, path::Path, time::Duration};
use tokio::time::{Instant, sleep_until};

/// Between two blows.
const PACE: Duration = Duration::from_secs(5);
/// Blows in a usual run; `scripts/test --long 120 -- -p trawl-tests soak` takes ten minutes.
const BLOWS: u64 = 4;
/// What may grow from the first blow to the last: bytes of the supervisor, …
const SUPERVISOR_GROWTH: u64 = 6 << 20;
/// … its descriptors, …
const DESCRIPTOR_GROWTH: usize = 8;
/// … and files beside the database.
const FILE_GROWTH: usize = 3;
/// What a website or a crawler may take at any time, in bytes; without optimization they take more.
const LIMIT: u64 = 160 << 20;

/// What is looked at.
#[derive(Debug)]
struct Look {
    supervisor: u64,
    largest: u64,
    /// None where only root may look.
    descriptors: Option<usize>,
    files: usize,
}

impl Look {
    fn at(system: &System) -> Self {
        let status = system.status().unwrap();
        let memory = |row: &Value| row["usage"]["memory_bytes"].as_u64().unwrap_or_default();
        let descriptors = fs::read_dir(format!("/proc/{}/fd", status["supervisor_pid"])).ok();
        Self {
            supervisor: memory(&status),
            largest: status["processes"].as_array().unwrap().iter().map(memory).max().unwrap_or_default(),
            descriptors: descriptors.map(Iterator::count),
            files: files(&system.path("")),
        }
    }
}

fn files(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).unwrap().flatten();
    entries.map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_grows() {
    let system = System::new()
        .with("TRAWL_CRAWLER__INSTANCES", "2")
        // Seldom enough that a slow machine does not begin anew before it is through: what is urgent would always come first.
        .with("TRAWL_FORGE__INCREMENTAL_SECONDS", "10")
        .with("TRAWL_FORGE__LISTS_SECONDS", "30")
        .with("TRAWL_FORGE__FULL_SECONDS", "30")
        .with("TRAWL_FORGE__OVERLAP_SECONDS", "1")
        .with("TRAWL_FORGE__SCOPE_SECONDS", "10")
        .with("TRAWL_SUPERVISOR__RESTART_LONGEST_SECONDS", "1")
        .with("TRAWL_SUPERVISOR__START_LIMIT", "1000")
        .with("TRAWL_RETENTION__PAST_JOBS", "2000")
        .with("TRAWL_LOG__FILTER", "warn");
    let site = Site::linked(system, distant_forge(0.1, 2)).await;
    site.committed(100).await;
    let (mut first, mut worst) = (None, 0);
    let mut next = Instant::now();
    for round in Round::all("soak", BLOWS) {
        let mut dice = StdRng::seed_from_u64(round.seed);
        let victims: &[_] =
            [&["website"][..], &["crawler-1"], &["crawler-2"], &["website", "crawler-1"]][dice.random_range(0..4)];
        site.forge.advance(5, None);
        strike(&site.system, victims).await;
        next += PACE;
        sleep_until(next).await;
        for name in ["website", "crawler-1", "crawler-2"] {
            site.system.is(name, "running").await;
        }
        let look = Look::at(&site.system);
        worst = worst.max(look.largest);
        first.get_or_insert(look);
    }
    let (Some(first), last) = (first, Look::at(&site.system)) else { panic!("nothing was done") };
    eprintln!("at first {first:?}, in the end {last:?}, at most {worst} bytes in a process");
    assert!(last.supervisor <= first.supervisor + SUPERVISOR_GROWTH, "{first:?} {last:?}");
    assert!(worst <= LIMIT, "{worst}");
    assert!(last.files <= first.files + FILE_GROWTH, "{first:?} {last:?}");
    if let (Some(first), Some(last)) = (first.descriptors, last.descriptors) {
        assert!(last <= first + DESCRIPTOR_GROWTH, "{first} {last}");
    }
    let database = site.system.database();
    let since = Instant::now();
    until_mirrored(&database, &site.forge).await;
    eprintln!("the mirror was what the forge is after {:.1?}", since.elapsed());
    assert!(!site.supervisor.log().contains("panic"), "{}", site.supervisor.log());
}
