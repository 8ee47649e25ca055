//! The process table, as the supervisor last told it.

use crate::pages::Lamp;
use std::sync::{Arc, PoisonError, RwLock};
use trawl_protocol::{ProcessInfo, ProcessState};

/// Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Processes(Arc<RwLock<Table>>);

#[derive(Debug, Default)]
struct Table {
    connected: bool,
    list: Vec<ProcessInfo>,
}

impl Processes {
    /// A new table.
    pub fn set(&self, list: Vec<ProcessInfo>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).list = list;
    }

    /// Whether the supervisor can be reached.
    pub fn connected(&self, connected: bool) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).connected = connected;
    }

    /// The table.
    #[must_use]
    pub fn list(&self) -> Vec<ProcessInfo> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).list.clone()
    }

    /// All of it in one dot.
    #[must_use]
    pub fn lamp(&self) -> Lamp {
        let table = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if !table.connected {
            return Lamp::NoSupervisor;
        }
        let wanted = || table.list.iter().filter(|process| process.state != ProcessState::Stopped);
        let of = wanted().count();
        let up = wanted().filter(|process| process.state == ProcessState::Running).count();
        if wanted().any(|process| process.state == ProcessState::Failed) {
            Lamp::Down { up, of }
        } else if up == of {
            Lamp::AllUp(of)
        } else {
            Lamp::Restarting { up, of }
        }
    }
}
