//! `supervisor status`.

use super::{Configured, say};
use crate::{
    control::{Reply, Request, Row, Status, one_answer},
    error::{SupervisorError, doing},
    process::now_ms,
    runtime_dir::RuntimeDir,
};
use std::{
    io::{self, IsTerminal as _},
    time::Duration,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{MissedTickBehavior, interval},
};
use trawl_protocol::ProcessState;

/// Nothing runs.
const NOTHING_RUNS: u8 = 3;
/// Between two looks of who watches.
const LOOK: Duration = Duration::from_secs(1);
/// To the first place of a terminal, and everything behind it away.
const CLEAR: &str = "\x1b[H\x1b[J";

/// Prints who runs. Returns the exit code that says the same.
///
/// # Errors
/// The supervisor refuses.
pub async fn status(configured: &Configured, json: bool, watch: bool) -> Result<u8, SupervisorError> {
    let dir = configured.runtime_dir()?;
    if !watch {
        let status = ask(&dir).await?;
        say(&shown(&dir, status.as_ref(), json));
        return Ok(status.map_or(NOTHING_RUNS, |status| status.exit_code()));
    }
    let mut interrupt = signal(SignalKind::interrupt()).map_err(doing("catch signals"))?;
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            _ = interrupt.recv() => return Ok(0),
        }
        let clear = if io::stdout().is_terminal() && !json { CLEAR } else { "" };
        say(&format!("{clear}{}", shown(&dir, ask(&dir).await?.as_ref(), json)));
    }
}

async fn ask(dir: &RuntimeDir) -> Result<Option<Status>, SupervisorError> {
    match one_answer(dir, &Request::Status).await {
        Ok(Some(Reply::Status(status))) => Ok(Some(*status)),
        Ok(_) | Err(SupervisorError::NotRunning { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn shown(dir: &RuntimeDir, status: Option<&Status>, json: bool) -> String {
    match (status, json) {
        (Some(status), true) => serde_json::to_string(status).unwrap_or_default(),
        (Some(status), false) => table(status, now_ms()),
        (None, true) => "{\"supervisor_pid\":null,\"processes\":[]}".to_owned(),
        (None, false) => {
            let start = dir.invocation().command("start");
            format!("nothing runs in {}; start it with `{start}`", dir.path().display())
        }
    }
}

const HEAD: [&str; 9] = ["NAME", "STATE", "PID", "SINCE", "RESTARTS", "MEMORY", "CPU", "JOBS", "DETAIL"];

fn table(status: &Status, now_ms: i64) -> String {
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(status.processes.iter().map(|process| row(process, now_ms)));
    let own = status.usage.map(|usage| (size(usage.memory_bytes), format!("{:.1} %", usage.cpu_percent)));
    let (memory, cpu) = own.unwrap_or_default();
    let (pid, since) = (status.supervisor_pid.to_string(), since(status.since_ms, now_ms));
    rows.push([
        "supervisor".to_owned(),
        "running".to_owned(),
        pid,
        since,
        String::new(),
        memory,
        cpu,
        String::new(),
        relay(status),
    ]);
    let widths: [usize; HEAD.len()] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default());
    let mut lines: Vec<String> = rows
        .iter()
        .map(|row| {
            let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect();
    if !status.external.is_empty() {
        lines.push(format!("started by hand: {}", status.external.join(", ")));
    }
    lines.push(format!("website at {}", status.url));
    lines.join("\n")
}

fn row(row: &Row, now_ms: i64) -> [String; HEAD.len()] {
    let Row { process, usage, load } = row;
    let dash = || "-".to_owned();
    [
        process.name.clone(),
        process.state.as_str().to_owned(),
        process.pid.map_or_else(dash, |pid| pid.to_string()),
        since(process.since_ms, now_ms),
        process.restarts.to_string(),
        usage.map_or_else(dash, |usage| size(usage.memory_bytes)),
        usage.map_or_else(dash, |usage| format!("{:.1} %", usage.cpu_percent)),
        load.filter(|_| process.name.starts_with("crawler")).map_or_else(dash, |load| load.jobs.to_string()),
        detail(row),
    ]
}

/// What there is to say about a process: what it waits for, how it came to its last new life, what waits for it.
fn detail(Row { process, load, .. }: &Row) -> String {
    let restarted = process.last_end.as_ref().filter(|_| process.state == ProcessState::Running);
    let waiting = load.map(|load| load.waiting_bytes).filter(|bytes| *bytes > 0);
    let parts = [
        process.detail.clone(),
        restarted.map(|why| format!("restarted: {why}")),
        waiting.map(|bytes| format!("{} wait for it", size(bytes as u64))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn relay(status: &Status) -> String {
    let relay = status.relay;
    let facts = [(relay.stale, "stale"), (relay.signals, "dropped"), (relay.slow, "too slow")];
    let facts: Vec<_> = facts.iter().filter(|(count, _)| *count > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if facts.is_empty() { String::new() } else { format!("relay: {}", facts.join(", ")) }
}

/// In MiB or KiB.
fn size(bytes: u64) -> String {
    if bytes < 1 << 20 { format!("{} KiB", bytes.div_ceil(1 << 10)) } else { format!("{} MiB", bytes >> 20) }
}

fn since(then_ms: i64, now_ms: i64) -> String {
    age((now_ms - then_ms).max(0) / 1000)
}

/// Seconds in the largest two units.
fn age(seconds: i64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        relay::{Counts, Load},
        usage::Usage,
    };
    use trawl_protocol::ProcessInfo;

    #[test]
    fn the_table_is_aligned() {
        let usage = Usage { memory_bytes: 30 << 20, cpu_percent: 1.25, cpu_seconds: 3.0 };
        let process = |name: &str, state, pid: Option<u32>, detail: Option<&str>, last_end: Option<&str>| Row {
            process: ProcessInfo {
                name: name.to_owned(),
                state,
                pid,
                since_ms: 0,
                restarts: 0,
                detail: detail.map(str::to_owned),
                last_end: last_end.map(str::to_owned),
            },
            usage: pid.map(|_| usage),
            load: pid.map(|_| Load { jobs: 4, waiting_bytes: 2000, passed: 9 }),
        };
        let status = Status {
            supervisor_pid: 9,
            since_ms: 5_000,
            usage: Some(Usage { memory_bytes: 900 << 10, ..usage }),
            url: "http://x".to_owned(),
            processes: vec![
                process("website", ProcessState::Running, Some(10), None, Some("was killed by signal 9")),
                process("crawler-1", ProcessState::Running, Some(11), None, None),
                process("crawler-2", ProcessState::Waiting, None, Some("waits for the website"), None),
            ],
            external: vec!["crawler-x1".to_owned()],
            relay: Counts { stale: 2, ..Counts::default() },
        };
        let expected = "\
NAME        STATE    PID  SINCE      RESTARTS  MEMORY   CPU    JOBS  DETAIL
website     running  10   1 min 5 s  0         30 MiB   1.2 %  -     restarted: was killed by signal 9; 2 KiB wait for it
crawler-1   running  11   1 min 5 s  0         30 MiB   1.2 %  4     2 KiB wait for it
crawler-2   waiting  -    1 min 5 s  0         -        -      -     waits for the website
supervisor  running  9    1 min 0 s            900 KiB  1.2 %        relay: 2 stale
started by hand: crawler-x1
website at http://x";
        assert_eq!(table(&status, 65_000), expected);
    }

    #[test]
    fn ages_are_short() {
        assert_eq!([59, 61, 3661, 90_000].map(age), ["59 s", "1 min 1 s", "1 h 1 min", "1 d 1 h"]);
    }
}
