//! The configuration, read again while everything runs.

use super::{Dispatcher, pings, settle::notify};
use crate::{
    error::SupervisorError,
    part::{self, Part},
    process::Process,
    reload::Reloaded,
    restart::RestartPolicy,
};
use sd_notify::NotifyState;
use tokio::time::Interval;

impl Dispatcher {
    /// Reads the configuration again. What can change at once does; children read the rest when they start next.
    ///
    /// # Errors
    /// It is wrong; nothing has changed then.
    pub(super) fn reload(&mut self, pinging: &mut Interval) -> Result<Reloaded, SupervisorError> {
        if let Ok(now) = NotifyState::monotonic_usec_now() {
            notify(&NotifyState::Reloading);
            notify(&now);
        }
        let reloaded = self.read_again(pinging);
        match &reloaded {
            Ok(reloaded) => {
                let command = |command: &str| self.runtime.invocation().command(command);
                reloaded.sentences(command).iter().for_each(|sentence| tracing::info!("reloaded: {sentence}"));
            }
            Err(error) => tracing::error!("the configuration stays as it is: {error}"),
        }
        notify(&NotifyState::Ready);
        reloaded
    }

    fn read_again(&mut self, pinging: &mut Interval) -> Result<Reloaded, SupervisorError> {
        let again = self.configured.read_again()?;
        let reloaded = Reloaded::between(&self.configured.settings, &again.settings);
        again.accept(&self.runtime)?;
        self.settings.supervisor = again.settings.supervisor.clone();
        self.settings.crawler = again.settings.crawler.clone();
        self.settings.server.public_url = again.settings.server.public_url.clone();
        self.configured = again;
        self.policy = RestartPolicy::from(&self.settings.supervisor);
        *pinging = pings(&self.settings.supervisor);
        self.credentials_changed();
        self.change_parts();
        Ok(reloaded)
    }

    /// Gives the table a row for each process that is to be there now, and ends those that are not.
    fn change_parts(&mut self) {
        let all = part::all(&self.settings, self.configured.demo);
        for part in &all {
            if self.process(*part).is_none() {
                let mut process = Process::new(*part);
                process.want();
                self.processes.push(process);
            }
        }
        let gone: Vec<Part> =
            self.processes.iter().map(|process| process.part).filter(|part| !all.contains(part)).collect();
        self.each(&gone, Process::stop);
        self.leaving.extend(gone);
        self.leaving.retain(|part| !all.contains(part));
    }

    /// Forgets processes that are no longer part of the system once they have ended.
    pub(super) fn forget_gone(&mut self) {
        let leaving = &self.leaving;
        self.processes.retain(|process| !(leaving.contains(&process.part) && process.is_gone()));
    }
}
