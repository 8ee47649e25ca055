//! What the processes say: kept for a while, and shown to whoever watches. Nobody who watches ever makes a process
//! wait.

mod cause;
mod events;
mod files;
mod journal;
mod level;
mod lines;
mod look;
mod terminal;

pub use events::start as start_events;
pub use files::{FileWriter, Files, Limits};
pub use lines::{LINE_LIMIT, Splitter, forward};
pub use look::Look;
pub use terminal::Terminal;

use crate::process::now_ms;
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::mpsc::{Receiver, Sender, channel, error::TrySendError};

/// Lines kept of each process …
const KEPT_LINES: usize = 1000;
/// … and their bytes.
const KEPT_BYTES: usize = 1 << 20;
/// Lines that may wait for somebody who watches.
const BACKLOG: usize = 8192;

/// Whose lines these are.
pub const OWN_NAME: &str = "supervisor";

/// One line of one process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Who said it.
    pub process: Arc<str>,
    /// Without its end.
    pub text: String,
    /// When. Milliseconds since 1970, UTC.
    pub at_ms: i64,
}

/// Which lines that were said already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// So many of each process at most, the newest.
    pub lines: usize,
    /// None that are older. Milliseconds since 1970, UTC.
    pub since_ms: i64,
}

impl Past {
    /// None at all.
    pub const NONE: Self = Self::lines(0);

    /// The newest of each process.
    #[must_use]
    pub const fn lines(lines: usize) -> Self {
        Self { lines, since_ms: 0 }
    }
}

/// See the module. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Logs(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    kept: HashMap<Arc<str>, Kept>,
    watchers: Vec<Watcher>,
}

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<Arc<Line>>,
    bytes: usize,
}

#[derive(Debug)]
struct Watcher {
    /// Whose lines; empty: everybody's.
    names: Vec<String>,
    lines: Sender<Arc<Line>>,
    dropped: u64,
}

impl Logs {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A process has said something.
    pub fn push(&self, process: &Arc<str>, text: String) {
        let line = Arc::new(Line { process: Arc::clone(process), text, at_ms: now_ms() });
        let mut inner = self.inner();
        inner.kept.entry(Arc::clone(process)).or_default().keep(Arc::clone(&line));
        inner.watchers.retain_mut(|watcher| watcher.show(&line));
    }

    /// Says something in the supervisor's own name.
    pub fn say(&self, text: impl Into<String>) {
        self.push(&Arc::from(OWN_NAME), text.into());
    }

    /// What these processes have said, in the order of time, and everything that they say from now on; no names:
    /// everybody.
    #[must_use]
    pub fn watch(&self, names: Vec<String>, past: Past) -> (Vec<Arc<Line>>, Receiver<Arc<Line>>) {
        let (sender, receiver) = channel(BACKLOG);
        let mut inner = self.inner();
        let mut said: Vec<Arc<Line>> = inner
            .kept
            .iter()
            .filter(|(name, _)| names.is_empty() || names.iter().any(|wanted| **wanted == ***name))
            .flat_map(|(_, kept)| kept.lines.iter().skip(kept.lines.len().saturating_sub(past.lines)))
            .filter(|line| line.at_ms >= past.since_ms)
            .cloned()
            .collect();
        said.sort_by_key(|line| line.at_ms);
        inner.watchers.push(Watcher { names, lines: sender, dropped: 0 });
        (said, receiver)
    }

    /// Says something in the supervisor's own name to those who watch now: it will not be true later.
    pub fn announce(&self, text: impl Into<String>) {
        let line = Arc::new(Line { process: Arc::from(OWN_NAME), text: text.into(), at_ms: now_ms() });
        self.inner().watchers.retain_mut(|watcher| watcher.show(&line));
    }

    /// What a process has said since `since_ms` that may be why it ended.
    #[must_use]
    pub fn cause(&self, process: &str, since_ms: i64) -> Option<String> {
        let inner = self.inner();
        let recent = inner.kept.get(process)?.lines.iter().rev().take_while(|line| line.at_ms >= since_ms);
        recent.into_iter().find_map(|line| cause::cause(process, &line.text))
    }

    /// Nothing more will be said: whoever watches sees the end.
    pub fn close(&self) {
        self.inner().watchers.clear();
    }
}

impl Kept {
    fn keep(&mut self, line: Arc<Line>) {
        self.bytes += line.text.len();
        self.lines.push_back(line);
        while self.lines.len() > KEPT_LINES || self.bytes > KEPT_BYTES {
            let Some(oldest) = self.lines.pop_front() else { return };
            self.bytes -= oldest.text.len();
        }
    }
}

impl Watcher {
    /// Returns whether anybody still watches.
    fn show(&mut self, line: &Arc<Line>) -> bool {
        if !self.names.is_empty() && !self.names.iter().any(|name| **name == *line.process) {
            return !self.lines.is_closed();
        }
        if self.dropped > 0 {
            let text = format!("{} lines were not shown, since nobody took them", self.dropped);
            let note = Arc::new(Line { process: Arc::from(OWN_NAME), text, at_ms: line.at_ms });
            // Only when there is room for the line as well.
            if self.lines.capacity() >= 2 && self.lines.try_send(note).is_ok() {
                self.dropped = 0;
            }
        }
        if self.dropped > 0 {
            self.dropped += 1;
            return !self.lines.is_closed();
        }
        match self.lines.try_send(Arc::clone(line)) {
            Ok(()) => true,
            Err(TrySendError::Full(_)) => {
                self.dropped += 1;
                true
            }
            Err(TrySendError::Closed(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded_in_lines_and_in_bytes() {
        let (logs, name) = (Logs::default(), Arc::from("website"));
        for n in 0..KEPT_LINES + 5 {
            logs.push(&name, n.to_string());
        }
        assert_eq!(logs.inner().kept[&name].lines.len(), KEPT_LINES);
        assert_eq!(logs.inner().kept[&name].lines[KEPT_LINES - 1].text, (KEPT_LINES + 4).to_string());
        for _ in 0..200 {
            logs.push(&name, "x".repeat(LINE_LIMIT));
        }
        assert!(logs.inner().kept[&name].bytes <= KEPT_BYTES);
    }

    #[test]
    fn a_cause_is_of_this_life_and_an_announcement_of_this_moment() {
        let (logs, name) = (Logs::default(), Arc::from("website"));
        logs.push(&name, "website: no database".to_owned());
        logs.push(&name, " INFO the end".to_owned());
        assert_eq!(logs.cause("website", 0).as_deref(), Some("no database"));
        assert_eq!(logs.cause("website", i64::MAX), None);
        let (_, mut early) = logs.watch(Vec::new(), Past::NONE);
        logs.announce("come in");
        assert_eq!(early.try_recv().unwrap().text, "come in");
        assert!(logs.watch(vec![OWN_NAME.to_owned()], Past::lines(9)).0.is_empty(), "nobody hears it later");
    }

    #[test]
    fn who_does_not_look_misses_lines_and_is_told_how_many() {
        let (logs, name) = (Logs::default(), Arc::from("website"));
        let (_, mut watcher) = logs.watch(Vec::new(), Past::NONE);
        for _ in 0..BACKLOG + 7 {
            logs.push(&name, "x".to_owned());
        }
        let seen = std::iter::from_fn(|| watcher.try_recv().ok()).count();
        assert_eq!(seen, BACKLOG);
        logs.push(&name, "y".to_owned());
        assert_eq!(watcher.try_recv().unwrap().text, "7 lines were not shown, since nobody took them");
        assert_eq!(watcher.try_recv().unwrap().text, "y");
    }

    #[test]
    fn who_comes_late_sees_what_was_said_last() {
        let (logs, name) = (Logs::default(), Arc::from("website"));
        for n in 0..5 {
            logs.push(&name, n.to_string());
        }
        logs.push(&Arc::from("crawler-1"), "other".to_owned());
        let (said, mut watcher) = logs.watch(vec!["website".to_owned()], Past::lines(2));
        let seen: Vec<_> = said.iter().map(|line| line.text.clone()).collect();
        assert_eq!(seen, ["3", "4"]);
        let (said, _) = logs.watch(Vec::new(), Past { lines: 9, since_ms: i64::MAX });
        assert!(said.is_empty(), "nothing was said after that");
        logs.close();
        assert!(watcher.blocking_recv().is_none());
    }
}
