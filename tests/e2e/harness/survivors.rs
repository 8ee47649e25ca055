//! Processes that are left.

use std::{collections::BTreeSet, fs};

/// Programs that a system may consist of.
const PROGRAMS: [&str; 4] = ["supervisor", "website", "crawler", "gitlab-sim"];

/// Living processes that have `mark` in their environment, or are among `known`. The kernel hides the environment of
/// processes that hold secrets from all but root, hence both.
pub(crate) fn survivors(mark: &str, known: &BTreeSet<i32>) -> Vec<i32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter(|pid| is_alive(*pid) && (known.contains(pid) || is_marked(*pid, mark))).collect()
}

/// Whether it is one of ours, and no zombie that only waits to be reaped.
fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let Some((head, tail)) = stat.rsplit_once(") ") else { return false };
    let name = head.split_once('(').map_or("", |(_, name)| name);
    !tail.starts_with(['Z', 'X']) && PROGRAMS.contains(&name)
}

fn is_marked(pid: i32, mark: &str) -> bool {
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
}
