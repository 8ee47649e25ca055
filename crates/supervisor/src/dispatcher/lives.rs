//! Lives of processes: begun, watched, ended.

use super::{Dispatcher, Event, settle::notify};
use crate::{
    listen::reachable,
    logs::{self, OWN_NAME},
    part::Part,
    probe::{self, Wanted},
    process::{Ending, Life, Process, now_ms},
    reap,
    spawn::Launched,
    usage::Meter,
};
use nix::{
    sys::signal::Signal as UnixSignal,
    unistd::{Pid, getpid},
};
use sd_notify::NotifyState;
use std::{
    os::fd::OwnedFd,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{net::unix::pipe, signal::unix::Signal, task::JoinHandle, time::timeout};
use tokio_util::task::AbortOnDropHandle;
use trawl_protocol::{LaunchSecret, ProcessState};
use trawl_settings::exit;

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
    pub(super) meter: Meter,
    probe: Option<AbortOnDropHandle<()>>,
}

impl Dispatcher {
    /// Starts a process that waits for nothing any more.
    pub(super) async fn spawn(&mut self, part: Part) {
        let launched = self.launch(part, false).await;
        let (now, policy, ready_timeout) = (Instant::now(), self.policy, self.ready_timeout());
        let Some(process) = self.process(part) else { return };
        match launched {
            Ok(life) => {
                process.spawned(life, now, ready_timeout);
                if part == Part::GitlabSim {
                    self.probe(part, "/", Wanted::Any);
                }
            }
            Err(error) => process.not_started(&error, &policy, now, rand::random()),
        }
    }

    /// Starts a life beside the one that runs, which is to end once the new one is there.
    pub(super) async fn spawn_heirs(&mut self) {
        for part in std::mem::take(&mut self.heirs_wanted) {
            let launched = self.launch(part, true).await;
            let (now, ready_timeout) = (Instant::now(), self.ready_timeout());
            let Some(process) = self.process(part) else { continue };
            match launched {
                Ok(life) => process.heir_spawned(life, now, ready_timeout),
                Err(error) => process.heir_not_started(&error),
            }
        }
    }

    async fn launch(&mut self, part: Part, successor: bool) -> std::io::Result<Life> {
        let secret = LaunchSecret::random();
        let launched = self.spawner.spawn(self.launcher.launch(part, secret.clone(), successor)?).await?;
        let pid = launched.pid;
        let tasks = self.attend(part, launched)?;
        self.tasks.insert(pid, tasks);
        Ok(Life { pid, secret, ready_since: None })
    }

    pub(super) fn ready_timeout(&self) -> Duration {
        Duration::from_secs(self.settings.supervisor.ready_timeout_seconds)
    }

    /// How long a process may take to end.
    pub(super) fn grace(&self) -> Duration {
        Duration::from_secs(self.settings.supervisor.stop_grace_seconds)
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
            meter: Meter::default(),
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
        if let Some(tasks) = self.tasks.get_mut(&pid) {
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
            let ended = self.processes.iter().find(|process| process.pids().any(|ours| ours == pid));
            let part = ended.map(|process| process.part);
            reap::reap(pid, part.is_some());
            if let Some(part) = part {
                self.bury(part, pid, ending).await;
            }
        }
        // Each stray's own end brings us here again.
        let _ = self.sweeper.sweep(&self.living());
    }

    async fn bury(&mut self, part: Part, pid: Pid, ending: Ending) {
        if let (Some(id), Ok(pid)) = (part.id(), u32::try_from(pid.as_raw())) {
            self.hub.remove(id, pid);
        }
        let mut last_words = None;
        if let Some(tasks) = self.tasks.remove(&pid) {
            let both = async { tokio::join!(tasks.stdout, tasks.stderr) };
            timeout(LAST_WORDS, both).await.ok();
            last_words = self.logs.cause(&part.to_string(), tasks.since_ms);
        }
        let policy = self.policy;
        let Some(process) = self.process(part) else { return };
        if process.life().is_some_and(|life| life.pid == pid) {
            process.ended(ending, last_words, &policy, Instant::now(), rand::random());
            return;
        }
        let heir = process.heir().is_some_and(|heir| heir.life.pid == pid);
        process.other_ended(pid, &last_words.unwrap_or_else(|| ending.to_string()));
        if heir && ending == Ending::Code(i32::from(exit::ALONE)) {
            tracing::info!("{part} has to be alone to change the database; it is stopped before it is started again");
            self.each(&[part], Process::restart);
        }
    }

    pub(super) fn living(&self) -> Vec<Pid> {
        self.processes.iter().flat_map(Process::pids).collect()
    }

    /// Signals a process and its group, if it is there.
    pub(super) fn signal(&self, part: Part, signal: UnixSignal) {
        let process = self.processes.iter().find(|process| process.part == part);
        if let Some(life) = process.and_then(|process| process.life()) {
            reap::signal(life.pid, signal);
        }
    }

    /// Ends the life that was to take the place of the one that runs: nobody wants it any more.
    pub(super) fn drop_heir(&self, part: Part) {
        let process = self.processes.iter().find(|process| process.part == part);
        if let Some(heir) = process.and_then(Process::heir) {
            reap::signal(heir.life.pid, UnixSignal::SIGKILL);
        }
    }

    /// The time for something has come.
    pub(super) fn overdue(&mut self) {
        let now = Instant::now();
        for process in &mut self.processes {
            for pid in process.overdue(now) {
                let part = process.part;
                tracing::warn!(process.id = %part, process.pid = pid.as_raw(), "killing {part}: its time is up");
                reap::signal(pid, UnixSignal::SIGKILL);
            }
        }
    }

    /// Asks every process whether it is there, and ends those that have not said so for too long.
    pub(super) fn watch(&mut self) {
        if self.watched {
            notify(&NotifyState::Watchdog);
        }
        self.meter.sample(getpid());
        self.measure();
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

    /// Looks what every process takes, and ends those that take too much.
    fn measure(&mut self) {
        let mut large = Vec::new();
        for process in &mut self.processes {
            let Some(pid) = process.life().map(|life| life.pid) else { continue };
            let usage = self.tasks.get_mut(&pid).and_then(|tasks| tasks.meter.sample(pid));
            let limit = match process.part {
                Part::Website => self.settings.supervisor.website_memory_mib,
                Part::Crawler(_) => self.settings.supervisor.crawler_memory_mib,
                Part::GitlabSim => 0,
            };
            let takes = usage.map_or(0, |usage| usage.memory_bytes >> 20);
            let works = matches!(process.state(), ProcessState::Starting | ProcessState::Running);
            if limit > 0 && takes > u64::from(limit) && works {
                process.condemn(format!("took {takes} MiB of memory, where {limit} MiB are allowed"));
                large.push(process.part);
            }
        }
        for part in large {
            tracing::error!(process.id = %part, "killing {part}: it takes too much memory");
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
