//! One row of the process table: where a process stands, and what follows from what happens to it. No I/O.

use crate::{
    part::Part,
    restart::{Failures, RestartPolicy, Verdict},
};
use nix::{sys::signal::Signal, unistd::Pid};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use trawl_protocol::{LaunchSecret, ProcessInfo, ProcessState};
use trawl_settings::exit;

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

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself, with this code.
    Code(i32),
    /// By a signal.
    Signal(Signal),
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
    life: Option<Life>,
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
            life: None,
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

    /// When to call [`Self::overdue`].
    #[must_use]
    pub const fn due(&self) -> Option<Instant> {
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
        let terminate = self.stop(now, grace);
        self.want();
        terminate
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

    /// The time for something has come. Returns whether it is to be killed.
    #[must_use]
    pub fn overdue(&mut self, now: Instant) -> bool {
        if self.due.is_none_or(|due| due > now) {
            return false;
        }
        self.due = None;
        match self.state {
            ProcessState::Starting => {
                self.killed_for = Some("was not ready in time".to_owned());
                true
            }
            ProcessState::Stopping => {
                self.killed_for = Some("did not end in time and was killed".to_owned());
                true
            }
            ProcessState::Backoff => {
                self.restarts += 1;
                self.enter(ProcessState::Waiting, None, None);
                false
            }
            _ => false,
        }
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
        let how = self.killed_for.take().unwrap_or_else(|| match ending {
            Ending::Code(code) => format!("ended with code {code}"),
            Ending::Signal(signal) => format!("was killed by signal {}", signal as i32),
        });
        if self.state == ProcessState::Stopping {
            self.enter(ProcessState::Stopped, None, None);
            if std::mem::take(&mut self.again) {
                self.restarts += 1;
                self.want();
            }
            return;
        }
        match ending {
            Ending::Code(code) if exit::is_final(code) => {
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
mod tests {
    use super::*;
    use ProcessState::{Backoff, Failed, Running, Starting, Stopped, Stopping, Waiting};
    use trawl_settings::SupervisorSettings;

    const GRACE: Duration = Duration::from_secs(10);

    fn policy(limit: u32) -> RestartPolicy {
        RestartPolicy::from(&SupervisorSettings { start_limit: limit, ..Default::default() })
    }

    fn running(now: Instant) -> Process {
        let mut process = Process::new(Part::Website);
        assert!(process.want());
        let life = Life { pid: Pid::from_raw(7), secret: LaunchSecret::random(), ready_since: None };
        process.spawned(life, now, Duration::from_secs(30));
        assert_eq!(process.state(), Starting);
        process.ready(now);
        assert_eq!(process.state(), Running);
        process
    }

    #[test]
    fn a_crash_leads_to_a_pause_and_another_try() {
        let now = Instant::now();
        let mut process = running(now);
        process.ended(Ending::Code(1), Some("oh".to_owned()), &policy(10), now, 1.0);
        assert_eq!((process.state(), process.info().detail.as_deref()), (Backoff, Some("ended with code 1: oh")));
        assert!(!process.overdue(now) && process.state() == Backoff, "not before its time");
        assert!(!process.overdue(now + Duration::from_millis(50)));
        assert_eq!((process.state(), process.info().restarts), (Waiting, 1));
    }

    #[test]
    fn a_final_code_is_not_tried_again() {
        let now = Instant::now();
        let mut process = running(now);
        process.ended(Ending::Code(78), Some("line 3: no".to_owned()), &policy(10), now, 1.0);
        assert_eq!((process.state(), process.due(), process.exit_code()), (Failed, None, Some(78)));
        assert_eq!(process.info().detail.as_deref(), Some("line 3: no"));
        assert!(process.want() && process.state() == Waiting && process.exit_code().is_none());
    }

    #[test]
    fn a_crash_loop_ends_and_says_so() {
        let now = Instant::now();
        let mut process = running(now);
        process.ended(Ending::Signal(Signal::SIGSEGV), Some("all is well".to_owned()), &policy(1), now, 1.0);
        let detail = process.info().detail.unwrap();
        assert_eq!(process.state(), Failed);
        assert_eq!(detail, "was killed by signal 11, 1 times within 120 s");
    }

    #[test]
    fn a_stop_is_obeyed_or_enforced() {
        let now = Instant::now();
        let mut process = running(now);
        assert!(process.stop(now, GRACE));
        assert_eq!(process.state(), Stopping);
        assert!(!process.stop(now, GRACE), "one SIGTERM is enough");
        assert!(!process.overdue(now));
        assert!(process.overdue(now + GRACE), "killed after the grace");
        process.ended(Ending::Signal(Signal::SIGKILL), None, &policy(10), now, 1.0);
        assert_eq!((process.state(), process.info().pid), (Stopped, None));
    }

    #[test]
    fn a_restart_is_a_stop_with_a_start_behind_it() {
        let now = Instant::now();
        let mut process = running(now);
        assert!(process.restart(now, GRACE));
        assert_eq!(process.state(), Stopping);
        process.ended(Ending::Code(0), None, &policy(10), now, 1.0);
        assert_eq!(process.state(), Waiting);
        assert!(!process.restart(now, GRACE) && process.state() == Waiting, "nothing there to stop");
    }

    #[test]
    fn who_is_not_ready_in_time_is_killed_for_it() {
        let now = Instant::now();
        let mut process = running(now);
        let life = process.life().cloned().unwrap();
        process.spawned(life, now, Duration::from_secs(1));
        assert!(process.overdue(now + Duration::from_secs(1)));
        process.ended(Ending::Signal(Signal::SIGKILL), Some("oh".to_owned()), &policy(10), now, 1.0);
        assert_eq!((process.state(), process.info().detail.as_deref()), (Backoff, Some("was not ready in time")));
    }

    #[test]
    fn waiting_says_for_what() {
        let mut process = Process::new(Part::Crawler(1));
        process.hold("x");
        assert_eq!(process.info().detail, None, "a stopped process waits for nothing");
        process.want();
        process.hold("waits for the website");
        assert_eq!(process.info().detail.as_deref(), Some("waits for the website"));
    }
}
