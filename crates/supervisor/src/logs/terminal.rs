//! Lines on standard output, written by a thread of its own: a terminal that is blocked blocks nothing else.

use super::{Line, Logs, OWN_NAME};
use chrono::{DateTime, Local};
use std::{
    env,
    io::{self, IsTerminal as _, Write as _},
    sync::mpsc::{self, RecvTimeoutError},
    time::Duration,
};

/// How long the last lines may take at the end.
const LAST_LINES: Duration = Duration::from_secs(1);
/// Readable on dark and light ground, and far from the red of errors.
const COLOURS: [u8; 5] = [36, 33, 35, 34, 32];
/// Our own lines are dim.
const OWN_COLOUR: u8 = 2;

/// How lines look.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    terminal: bool,
    coloured: bool,
    width: usize,
}

impl Look {
    /// What suits standard output, for names of this width.
    #[must_use]
    pub fn of_stdout(width: usize) -> Self {
        let terminal = io::stdout().is_terminal();
        let no_colour = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { terminal, coloured: terminal && !no_colour, width: width.max(OWN_NAME.len()) }
    }

    /// The line as it is written. Whoever reads a pipe or the journal has a time there already.
    #[must_use]
    pub fn line(&self, line: &Line) -> String {
        let Line { process, text, at_ms } = line;
        if !self.terminal {
            return format!("{process}: {text}\n");
        }
        let time = DateTime::from_timestamp_millis(*at_ms).unwrap_or_default().with_timezone(&Local).format("%H:%M:%S");
        let width = self.width;
        if self.coloured {
            format!("\x1b[2m{time}\x1b[0m \x1b[{}m{process:width$} │\x1b[0m {text}\n", colour(process))
        } else {
            format!("{time} {process:width$} │ {text}\n")
        }
    }
}

/// The same for the same name every time.
fn colour(name: &str) -> u8 {
    if name == OWN_NAME {
        return OWN_COLOUR;
    }
    let sum: usize = name.bytes().map(usize::from).sum();
    COLOURS[sum % COLOURS.len()]
}

/// The thread that writes.
#[derive(Debug)]
pub struct Terminal(mpsc::Receiver<()>);

impl Terminal {
    /// Shows all lines.
    #[must_use]
    pub fn show(logs: &Logs, look: Look) -> Self {
        let mut lines = logs.watch(Vec::new(), 0);
        let (done, ended) = mpsc::channel();
        std::thread::spawn(move || {
            let mut out = io::stdout().lock();
            while let Some(line) = lines.blocking_recv() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn names_are_aligned_on_a_terminal_and_plain_elsewhere() {
        let line = Line { process: Arc::from("website"), text: "listens".to_owned(), at_ms: 0 };
        let look = Look { terminal: true, coloured: false, width: 10 };
        assert!(look.line(&line).ends_with(" website    │ listens\n"));
        assert_eq!(Look { terminal: false, ..look }.line(&line), "website: listens\n");
        assert!(Look { coloured: true, ..look }.line(&line).contains("\x1b["));
    }
}
