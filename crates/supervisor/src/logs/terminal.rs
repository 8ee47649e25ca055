//! Lines on standard output, or in the journal where that leads there, written by a thread of its own: a terminal that is blocked blocks nothing else.

use super::{Logs, Look, Past, journal::Journal};
use std::{
    io::{self, Write as _},
    sync::mpsc::{self, RecvTimeoutError},
    time::Duration,
};

/// How long the last lines may take at the end.
const LAST_LINES: Duration = Duration::from_secs(1);
/// The thread that writes.
#[derive(Debug)]
pub struct Terminal(mpsc::Receiver<()>);

impl Terminal {
    /// Shows all lines.
    #[must_use]
    pub fn show(logs: &Logs, look: Look) -> Self {
        let (_, mut lines) = logs.watch(Vec::new(), Past::NONE);
        let (done, ended) = mpsc::channel();
        std::thread::spawn(move || {
            let journal = Journal::of_stdout();
            let mut out = io::stdout().lock();
            while let Some(line) = lines.blocking_recv() {
                if journal.as_ref().is_some_and(|journal| journal.write(&line)) {
                    continue;
                }
                // A terminal that was closed is no reason to stop anything.
                out.write_all(look.line(&line).as_bytes()).ok();
                if lines.is_empty() {
                    out.flush().ok();
                }
            }
            drop(done);
        });
        Self(ended)
    }

    /// Waits until the last line is written, unless the terminal is blocked. The logs have to be closed before.
    pub fn finish(self) {
        let ended = self.0.recv_timeout(LAST_LINES);
        debug_assert_ne!(ended, Ok(()), "nothing is ever sent");
        if ended == Err(RecvTimeoutError::Timeout) {
            tracing::debug!("the terminal is blocked");
        }
    }
}
