//! Ends of processes: finding those that have ended, and ending those that should.
//!
//! A process that has ended keeps its id until it is reaped, and only this module reaps. So whatever is signalled
//! here is what it was meant for.

use crate::{process::Ending, usage::stat_fields};
use nix::{
    sys::{
        signal::{Signal, killpg},
        wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid},
    },
    unistd::{Pid, getpid},
};
use std::{fs, os::unix::ffi::OsStrExt as _, path::Path};

/// The next child that has ended and is not reaped.
#[must_use]
pub fn next_ended() -> Option<(Pid, Ending)> {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    match waitid(Id::All, flags) {
        Ok(WaitStatus::Exited(pid, code)) => Some((pid, Ending::Code(code))),
        Ok(WaitStatus::Signaled(pid, signal, _)) => Some((pid, Ending::Signal(signal))),
        _ => None,
    }
}

/// Lets go of an ended child, after taking the rest of its process group along if it was the group's leader.
pub fn reap(pid: Pid, leads_group: bool) {
    if leads_group {
        killpg(pid, Signal::SIGKILL).ok();
    }
    waitpid(pid, Some(WaitPidFlag::WNOHANG)).ok();
}

/// Signals a child that is not reaped yet, and its process group.
pub fn signal(pid: Pid, signal: Signal) {
    if let Err(error) = killpg(pid, signal) {
        tracing::debug!(process.pid = pid.as_raw(), %error, "cannot signal");
    }
}

/// Knows which of our children are strays: left behind by children that have ended, and handed to us, the subreaper.
#[derive(Debug)]
pub struct Sweeper {
    /// Children that were there before us: whoever ran our program in its place may have had some.
    before: Vec<Pid>,
    /// A variable that all our children are given.
    mark: Vec<u8>,
}

impl Sweeper {
    /// To be made before the first child is started; `variable` and `value` tell our children's environment.
    #[must_use]
    pub fn new(variable: &str, value: &Path) -> Self {
        let mark = [variable.as_bytes(), b"=", value.as_os_str().as_bytes()].concat();
        Self { before: children(), mark }
    }

    /// Kills all strays; `ours` are none. Returns how many there were. Their own children are handed to us in turn,
    /// so call it again until it says 0.
    #[must_use]
    pub fn sweep(&self, ours: &[Pid]) -> usize {
        let spared = |pid: &Pid| ours.contains(pid) || self.before.contains(pid);
        let strays: Vec<Pid> = children().into_iter().filter(|pid| !spared(pid) && self.descends(*pid)).collect();
        for stray in &strays {
            tracing::info!(process.pid = stray.as_raw(), "killing a process that a child has left behind");
            nix::sys::signal::kill(*stray, Signal::SIGKILL).ok();
        }
        strays.len()
    }

    /// The first process of a machine or container is handed everybody's orphans, not only those of its children.
    fn descends(&self, pid: Pid) -> bool {
        let environment = || fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        getpid().as_raw() != 1 || environment().split(|byte| *byte == 0).any(|variable| variable == self.mark)
    }
}

/// Living direct children.
fn children() -> Vec<Pid> {
    let me = getpid();
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|pid| parent_of_living(*pid) == Some(me)).map(Pid::from_raw).collect()
}

fn parent_of_living(pid: i32) -> Option<Pid> {
    let fields = stat_fields(Pid::from_raw(pid))?;
    let (state, parent) = (fields.first()?, fields.get(1)?.parse().ok()?);
    (state != "Z").then(|| Pid::from_raw(parent))
}
