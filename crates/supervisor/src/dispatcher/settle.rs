//! What follows from the state of the table: who may start, who is told.

use super::Dispatcher;
use crate::{
    invitation::{invitation, typeable},
    part::Part,
    process::{Process, now_ms},
};
use sd_notify::NotifyState;
use std::time::{Duration, Instant};
use trawl_protocol::{ProcessInfo, ProcessState};

impl Dispatcher {
    /// Does all that can be done now.
    pub(super) async fn settle(&mut self) {
        if !self.is_ending() {
            self.forget_gone();
            self.spawn_heirs().await;
            self.start_waiting().await;
            self.publish();
            self.give_up_if_nothing_goes_on();
        }
        self.proceed_to_end();
        self.publish();
        self.answer();
    }

    async fn start_waiting(&mut self) {
        for part in self.waiting() {
            match self.gate(part) {
                Some(reason) => {
                    if let Some(process) = self.process(part) {
                        process.hold(reason);
                    }
                }
                None => self.spawn(part).await,
            }
        }
    }

    fn waiting(&self) -> Vec<Part> {
        let waiting = self.processes.iter().filter(|process| process.state() == ProcessState::Waiting);
        waiting.map(|process| process.part).collect()
    }

    /// Why a process may not start yet.
    fn gate(&self, part: Part) -> Option<&'static str> {
        let simulator = self.processes.iter().find(|process| process.part == Part::GitlabSim).map(Process::state);
        match (part, simulator) {
            (Part::Website, Some(ProcessState::Failed)) => Some("waits for gitlab-sim, which has failed"),
            (Part::Website, Some(state)) if !matches!(state, ProcessState::Running | ProcessState::Stopped) => {
                Some("waits for gitlab-sim")
            }
            // Which accounts are linked it has to tell first, even if there are none: much can be done without.
            (Part::Crawler(_), _) if self.credentials.borrow().is_none() => Some("waits for the website"),
            _ => None,
        }
    }

    /// Shows what has changed to whom it concerns.
    fn publish(&mut self) {
        let table: Vec<ProcessInfo> = self.processes.iter().map(Process::info).collect();
        if table == self.shown {
            return;
        }
        // What ends with it has to be started with it.
        let ends = self.is_ending() || self.given_up().is_some();
        let again = |name: &str| {
            let command = if ends { "start".to_owned() } else { format!("start {name}") };
            self.runtime.invocation().command(&command)
        };
        let before = std::mem::replace(&mut self.shown, table.clone());
        let mut website_is_ready = false;
        for (index, (process, now)) in self.processes.iter().zip(&table).enumerate() {
            if before.get(index).is_some_and(|before| before.state == now.state && before.detail == now.detail) {
                continue;
            }
            report(process, now, again);
            website_is_ready |= process.part == Part::Website && now.state == ProcessState::Running;
        }
        self.hub.show_processes(table);
        if website_is_ready {
            self.banner();
        }
        self.notify_ready();
    }

    /// Tells a person where to go.
    fn banner(&self) {
        self.logs.announce("");
        self.logs.announce(invitation(&self.runtime, &self.url()));
        self.logs.announce("");
    }

    /// Where people reach the website.
    pub(super) fn url(&self) -> String {
        typeable(&match self.launcher.address(Part::Website) {
            Some(address) if address != self.settings.server.listen => format!("http://{address}"),
            _ => self.settings.server.url(),
        })
    }

    /// Tells the service manager, once: when the website is ready, or everything else where no website is wanted.
    fn notify_ready(&mut self) {
        let website = self.processes.iter().find(|process| process.part == Part::Website).map(Process::state);
        let ready = matches!(website, Some(ProcessState::Running | ProcessState::Stopped));
        if ready && !self.is_ending() && !std::mem::replace(&mut self.notified, true) {
            notify(&NotifyState::Ready);
        }
    }
}

/// Says it to the service manager, if there is one.
pub(super) fn notify(state: &NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(std::slice::from_ref(state)) {
        tracing::warn!(%error, "cannot tell the service manager");
    }
}

fn report(process: &Process, now: &ProcessInfo, again: impl Fn(&str) -> String) {
    let (name, detail) = (now.name.as_str(), now.detail.as_deref().unwrap_or_default());
    let pid = now.pid.unwrap_or_default();
    match now.state {
        ProcessState::Waiting if detail.is_empty() => {}
        ProcessState::Waiting => tracing::info!("{name} {detail}"),
        ProcessState::Starting => tracing::debug!(process.pid = pid, "{name} is starting"),
        ProcessState::Running => tracing::info!(process.pid = pid, "{name} is running"),
        ProcessState::Backoff => {
            let pause = process.again_at().map_or(Duration::ZERO, |due| due.saturating_duration_since(Instant::now()));
            tracing::warn!("{name} {detail}; starting it again in {} ms", pause.as_millis());
        }
        ProcessState::Failed => {
            let detail = detail.trim_end_matches('.');
            tracing::error!("{name} has failed and stays down: {detail}. When that is mended: {}", again(name));
        }
        ProcessState::Stopping => tracing::info!(process.pid = pid, "{name} is stopping"),
        ProcessState::Stopped => tracing::info!(stopped_ms = now_ms() - now.since_ms, "{name} is stopped"),
    }
}
