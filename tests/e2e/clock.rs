//! The clock of the machine jumps by a day while everything works, forth and back.

use crate::harness::{Site, System, assert_mirrors, assert_sound, assert_undisturbed, distant_forge, strike};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Where Debian and others put the library that tells programs another time.
const PLACES: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib64/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
];

fn library() -> Option<PathBuf> {
    let found = PLACES.iter().map(PathBuf::from).find(|path| path.is_file());
    if found.is_none() {
        assert_ne!(std::env::var("TRAWL_TEST_NO_SKIP").as_deref(), Ok("1"), "libfaketime is not installed");
        eprintln!("skipped: libfaketime is not installed, so no clock can be made to jump");
    }
    found
}

/// Sets the clock of every process that reads this file.
fn set(file: &Path, offset: &str) {
    let unfinished = file.with_extension("unfinished");
    fs::write(&unfinished, offset).unwrap();
    fs::rename(&unfinished, file).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_may_jump() {
    let Some(library) = library() else { return };
    let system = System::new();
    let clock = system.path("clock");
    set(&clock, "+0");
    let system = system
        .with("LD_PRELOAD", library.to_str().unwrap())
        .with("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap())
        .with("FAKETIME_NO_CACHE", "1")
        // What the kernel counts from its start does not jump.
        .with("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let forge = distant_forge(0.5, 20);
    let truth = forge.counts();
    let site = Site::linked(system, forge).await;
    let all = i64::try_from(truth.issues + truth.merge_requests + truth.notes).unwrap();
    let tomorrow = (chrono::Utc::now() + chrono::TimeDelta::days(1)).format("%Y-%m-%d").to_string();
    for (part, offset) in [(1, "+1d"), (3, "-1d"), (5, "+0")] {
        site.committed(all * part / 8).await;
        set(&clock, offset);
        // Long enough for a second look at everything that has a time.
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    // With a clock that has gone back, the dead are still found at once.
    strike(&site.system, &["crawler-1"]).await;
    let database = site.crawled().await;
    assert_mirrors(&database, &site.forge);
    assert_sound(&database);
    assert_undisturbed(&database);
    let lost =
        "SELECT DISTINCT outcome AS v FROM attempts WHERE outcome NOT IN ('completed', 'handed back', 'worker lost')";
    assert_eq!(database.texts(lost), [""; 0]);
    let log = site.supervisor.log();
    assert!(!log.contains("did not answer") && !log.contains("was silent for"), "{log}");
    for name in ["website", "crawler-1"] {
        let row = site.system.is(name, "running").await;
        assert_eq!(row["restarts"], u64::from(name == "crawler-1"), "{row}");
    }
    let ended = format!("SELECT count(*) AS v FROM jobs WHERE finished_at LIKE '{tomorrow}%'");
    assert!(database.number(&ended) > 0, "nobody has seen the clock jump");
}
