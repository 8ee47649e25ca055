//! What others ask for: people over the control socket, processes at the doors.

use super::Dispatcher;
use crate::{
    admission::{self, Child, Identity},
    control::{Asked, Reply, Request, Status},
    error::SupervisorError,
    part::{self, Part},
    probe::Wanted,
    process::Process,
    relay::{Ask, Door, Member, Ticket},
};
use nix::sys::signal::Signal;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;
use trawl_protocol::{ProcessId, ProcessState, Refusal, Role};

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
    pub(super) fn request(&mut self, (request, reply): Asked) {
        match self.fulfil(&request) {
            Ok((parts, Some(goal))) => self.waiters.push(Waiter { parts, goal, reply }),
            Ok((parts, None)) => drop(reply.send(match request {
                Request::Status => Reply::Status(self.status()),
                _ => Reply::Done { names: names(&parts) },
            })),
            Err(refusal) => drop(reply.send(refusal)),
        }
    }

    fn fulfil(&mut self, request: &Request) -> Result<(Vec<Part>, Option<Goal>), Reply> {
        match request {
            Request::Status | Request::Follow { .. } => Ok((Vec::new(), None)),
            _ if self.is_ending() => Err(Reply::Ending),
            Request::Start { names } => Ok((self.start(names)?, None)),
            Request::Stop { names } if names.is_empty() => {
                self.begin_end(0);
                Ok((Vec::new(), Some(Goal::End)))
            }
            Request::Stop { names } => {
                let parts = self.select(names)?;
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
                self.each(&parts, Process::restart);
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

    fn each(&mut self, parts: &[Part], action: impl Fn(&mut Process, Instant, Duration) -> bool) {
        let (now, grace) = (Instant::now(), Duration::from_secs(self.settings.supervisor.stop_grace_seconds));
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
            url: self.url(),
            processes: self.processes.iter().map(Process::info).collect(),
            external: external.filter(|name| name.contains("-x")).collect(),
        }
    }

    /// Answers those whose time has come.
    pub(super) fn answer(&mut self) {
        let processes = &self.processes;
        let find = |part: &Part| processes.iter().find(|process| process.part == *part);
        let settled = |waiter: &mut Waiter| {
            waiter.parts.iter().filter_map(find).all(|process| match waiter.goal {
                Goal::Down => process.life().is_none(),
                Goal::Up => !matches!(process.state(), ProcessState::Starting | ProcessState::Stopping),
                Goal::End => false,
            }) && waiter.goal != Goal::End
        };
        for waiter in self.waiters.extract_if(.., settled) {
            let down = waiter.parts.iter().filter_map(find).find(|process| {
                waiter.goal == Goal::Up && matches!(process.state(), ProcessState::Failed | ProcessState::Backoff)
            });
            let reply = match down {
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

    /// A process asks for the credentials socket.
    pub(super) fn admit_to_auth(&mut self, ask: Ask<ProcessId>) {
        let identity = self.identify(Door::Auth, &ask).and_then(|identity| match identity {
            Identity::Child(id) => Ok(id),
            Identity::External => Err(Refusal { reason: "it brings its own credentials".to_owned(), again: false }),
        });
        debug_assert!(!matches!(identity, Ok(ProcessId::WEBSITE)) || ask.hello.role == Role::Website);
        ask.answer.send(identity).ok();
    }

    fn identify<T>(&self, door: Door, ask: &Ask<T>) -> Result<Identity, Refusal> {
        let children = self.processes.iter().filter_map(|process| {
            let life = process.life()?;
            let pid = u32::try_from(life.pid.as_raw()).ok()?;
            Some(Child { id: process.part.id()?, pid, secret: life.secret.clone() })
        });
        admission::identify(children, self.settings.crawler.accept_external, door, ask.peer, &ask.hello)
    }
}

fn names(parts: &[Part]) -> Vec<String> {
    parts.iter().map(ToString::to_string).collect()
}
