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
        let count = |state| table.list.iter().filter(|process| process.state == state).count();
        let of = table.list.len() - count(ProcessState::Stopped);
        let (up, waiting) = (count(ProcessState::Running), count(ProcessState::Waiting));
        if count(ProcessState::Failed) > 0 {
            Lamp::Down { up, of }
        } else if up == of {
            Lamp::AllUp(of)
        } else if up + waiting == of {
            Lamp::Waiting { up, waiting }
        } else {
            Lamp::Restarting { up, of }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lamp_tells_waiting_from_starting() {
        let table = Processes::default();
        let words = |states: &[ProcessState]| {
            let row = |state: &ProcessState| ProcessInfo {
                name: "any".to_owned(),
                state: *state,
                pid: None,
                since_ms: 0,
                restarts: 0,
                detail: None,
                last_end: None,
            };
            table.set(states.iter().map(row).collect());
            table.lamp().words()
        };
        assert_eq!(words(&[ProcessState::Running]), "No supervisor");
        table.connected(true);
        assert_eq!(words(&[ProcessState::Running; 2]), "Both processes up");
        assert_eq!(words(&[ProcessState::Running; 3]), "All 3 processes up");
        assert_eq!(words(&[ProcessState::Running, ProcessState::Waiting]), "1 process up, 1 waiting");
        assert_eq!(
            words(&[ProcessState::Running, ProcessState::Waiting, ProcessState::Starting]),
            "1 of 3 processes up, the rest starting"
        );
        assert_eq!(words(&[ProcessState::Running, ProcessState::Failed]), "1 of 2 processes up");
        assert_eq!(words(&[ProcessState::Running, ProcessState::Running, ProcessState::Stopped]), "Both processes up");
    }
}
