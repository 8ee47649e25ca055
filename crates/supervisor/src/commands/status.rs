//! `supervisor status`.

use super::{Configured, say};
use crate::{
    control::{Reply, Request, Status, one_answer},
    error::SupervisorError,
    process::now_ms,
};
use trawl_protocol::ProcessInfo;

/// Nothing runs.
const NOTHING_RUNS: u8 = 3;

/// Prints who runs. Returns the exit code that says the same.
///
/// # Errors
/// The supervisor refuses.
pub async fn status(configured: &Configured, json: bool) -> Result<u8, SupervisorError> {
    let dir = configured.runtime_dir()?;
    let status = match one_answer(&dir, &Request::Status).await {
        Ok(Some(Reply::Status(status))) => Some(status),
        Ok(_) | Err(SupervisorError::NotRunning { .. }) => None,
        Err(error) => return Err(error),
    };
    match (&status, json) {
        (Some(status), true) => say(&serde_json::to_string(status).unwrap_or_default()),
        (Some(status), false) => say(&table(status, now_ms())),
        (None, true) => say("{\"supervisor_pid\":null,\"processes\":[]}"),
        (None, false) => {
            let start = dir.invocation().command("start");
            say(&format!("nothing runs in {}; start it with `{start}`", dir.path().display()));
        }
    }
    Ok(status.map_or(NOTHING_RUNS, |status| status.exit_code()))
}

fn table(status: &Status, now_ms: i64) -> String {
    let mut rows = vec![["NAME", "STATE", "PID", "SINCE", "RESTARTS", "DETAIL"].map(str::to_owned)];
    rows.extend(status.processes.iter().map(|process| row(process, now_ms)));
    let widths: [usize; 6] =
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
    lines.push(format!("supervisor {}, website at {}", status.supervisor_pid, status.url));
    lines.join("\n")
}

fn row(process: &ProcessInfo, now_ms: i64) -> [String; 6] {
    [
        process.name.clone(),
        process.state.as_str().to_owned(),
        process.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string()),
        age((now_ms - process.since_ms).max(0) / 1000),
        process.restarts.to_string(),
        process.detail.clone().unwrap_or_default(),
    ]
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
    use trawl_protocol::ProcessState;

    #[test]
    fn the_table_is_aligned() {
        let process = |name: &str, state, pid, detail: Option<&str>| ProcessInfo {
            name: name.to_owned(),
            state,
            pid,
            since_ms: 0,
            restarts: 0,
            detail: detail.map(str::to_owned),
        };
        let status = Status {
            supervisor_pid: 9,
            url: "http://x".to_owned(),
            processes: vec![
                process("website", ProcessState::Running, Some(10), None),
                process("crawler-1", ProcessState::Waiting, None, Some("waits for the website")),
            ],
            external: vec!["crawler-x1".to_owned()],
        };
        let expected = "NAME       STATE    PID  SINCE      RESTARTS  DETAIL\n\
                        website    running  10   1 min 5 s  0\n\
                        crawler-1  waiting  -    1 min 5 s  0         waits for the website\n\
                        started by hand: crawler-x1\n\
                        supervisor 9, website at http://x";
        assert_eq!(table(&status, 65_000), expected);
    }

    #[test]
    fn ages_are_short() {
        assert_eq!([59, 61, 3661, 90_000].map(age), ["59 s", "1 min 1 s", "1 h 1 min", "1 d 1 h"]);
    }
}
