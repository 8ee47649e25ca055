//! graphile-worker, the fastest queue on PostgreSQL that we know, on the same machine and the same kind of server.

use std::process::{Command, Stdio};

const PROGRAM: &str = include_str!("graphile.mjs");
const PACKAGE: &str = include_str!("package.json");

/// Jobs per second.
#[derive(Debug)]
pub(crate) struct Peer {
    /// Submitted one after the other, as its own tools do.
    pub(crate) one_by_one: f64,
    /// Submitted a thousand at a time.
    pub(crate) batched: f64,
    /// Claimed, run and completed.
    pub(crate) drained: f64,
}

/// Measures on this empty database; none, and why on standard error, where it cannot be installed.
pub(crate) fn measure(url: &str, jobs: usize, singly: usize) -> Option<Peer> {
    let dir = std::env::current_exe().unwrap().with_file_name("bench-peer");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("package.json"), PACKAGE).unwrap();
    std::fs::write(dir.join("graphile.mjs"), PROGRAM).unwrap();
    let install = ["install", "--silent", "--no-audit", "--no-fund"];
    let installed = Command::new("npm").args(install).current_dir(&dir).stdout(Stdio::null()).status();
    if !installed.is_ok_and(|status| status.success()) {
        eprintln!("npm cannot install graphile-worker: no figures for it");
        return None;
    }
    let numbers = [jobs.to_string(), singly.to_string()];
    let output = Command::new("node")
        .args(["graphile.mjs", url])
        .args(numbers)
        .current_dir(&dir)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let figures: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it prints its figures");
    let figure = |name: &str| figures[name].as_f64().unwrap();
    Some(Peer { one_by_one: figure("one_by_one"), batched: figure("batched"), drained: figure("drained") })
}
