//! What the command line and a running supervisor say to each other: one JSON object a line.

mod client;
mod server;

pub use client::{Answers, ask, lines, one_answer};
pub use server::{Asked, open};

use crate::{
    logs::Past,
    relay::{Counts, Load},
    reload::Reloaded,
    usage::Usage,
};
use serde::{Deserialize, Serialize};
use trawl_protocol::{ProcessInfo, ProcessState};

/// Longest line, in bytes.
const LIMIT: u64 = 256 << 10;

/// From the command line. No names means all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// How is everybody?
    Status,
    /// Let these run.
    Start {
        /// Whom.
        names: Vec<String>,
    },
    /// Let these end. Answered once they have; without names the supervisor ends, too, which is the answer.
    Stop {
        /// Whom.
        names: Vec<String>,
    },
    /// Give these a new life. Answered once they have it.
    Restart {
        /// Whom.
        names: Vec<String>,
    },
    /// Show what these say.
    Logs {
        /// Whom.
        names: Vec<String>,
        /// Which lines that were said already.
        past: Past,
        /// Whether to go on with what they say from now on.
        follow: bool,
    },
    /// Read the configuration again.
    Reload,
}

/// From the supervisor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// To `Status`.
    Status(Box<Status>),
    /// To the others: which processes it has changed something for.
    Done {
        /// Their names.
        names: Vec<String>,
    },
    /// It cannot be done any more: the supervisor is ending.
    Ending,
    /// It cannot be done.
    Refused {
        /// Why, and what to do about it.
        reason: String,
    },
    /// A name means nothing here.
    Unknown {
        /// Which, and which there are.
        reason: String,
    },
    /// To `Reload`: what has changed.
    Reloaded(Reloaded),
    /// To `Logs`, again and again.
    Line {
        /// Who said it.
        process: String,
        /// What.
        text: String,
        /// When.
        at_ms: i64,
    },
}

/// How a system is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Process id of the supervisor.
    pub supervisor_pid: u32,
    /// When it started. Milliseconds since 1970, UTC.
    pub since_ms: i64,
    /// What it takes itself.
    pub usage: Option<Usage>,
    /// Where people reach it.
    pub url: String,
    /// The process table.
    pub processes: Vec<Row>,
    /// Crawlers that were started by hand and are connected.
    pub external: Vec<String>,
    /// What the relay did not pass on.
    pub relay: Counts,
}

/// A process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Where it stands.
    #[serde(flatten)]
    pub process: ProcessInfo,
    /// What it takes, while it lives.
    pub usage: Option<Usage>,
    /// How busy it is, while it is on the bus.
    pub load: Option<Load>,
}

impl Status {
    /// 0: all that are wanted run; 3: nothing runs; 1: anything in between.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let states = || self.processes.iter().map(|row| row.process.state);
        let running = states().filter(|state| *state == ProcessState::Running).count();
        let wanted = states().filter(|state| *state != ProcessState::Stopped).count();
        let alive = self.processes.iter().any(|row| row.process.pid.is_some());
        match (running == wanted && wanted > 0, alive) {
            (true, _) => 0,
            (false, true) => 1,
            (false, false) => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(states: &[(ProcessState, bool)]) -> u8 {
        let row = |(state, alive): &(ProcessState, bool)| Row {
            process: ProcessInfo {
                name: String::new(),
                state: *state,
                pid: alive.then_some(1),
                since_ms: 0,
                restarts: 0,
                detail: None,
                last_end: None,
            },
            usage: None,
            load: None,
        };
        let whole = Status {
            supervisor_pid: 1,
            since_ms: 0,
            usage: None,
            url: String::new(),
            processes: states.iter().map(row).collect(),
            external: Vec::new(),
            relay: Counts::default(),
        };
        whole.exit_code()
    }

    #[test]
    fn the_exit_code_says_how_it_is() {
        use ProcessState::{Backoff, Running, Stopped, Waiting};
        assert_eq!(status(&[(Running, true), (Running, true)]), 0);
        assert_eq!(status(&[(Running, true), (Stopped, false)]), 0, "what nobody wants is not missed");
        assert_eq!(status(&[(Running, true), (Waiting, false)]), 1);
        assert_eq!(status(&[(Backoff, false)]), 3);
        assert_eq!(status(&[(Stopped, false)]), 3);
    }

    #[test]
    fn the_words_are_plain_json() {
        let text = serde_json::to_string(&Request::Stop { names: vec!["website".to_owned()] }).unwrap();
        assert_eq!(text, r#"{"request":"stop","names":["website"]}"#);
    }
}
