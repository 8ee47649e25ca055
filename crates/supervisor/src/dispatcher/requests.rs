//! What others ask for: people over the control socket, processes at the doors.

use super::Dispatcher;
use crate::{
    admission::{self, Child, Identity},
    control::{Asked, Reply, Request, Row, Status},
    error::SupervisorError,
    part::{self, Part},
    probe::Wanted,
    process::Process,
    reap,
    relay::{Ask, Door, Member, Ticket},
};
use nix::{sys::signal::Signal, unistd::getpid};
use std::time::{Duration, Instant};
use tokio::{sync::oneshot, time::Interval};
use trawl_protocol::{ProcessId, ProcessState, Refusal, Role};
use trawl_settings::CredentialDelivery;

/// Somebody who is answered later.
#[derive(Debug)]
pub(super) struct Waiter {
    parts: Vec<Part>,
    goal: Goal,
    reply: oneshot::Sender<Reply>,
}

/// When.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    /// All of them have ended.
    Down,
    /// It is known of each what has become of it.
    Up,
    /// Never: the end of the supervisor is the answer.
    End,
}

impl Dispatcher {
    /// Does what a person asked for.
    pub(super) fn request(&mut self, (request, reply): Asked, pings: &mut Interval) {
        if request == Request::Reload && !self.is_ending() {
            let reloaded = self.reload(pings);
            let refused = |error: SupervisorError| Reply::Refused { reason: format!("nothing has changed: {error}") };
            reply.send(reloaded.map_or_else(refused, Reply::Reloaded)).ok();
            return;
        }
        match self.fulfil(&request) {
            Ok((parts, Some(goal))) => self.waiters.push(Waiter { parts, goal, reply }),
            Ok((parts, None)) => drop(reply.send(match request {
                Request::Status => Reply::Status(Box::new(self.status())),
                _ => Reply::Done { names: names(&parts) },
            })),
            Err(refusal) => drop(reply.send(refusal)),
        }
    }

    fn fulfil(&mut self, request: &Request) -> Result<(Vec<Part>, Option<Goal>), Reply> {
        match request {
            Request::Status | Request::Logs { .. } => Ok((Vec::new(), None)),
            _ if self.is_ending() => Err(Reply::Ending),
            Request::Reload => Ok((Vec::new(), None)),
            Request::Start { names } => Ok((self.start(names)?, None)),
            Request::Stop { names } if names.is_empty() => {
                self.begin_end(0);
                Ok((Vec::new(), Some(Goal::End)))
            }
            Request::Stop { names } => {
                let parts = self.select(names)?;
                for part in &parts {
                    self.drop_heir(*part);
                }
                self.each(&parts, Process::stop);
                Ok((parts, Some(Goal::Down)))
            }
            Request::Restart { names } => {
                let mut parts = self.select(names)?;
                if names.is_empty() {
                    // All that are wanted, that is.
                    parts.retain(|part| self.process(*part).is_some_and(|row| row.state() != ProcessState::Stopped));
                }
                self.prepare(&parts)?;
                self.renew(&parts);
                Ok((parts, Some(Goal::Up)))
            }
        }
    }

    /// Returns those that did not run already.
    fn start(&mut self, names: &[String]) -> Result<Vec<Part>, Reply> {
        let mut parts = self.select(names)?;
        self.prepare(&parts)?;
        parts.retain(|part| self.process(*part).is_some_and(Process::want));
        Ok(parts)
    }

    fn prepare(&mut self, parts: &[Part]) -> Result<(), Reply> {
        let refused = |error: SupervisorError| Reply::Refused { reason: error.to_string() };
        parts.iter().try_for_each(|part| self.launcher.prepare(*part)).map_err(refused)
    }

    /// Gives each a new life. A website that runs goes on until the new one is there, so that nobody waits.
    fn renew(&mut self, parts: &[Part]) {
        let (with_heir, at_once): (Vec<Part>, Vec<Part>) = parts.iter().copied().partition(|part| {
            *part == Part::Website && self.process(*part).is_some_and(|process| process.may_have_heir())
        });
        self.heirs_wanted.extend(with_heir);
        for part in &at_once {
            self.drop_heir(*part);
        }
        self.each(&at_once, Process::restart);
    }

    pub(super) fn each(&mut self, parts: &[Part], action: impl Fn(&mut Process, Instant, Duration) -> bool) {
        let (now, grace) = (Instant::now(), self.grace());
        for part in parts {
            if self.process(*part).is_some_and(|process| action(process, now, grace)) {
                self.signal(*part, Signal::SIGTERM);
            }
        }
    }

    fn select(&self, names: &[String]) -> Result<Vec<Part>, Reply> {
        let all: Vec<Part> = self.processes.iter().map(|process| process.part).collect();
        part::select(&all, names).map_err(|reason| Reply::Unknown { reason })
    }

    fn status(&self) -> Status {
        let external = self.hub.peers().into_iter().map(|peer| peer.id.to_string());
        Status {
            supervisor_pid: std::process::id(),
            since_ms: self.since_ms,
            usage: self.meter.read(getpid()),
            url: self.url(),
            processes: self.processes.iter().map(|process| self.row(process)).collect(),
            relay: self.hub.counts(),
            external: external.filter(|name| name.contains("-x")).collect(),
        }
    }

    fn row(&self, process: &Process) -> Row {
        let pid = process.life().map(|life| life.pid);
        Row {
            process: process.info(),
            usage: pid.and_then(|pid| self.tasks.get(&pid)?.meter.read(pid)),
            load: process.part.id().and_then(|id| self.hub.load(id)),
        }
    }

    /// Answers those whose time has come.
    pub(super) fn answer(&mut self) {
        let (processes, coming) = (&self.processes, &self.heirs_wanted);
        let find = |part: &Part| processes.iter().find(|process| process.part == *part);
        let settled = |waiter: &mut Waiter| {
            waiter.parts.iter().filter_map(find).all(|process| match waiter.goal {
                Goal::Down => process.is_gone(),
                Goal::Up => {
                    let between = matches!(process.state(), ProcessState::Starting | ProcessState::Stopping);
                    !between && process.heir().is_none() && !coming.contains(&process.part)
                }
                Goal::End => false,
            }) && waiter.goal != Goal::End
        };
        for waiter in self.waiters.extract_if(.., settled) {
            let wanted_up = || waiter.parts.iter().filter_map(find).filter(|_| waiter.goal == Goal::Up);
            let down =
                wanted_up().find(|process| matches!(process.state(), ProcessState::Failed | ProcessState::Backoff));
            let as_before = wanted_up().find_map(|process| Some((process.part, process.heir_failed()?)));
            let reply = match down {
                None if let Some((part, why)) = as_before => Reply::Refused {
                    reason: format!("the new {part} did not come up: {why}. The one that ran before goes on"),
                },
                Some(process) => {
                    let detail = process.info().detail.unwrap_or_default();
                    Reply::Refused { reason: format!("{} did not come up: {detail}", process.part) }
                }
                None => Reply::Done { names: names(&waiter.parts) },
            };
            waiter.reply.send(reply).ok();
        }
    }

    /// A process asks to come to the bus.
    pub(super) fn admit_to_bus(&mut self, ask: Ask<Ticket>) {
        let admitted = self.identify(Door::Bus, &ask).and_then(|identity| {
            if let Identity::Child(id) = identity {
                self.hand_over(id, ask.peer.pid)?;
            }
            let full = || Refusal { reason: "there are too many crawlers already".to_owned(), again: true };
            let (id, supervised) = match identity {
                Identity::Child(id) => (id, true),
                Identity::External => (self.hub.external_id(ask.hello.boot).ok_or_else(full)?, false),
            };
            self.hub.admit(&Member { id, pid: ask.peer.pid, supervised }, ask.hello.clone())
        });
        let came = admitted.as_ref().ok().map(|ticket| ticket.id);
        ask.answer.send(admitted).ok();
        let part = self.processes.iter().find(|process| came.is_some() && process.part.id() == came);
        match part.map(|process| (process.part, process.state())) {
            Some((Part::Website, ProcessState::Starting)) => self.probe(Part::Website, "/healthz", Wanted::Ok),
            Some((part, ProcessState::Starting)) => self.ready(part),
            Some(_) => {}
            None => {
                if let Some(id) = came {
                    tracing::info!(process.id = %id, process.pid = ask.peer.pid, "{id} has joined, started by hand");
                }
            }
        }
    }

    /// Lets the heir with this process id have its place, if the one that has it has gone; else asks that one to go.
    fn hand_over(&mut self, id: ProcessId, pid: u32) -> Result<(), Refusal> {
        let (now, grace, ready_timeout) = (Instant::now(), self.grace(), self.ready_timeout());
        let is_heir = |process: &&mut Process| {
            process.heir().is_some_and(|heir| u32::try_from(heir.life.pid.as_raw()) == Ok(pid))
        };
        let taken = self.hub.is_connected(id);
        let Some(process) = self.processes.iter_mut().find(is_heir) else { return Ok(()) };
        let part = process.part;
        let end = process.heir_came(now, grace);
        if !taken {
            process.hand_over(now, ready_timeout, grace);
        }
        if end {
            tracing::info!("the new {part} is there; the one before it finishes what it has begun");
            let old = self.processes.iter().find(|process| process.part == part).and_then(Process::outgoing);
            if let Some(pid) = old {
                reap::signal(pid, Signal::SIGTERM);
            }
        }
        if taken {
            return Err(Refusal { reason: "the one before it is still there".to_owned(), again: true });
        }
        Ok(())
    }

    /// A process asks for the credentials socket.
    pub(super) fn admit_to_auth(&mut self, ask: Ask<ProcessId>) {
        let told_at_start = self.settings.supervisor.credentials == CredentialDelivery::Environment;
        let identity = self.identify(Door::Auth, &ask).and_then(|identity| match identity {
            Identity::Child(id) if id != ProcessId::WEBSITE && told_at_start => {
                let reason = "it was given its credentials when it was started".to_owned();
                Err(Refusal { reason, again: false })
            }
            Identity::Child(id) => Ok(id),
            Identity::External => Err(Refusal { reason: "it brings its own credentials".to_owned(), again: false }),
        });
        debug_assert!(!matches!(identity, Ok(ProcessId::WEBSITE)) || ask.hello.role == Role::Website);
        ask.answer.send(identity).ok();
    }

    fn identify<T>(&self, door: Door, ask: &Ask<T>) -> Result<Identity, Refusal> {
        let lives = self.processes.iter().flat_map(|process| {
            let heir = process.heir().map(|heir| &heir.life);
            process.life().into_iter().chain(heir).map(|life| (process.part, life))
        });
        let children = lives.filter_map(|(part, life)| {
            let pid = u32::try_from(life.pid.as_raw()).ok()?;
            Some(Child { id: part.id()?, pid, secret: life.secret.clone() })
        });
        admission::identify(children, self.settings.crawler.accept_external, door, ask.peer, &ask.hello)
    }
}

fn names(parts: &[Part]) -> Vec<String> {
    parts.iter().map(ToString::to_string).collect()
}
