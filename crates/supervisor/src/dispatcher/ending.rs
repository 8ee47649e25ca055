//! The end: crawlers first, so that they can hand back their jobs, then the website, then the simulator.

use super::{Dispatcher, settle::notify};
use crate::{part::Part, process::Process, reap};
use nix::sys::signal::Signal;
use sd_notify::NotifyState;
use std::time::Instant;
use trawl_protocol::ProcessState;
use trawl_settings::exit;

/// The end that has begun.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    code: u8,
    /// Without any grace.
    at_once: bool,
    /// Nothing is left.
    over: bool,
}

impl Dispatcher {
    /// Ctrl+C or SIGTERM; a second one means it.
    pub(super) fn asked_to_end(&mut self) {
        match &mut self.end {
            None => self.begin_end(0),
            Some(end) => {
                tracing::warn!("killing everything at once");
                end.at_once = true;
            }
        }
    }

    /// Begins to end everything.
    pub(super) fn begin_end(&mut self, code: u8) {
        if self.end.is_none() {
            let grace = self.settings.supervisor.stop_grace_seconds;
            tracing::info!("stopping; processes have {grace} s each. Press Ctrl+C again to kill them at once");
            notify(&NotifyState::Stopping);
            self.end = Some(End { code, at_once: false, over: false });
        }
    }

    /// Whether the end has begun.
    pub(super) const fn is_ending(&self) -> bool {
        self.end.is_some()
    }

    /// Whether the end is over, and with which code.
    pub(super) fn ended(&self) -> Option<u8> {
        self.end.filter(|end| end.over).map(|end| end.code)
    }

    /// Stops whoever is next.
    pub(super) fn proceed_to_end(&mut self) {
        let Some(end) = self.end else { return };
        if end.at_once {
            self.living().into_iter().for_each(|pid| reap::signal(pid, Signal::SIGKILL));
        }
        let (now, grace) = (Instant::now(), self.grace());
        let last_alive = self.processes.iter().filter(|process| !process.is_gone()).map(rank).max();
        let mut terminate = Vec::new();
        for process in &mut self.processes {
            let its_turn = last_alive.is_none_or(|last| rank(process) == last);
            if (its_turn || process.is_gone()) && process.stop(now, grace) {
                terminate.push(process.part);
            }
        }
        for part in terminate {
            self.drop_heir(part);
            self.signal(part, Signal::SIGTERM);
        }
        if last_alive.is_none()
            && let Some(end) = &mut self.end
        {
            end.over = true;
        }
    }

    /// A system in which something has failed for good and nothing else can go on ends by itself, with the code that
    /// says why.
    pub(super) fn give_up_if_nothing_goes_on(&mut self) {
        if let (Some((part, code)), None) = (self.given_up(), self.end) {
            tracing::error!("nothing can go on without {part}");
            self.begin_end(code);
        }
    }

    /// What has failed for good where nothing else can go on, and the code that says why.
    pub(super) fn given_up(&self) -> Option<(Part, u8)> {
        let mut failed: Option<&Process> = None;
        for process in &self.processes {
            match process.state() {
                ProcessState::Failed => failed = failed.or(Some(process)),
                ProcessState::Waiting | ProcessState::Stopped => {}
                _ if process.part == Part::GitlabSim => {}
                _ => return None,
            }
        }
        failed.map(|failed| (failed.part, failed.exit_code().unwrap_or(exit::CHILD_FAILED)))
    }
}

/// Higher ones end first.
const fn rank(process: &Process) -> u8 {
    match process.part {
        Part::GitlabSim => 0,
        Part::Website => 1,
        Part::Crawler(_) => 2,
    }
}
