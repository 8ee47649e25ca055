//! Lives of processes: begun, watched, ended.

use super::{Dispatcher, Event, settle::notify};
use crate::{
    listen::reachable,
    logs::{self, OWN_NAME},
    part::Part,
    probe::{self, Wanted},
    process::{Ending, Life, now_ms},
    reap,
    spawn::Launched,
};
use nix::{sys::signal::Signal as UnixSignal, unistd::Pid};
use sd_notify::NotifyState;
use std::{
    os::fd::OwnedFd,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::unix::pipe, signal::unix::Signal, task::JoinHandle, time::timeout};
use tokio_util::task::AbortOnDropHandle;
use trawl_protocol::{LaunchSecret, ProcessState};

/// How long the output of an ended process is read for its last words. It ends with the process, unless somebody whom
/// the process has left behind holds it open.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// How long strays may take to die at the end.
const SWEEP: Duration = Duration::from_secs(2);

/// What runs beside a life.
#[derive(Debug)]
pub(super) struct LifeTasks {
    stdout: JoinHandle<()>,
    stderr: JoinHandle<()>,
    since_ms: i64,
    probe: Option<AbortOnDropHandle<()>>,
}

impl Dispatcher {
    /// Starts a process that waits for nothing any more.
    pub(super) async fn spawn(&mut self, part: Part) {
        let secret = LaunchSecret::random();
        let launched = match self.launcher.launch(part, secret.clone()) {
            Ok(launch) => self.spawner.spawn(launch).await,
            Err(error) => Err(error),
        };
        let (now, policy) = (Instant::now(), self.policy);
        let ready_timeout = Duration::from_secs(self.settings.supervisor.ready_timeout_seconds);
        let launched = launched.and_then(|launched| Ok((launched.pid, self.attend(part, launched)?)));
        let Some(process) = self.process(part) else { return };
        match launched {
            Ok((pid, tasks)) => {
                process.spawned(Life { pid, secret, ready_since: None }, now, ready_timeout);
                self.tasks.insert(part, tasks);
                if part == Part::GitlabSim {
                    self.probe(part, "/", Wanted::Any);
                }
            }
            Err(error) => process.not_started(&error, &policy, now, rand::random()),
        }
    }

    fn attend(&self, part: Part, launched: Launched) -> std::io::Result<LifeTasks> {
        let name: Arc<str> = part.to_string().into();
        let read = |output: OwnedFd| {
            let output = pipe::Receiver::from_owned_fd(output)?;
            Ok::<_, std::io::Error>(tokio::spawn(logs::forward(output, Arc::clone(&name), self.logs.clone())))
        };
        Ok(LifeTasks {
            stdout: read(launched.stdout)?,
            stderr: read(launched.stderr)?,
            since_ms: now_ms(),
            probe: None,
        })
    }

    /// Finds out over HTTP when a process is ready.
    pub(super) fn probe(&mut self, part: Part, path: &'static str, wanted: Wanted) {
        let pid = self.process(part).and_then(|process| process.life().map(|life| life.pid));
        let (Some(pid), Some(address)) = (pid, self.launcher.address(part)) else { return };
        let events = self.events.clone();
        let task = tokio::spawn(async move {
            probe::until_ready(reachable(address), path, wanted).await;
            events.send(Event::Answers(part, pid)).await.ok();
        });
        if let Some(tasks) = self.tasks.get_mut(&part) {
            tasks.probe = Some(AbortOnDropHandle::new(task));
        }
    }

    /// A process does its work now.
    pub(super) fn ready(&mut self, part: Part) {
        if let Some(process) = self.process(part) {
            process.ready(Instant::now());
        }
    }

    /// Some children may have ended.
    pub(super) async fn reap(&mut self) {
        while let Some((pid, ending)) = reap::next_ended() {
            let ended = self.processes.iter().find(|process| process.life().is_some_and(|life| life.pid == pid));
            let part = ended.map(|process| process.part);
            reap::reap(pid, part.is_some());
            if let Some(part) = part {
                self.bury(part, ending).await;
            }
        }
        // Each stray's own end brings us here again.
        let _ = self.sweeper.sweep(&self.living());
    }

    async fn bury(&mut self, part: Part, ending: Ending) {
        if let Some(id) = part.id() {
            self.hub.remove(id);
        }
        let mut last_words = None;
        if let Some(tasks) = self.tasks.remove(&part) {
            let both = async { tokio::join!(tasks.stdout, tasks.stderr) };
            timeout(LAST_WORDS, both).await.ok();
            last_words = self.logs.cause(&part.to_string(), tasks.since_ms);
        }
        let policy = self.policy;
        if let Some(process) = self.process(part) {
            process.ended(ending, last_words, &policy, Instant::now(), rand::random());
        }
    }

    fn living(&self) -> Vec<Pid> {
        self.processes.iter().filter_map(|process| process.life().map(|life| life.pid)).collect()
    }

    /// Signals a process and its group, if it is there.
    pub(super) fn signal(&self, part: Part, signal: UnixSignal) {
        let process = self.processes.iter().find(|process| process.part == part);
        if let Some(life) = process.and_then(|process| process.life()) {
            reap::signal(life.pid, signal);
        }
    }

    /// The time for something has come.
    pub(super) fn overdue(&mut self) {
        let now = Instant::now();
        let late: Vec<Part> =
            self.processes.iter_mut().filter_map(|process| process.overdue(now).then_some(process.part)).collect();
        for part in late {
            tracing::warn!(process.id = %part, "killing {part}: its time is up");
            self.signal(part, UnixSignal::SIGKILL);
        }
    }

    /// Asks every process whether it is there, and ends those that have not said so for too long.
    pub(super) fn watch(&mut self) {
        if self.watched {
            notify(&NotifyState::Watchdog);
        }
        let limit = Duration::from_secs(self.settings.supervisor.watchdog_seconds);
        let mut silent = Vec::new();
        for process in &mut self.processes {
            if process.state() != ProcessState::Running {
                continue;
            }
            let Some(id) = process.part.id() else { continue };
            let ready_since = process.life().and_then(|life| life.ready_since);
            let heard = self.hub.ping(id).max(ready_since);
            if heard.is_some_and(|heard| heard.elapsed() > limit) {
                process.condemn(format!("did not answer for {} s", limit.as_secs()));
                silent.push(process.part);
            }
        }
        for part in silent {
            tracing::error!(process.id = %part, "killing {part}: it does not answer");
            self.signal(part, UnixSignal::SIGKILL);
        }
    }

    /// Ends what ended children have left behind, and their children, until nothing is left.
    pub(super) async fn sweep(&self, children: &mut Signal) {
        let swept = timeout(SWEEP, async {
            while self.sweeper.sweep(&[]) > 0 {
                children.recv().await;
                while let Some((pid, _)) = reap::next_ended() {
                    reap::reap(pid, false);
                }
            }
        });
        if swept.await.is_err() {
            self.logs.push(&Arc::from(OWN_NAME), "some processes could not be killed".to_owned());
        }
    }
}
