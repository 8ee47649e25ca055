//! A process that a test has started.

use super::{PATIENCE, eventually};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs,
    io::{self, Write as _},
    path::PathBuf,
    process::{Child, ExitStatus},
    sync::mpsc::channel,
};

/// Lines of its log that a failed test shows.
const SHOWN: usize = 80;

/// Ends with the test that started it.
#[derive(Debug)]
pub(crate) struct Running {
    child: Option<Child>,
    pid: i32,
    log: PathBuf,
}

impl Running {
    pub(crate) fn new(child: Child, log: PathBuf) -> Self {
        let pid = i32::try_from(child.id()).unwrap();
        Self { child: Some(child), pid, log }
    }

    /// Everything that it has said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid), signal).unwrap();
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        let status = eventually("the process ends", async || child.try_wait().unwrap()).await;
        drop(child);
        status
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            kill(Pid::from_raw(self.pid), Signal::SIGTERM).ok();
            let (sender, ended) = channel();
            std::thread::spawn(move || sender.send(child.wait()));
            if ended.recv_timeout(PATIENCE).is_err() {
                kill(Pid::from_raw(self.pid), Signal::SIGKILL).ok();
                ended.recv().ok();
                assert!(std::thread::panicking(), "process {} did not end when told to\n{}", self.pid, self.log());
            }
        }
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let end = lines[lines.len().saturating_sub(SHOWN)..].join("\n");
            writeln!(io::stderr(), "--- the end of {}\n{end}", self.log.display()).ok();
        }
    }
}
