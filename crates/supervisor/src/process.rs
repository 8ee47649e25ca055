//! One row of the process table: where a process stands, and what follows from what happens to it. No I/O.

use crate::{
    part::Part,
    restart::{Failures, RestartPolicy, Verdict},
};
use nix::{sys::signal::Signal, unistd::Pid};
use std::{
    fmt,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use trawl_protocol::{LaunchSecret, ProcessInfo, ProcessState};
use trawl_settings::exit;

/// Why a process has a new life that somebody wanted.
const RESTARTED: &str = "restart asked for";
/// After how long a process that should be dead is killed again.
const KILL_AGAIN: Duration = Duration::from_secs(5);

/// A started process.
#[derive(Debug, Clone)]
pub struct Life {
    /// Its id, and that of its process group. Ours until we have reaped it.
    pub pid: Pid,
    /// What it proves itself with.
    pub secret: LaunchSecret,
    /// When it became ready.
    pub ready_since: Option<Instant>,
}

/// A life that is to take the place of the one that runs.
#[derive(Debug, Clone)]
pub struct Heir {
    /// It.
    pub life: Life,
    /// When it has to be at the door of the bus.
    due: Instant,
    /// It was there, and the one that runs was asked to end.
    came: bool,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this code.
    Code(i32),
    /// By a signal.
    Signal(Signal),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "ended with code {code}"),
            Self::Signal(signal) => write!(f, "was killed by signal {}", *signal as i32),
        }
    }
}

/// A row.
#[derive(Debug)]
pub struct Process {
    /// What it is.
    pub part: Part,
    state: ProcessState,
    since_ms: i64,
    restarts: u32,
    detail: Option<String>,
    last_end: Option<String>,
    life: Option<Life>,
    /// On its way up, while `life` still does the work.
    heir: Option<Heir>,
    /// Why the last heir did not come up.
    heir_failed: Option<String>,
    /// The life before, which finishes what it has begun, and when that has to be done.
    leaving: Option<(Pid, Instant)>,
    /// When something is to happen if nothing else does before.
    due: Option<Instant>,
    failures: Failures,
    /// To be started again once it has ended.
    again: bool,
    /// Why we killed it.
    killed_for: Option<String>,
    /// Set once it has failed for good.
    exit_code: Option<u8>,
}

impl Process {
    /// A process that nobody has asked for yet.
    #[must_use]
    pub fn new(part: Part) -> Self {
        Self {
            part,
            state: ProcessState::Stopped,
            since_ms: now_ms(),
            restarts: 0,
            detail: None,
            last_end: None,
            life: None,
            heir: None,
            heir_failed: None,
            leaving: None,
            due: None,
            failures: Failures::default(),
            again: false,
            killed_for: None,
            exit_code: None,
        }
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> ProcessState {
        self.state
    }

    /// Its life, until it is reaped.
    #[must_use]
    pub const fn life(&self) -> Option<&Life> {
        self.life.as_ref()
    }

    /// Who is to take its place, while it is on its way up.
    #[must_use]
    pub const fn heir(&self) -> Option<&Heir> {
        self.heir.as_ref()
    }

    /// Why there is no new life, although one was asked for.
    #[must_use]
    pub fn heir_failed(&self) -> Option<&str> {
        self.heir_failed.as_deref()
    }

    /// Who is to end, now that its heir is there.
    #[must_use]
    pub fn outgoing(&self) -> Option<Pid> {
        let life = self.life.as_ref().map(|life| life.pid);
        self.leaving.map(|(pid, _)| pid).or(life)
    }

    /// Whether nothing runs of it.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.pids().next().is_none()
    }

    /// All that runs of it, by process id.
    pub fn pids(&self) -> impl Iterator<Item = Pid> {
        let life = self.life.as_ref().map(|life| life.pid);
        let heir = self.heir.as_ref().map(|heir| heir.life.pid);
        life.into_iter().chain(heir).chain(self.leaving.map(|(pid, _)| pid))
    }

    /// When to call [`Self::overdue`].
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        let heir = self.heir.as_ref().map(|heir| heir.due);
        self.due.into_iter().chain(heir).chain(self.leaving.map(|(_, due)| due)).min()
    }

    /// When it is started again, while it pauses after a crash.
    #[must_use]
    pub const fn again_at(&self) -> Option<Instant> {
        self.due
    }

    /// Exit code that says why it failed for good.
    #[must_use]
    pub const fn exit_code(&self) -> Option<u8> {
        self.exit_code
    }

    /// For people.
    #[must_use]
    pub fn info(&self) -> ProcessInfo {
        ProcessInfo {
            name: self.part.to_string(),
            state: self.state,
            pid: self.life.as_ref().and_then(|life| u32::try_from(life.pid.as_raw()).ok()),
            since_ms: self.since_ms,
            restarts: self.restarts,
            detail: self.detail.clone(),
            last_end: self.last_end.clone(),
        }
    }

    fn enter(&mut self, state: ProcessState, due: Option<Instant>, detail: Option<String>) {
        if self.state != state {
            self.since_ms = now_ms();
        }
        self.state = state;
        self.due = due;
        self.detail = detail;
    }

    /// Somebody wants it to run. Returns whether that changes anything.
    pub fn want(&mut self) -> bool {
        match self.state {
            ProcessState::Stopped | ProcessState::Failed | ProcessState::Backoff => {
                self.failures = Failures::default();
                self.exit_code = None;
                self.enter(ProcessState::Waiting, None, None);
                true
            }
            ProcessState::Stopping => !std::mem::replace(&mut self.again, true),
            ProcessState::Waiting | ProcessState::Starting | ProcessState::Running => false,
        }
    }

    /// Somebody wants it down. Returns whether it is to be sent SIGTERM.
    #[must_use]
    pub fn stop(&mut self, now: Instant, grace: Duration) -> bool {
        self.again = false;
        match self.state {
            ProcessState::Starting | ProcessState::Running => {
                self.enter(ProcessState::Stopping, Some(now + grace), None);
                true
            }
            ProcessState::Waiting | ProcessState::Backoff | ProcessState::Failed => {
                self.enter(ProcessState::Stopped, None, None);
                false
            }
            ProcessState::Stopping | ProcessState::Stopped => false,
        }
    }

    /// Somebody wants a new life of it. Returns whether it is to be sent SIGTERM.
    #[must_use]
    pub fn restart(&mut self, now: Instant, grace: Duration) -> bool {
        self.heir_failed = None;
        let terminate = self.stop(now, grace);
        self.want();
        terminate
    }

    /// Whether it can have an heir now: it does its work, and there is none yet.
    #[must_use]
    pub const fn may_have_heir(&self) -> bool {
        matches!(self.state, ProcessState::Running) && self.heir.is_none() && self.leaving.is_none()
    }

    /// Its heir has been started.
    pub fn heir_spawned(&mut self, life: Life, now: Instant, ready_timeout: Duration) {
        self.heir_failed = None;
        self.heir = Some(Heir { life, due: now + ready_timeout, came: false });
    }

    /// Its heir cannot be started.
    pub fn heir_not_started(&mut self, error: &std::io::Error) {
        self.heir_failed = Some(format!("it cannot be started: {error}"));
    }

    /// The heir is at the door. Returns whether the one that runs is to be sent SIGTERM.
    #[must_use]
    pub fn heir_came(&mut self, now: Instant, grace: Duration) -> bool {
        let Some(heir) = &mut self.heir else { return false };
        let first = !std::mem::replace(&mut heir.came, true);
        if first {
            self.due = Some(now + grace);
            heir.due = now + grace + KILL_AGAIN;
        }
        first
    }

    /// The heir takes over; who did the work until now finishes what it has begun.
    pub fn hand_over(&mut self, now: Instant, ready_timeout: Duration, grace: Duration) {
        let Some(heir) = self.heir.take() else { return };
        if let Some(old) = self.life.replace(heir.life) {
            self.leaving = Some((old.pid, now + grace));
        }
        self.restarts += 1;
        self.last_end = Some(RESTARTED.to_owned());
        self.enter(ProcessState::Starting, Some(now + ready_timeout), None);
    }

    /// A life that is not the one that does the work has ended. Returns whether that was so; `why` is what it said.
    pub fn other_ended(&mut self, pid: Pid, why: &str) -> bool {
        if self.leaving.is_some_and(|(leaving, _)| leaving == pid) {
            self.leaving = None;
            return true;
        }
        if self.heir.as_ref().is_some_and(|heir| heir.life.pid == pid) {
            self.heir = None;
            self.heir_failed = Some(why.to_owned());
            return true;
        }
        false
    }

    /// It may not start yet, because of this.
    pub fn hold(&mut self, reason: &str) {
        if self.state == ProcessState::Waiting && self.detail.as_deref() != Some(reason) {
            self.detail = Some(reason.to_owned());
        }
    }

    /// It has been started.
    pub fn spawned(&mut self, life: Life, now: Instant, ready_timeout: Duration) {
        self.life = Some(life);
        self.killed_for = None;
        self.enter(ProcessState::Starting, Some(now + ready_timeout), None);
    }

    /// It does its work now.
    pub fn ready(&mut self, now: Instant) {
        if self.state == ProcessState::Starting {
            if let Some(life) = &mut self.life {
                life.ready_since = Some(now);
            }
            self.enter(ProcessState::Running, None, None);
        }
    }

    /// The time for something has come. Returns who is to be killed.
    #[must_use]
    pub fn overdue(&mut self, now: Instant) -> Vec<Pid> {
        let mut late = Vec::new();
        if let Some((pid, due)) = &mut self.leaving
            && *due <= now
        {
            late.push(*pid);
            *due = now + KILL_AGAIN;
        }
        if let Some(heir) = self.heir.as_mut().filter(|heir| heir.due <= now) {
            late.push(heir.life.pid);
            heir.due = now + KILL_AGAIN;
        }
        if self.due.is_none_or(|due| due > now) {
            return late;
        }
        self.due = None;
        match self.state {
            ProcessState::Starting => self.killed_for = Some("was not ready in time".to_owned()),
            ProcessState::Stopping | ProcessState::Running => {
                self.killed_for = Some("did not end in time and was killed".to_owned());
            }
            ProcessState::Backoff => {
                self.restarts += 1;
                self.enter(ProcessState::Waiting, None, None);
                return late;
            }
            _ => return late,
        }
        late.extend(self.life.as_ref().map(|life| life.pid));
        late
    }

    /// It is to be killed now, because of this.
    pub fn condemn(&mut self, reason: String) {
        self.killed_for = Some(reason);
        self.due = None;
    }

    /// It has ended; `last_words` is what it said about that.
    pub fn ended(
        &mut self,
        ending: Ending,
        last_words: Option<String>,
        policy: &RestartPolicy,
        now: Instant,
        dice: f64,
    ) {
        let ready_for = self.life.take().and_then(|life| life.ready_since).map(|since| now.duration_since(since));
        // Whoever is ended from outside had no reason to say why.
        let unasked = self.killed_for.is_some() || matches!(ending, Ending::Signal(_));
        let last_words = last_words.filter(|_| !unasked);
        let how = self.killed_for.take().unwrap_or_else(|| ending.to_string());
        if self.state == ProcessState::Stopping {
            self.enter(ProcessState::Stopped, None, None);
            if std::mem::take(&mut self.again) {
                self.restarts += 1;
                self.last_end = Some(RESTARTED.to_owned());
                self.want();
            }
            return;
        }
        if let Some(heir) = self.heir.take() {
            self.last_end = Some(if heir.came { RESTARTED.to_owned() } else { how });
            self.restarts += 1;
            self.life = Some(heir.life);
            self.enter(ProcessState::Starting, Some(heir.due), None);
            return;
        }
        match ending {
            Ending::Code(code) if exit::is_final(code) => {
                self.last_end = Some(how.clone());
                self.exit_code = Some(u8::try_from(code).unwrap_or(exit::CHILD_FAILED));
                self.enter(ProcessState::Failed, None, last_words.or(Some(how)));
            }
            _ => self.failed(&how, last_words, policy, now, ready_for, dice),
        }
    }

    /// It could not even be started.
    pub fn not_started(&mut self, error: &std::io::Error, policy: &RestartPolicy, now: Instant, dice: f64) {
        self.failed(&format!("cannot be started: {error}"), None, policy, now, None, dice);
    }

    fn failed(
        &mut self,
        how: &str,
        last_words: Option<String>,
        policy: &RestartPolicy,
        now: Instant,
        ready_for: Option<Duration>,
        dice: f64,
    ) {
        let said = last_words.map(|words| format!(": {words}")).unwrap_or_default();
        self.last_end = Some(format!("{how}{said}"));
        match self.failures.failed(policy, now, ready_for, dice) {
            Verdict::Again(pause) => {
                self.enter(ProcessState::Backoff, Some(now + pause), Some(format!("{how}{said}")));
            }
            Verdict::GiveUp(times, window) => {
                self.exit_code = Some(exit::CHILD_FAILED);
                let detail = format!("{how}, {times} times within {} s{said}", window.as_secs());
                self.enter(ProcessState::Failed, None, Some(detail));
            }
        }
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests;
