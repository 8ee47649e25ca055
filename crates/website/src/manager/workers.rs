//! Who is there to do the work, as far as the bus tells.

use std::collections::{HashMap, HashSet};
use trawl_jobs::{Lane, Lease, Slots};
use trawl_protocol::{Boot, Peer, ProcessId, Role};

/// One crawler, in one of its lives.
#[derive(Debug, Clone)]
pub struct Worker {
    /// Its address.
    pub id: ProcessId,
    /// Its life.
    pub boot: Boot,
    /// Name of that life, as it stands in the database.
    pub name: String,
    /// Jobs at once.
    pub capacity: usize,
    /// The one instance that it has a token for.
    pub own_instance: Option<String>,
    /// What it runs; none until it has said what it holds.
    pub running: Option<HashMap<Lease, Lane>>,
    connected: bool,
    /// It gives jobs back, so it is about to end: nothing more for this life.
    leaving: bool,
}

/// How much may be claimed for a worker.
#[derive(Debug, Clone)]
pub struct Opening {
    /// For whom.
    pub worker: ProcessId,
    /// Name of its life.
    pub name: String,
    /// The one instance that it has a token for.
    pub own_instance: Option<String>,
    /// Jobs of any lane.
    pub any: usize,
    /// Jobs of the normal lane, at most `any`.
    pub normal: usize,
}

impl Worker {
    /// Whether it runs something, or may.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.running.as_ref().is_none_or(|running| !running.is_empty())
    }

    fn free(&self) -> usize {
        match &self.running {
            Some(running) if self.connected && !self.leaving => self.capacity.saturating_sub(running.len()),
            _ => 0,
        }
    }
}

/// All crawlers.
#[derive(Debug, Default)]
pub struct Workers {
    node: String,
    by_id: HashMap<ProcessId, Worker>,
}

/// What a new list of peers means.
#[derive(Debug, Default)]
pub struct Changes {
    /// To be asked what they hold.
    pub arrived: Vec<ProcessId>,
    /// Dead, with everything they held.
    pub lost: Vec<Worker>,
}

impl Workers {
    /// Nobody yet, on this node.
    #[must_use]
    pub fn new(node: &str) -> Self {
        Self { node: node.to_owned(), by_id: HashMap::new() }
    }

    /// Beginning of the names of this node's workers.
    #[must_use]
    pub fn name_prefix(&self) -> String {
        format!("{}/", self.node)
    }

    /// Everybody who is on the bus now.
    pub fn update(&mut self, peers: &[Peer]) -> Changes {
        let mut changes = Changes::default();
        let crawlers: HashMap<ProcessId, &Peer> =
            peers.iter().filter(|peer| peer.role == Role::Crawler).map(|peer| (peer.id, peer)).collect();
        let gone: Vec<ProcessId> = self
            .by_id
            .values()
            .filter(|worker| crawlers.get(&worker.id).is_none_or(|peer| peer.boot != worker.boot))
            .map(|worker| worker.id)
            .collect();
        changes.lost.extend(gone.iter().filter_map(|id| self.by_id.remove(id)));
        for (id, peer) in crawlers {
            let name = format!("{}/{id}/{}", self.node, peer.boot);
            let worker = self.by_id.entry(id).or_insert_with(|| {
                changes.arrived.push(id);
                Worker {
                    id,
                    boot: peer.boot,
                    name,
                    capacity: usize::from(peer.capacity),
                    own_instance: peer.own_instance.clone(),
                    running: None,
                    connected: false,
                    leaving: false,
                }
            });
            worker.connected = peer.connection.is_some();
        }
        changes
    }

    /// The supervisor is gone: nobody can be reached, and everybody will have to say again what they hold.
    pub fn cut_off(&mut self) {
        for worker in self.by_id.values_mut() {
            worker.connected = false;
        }
    }

    /// The worker at this address, if it is in this life.
    #[must_use]
    pub fn get(&self, id: ProcessId, boot: Boot) -> Option<&Worker> {
        self.by_id.get(&id).filter(|worker| worker.boot == boot)
    }

    /// The worker at this address.
    #[must_use]
    pub fn at(&self, id: ProcessId) -> Option<&Worker> {
        self.by_id.get(&id)
    }

    /// The worker of this name.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&Worker> {
        self.by_id.values().find(|worker| worker.name == name)
    }

    /// Names of all who live.
    #[must_use]
    pub fn names(&self) -> HashSet<String> {
        self.by_id.values().map(|worker| worker.name.clone()).collect()
    }

    /// A worker has said what it holds.
    pub fn holds(&mut self, id: ProcessId, leases: HashMap<Lease, Lane>) {
        if let Some(worker) = self.by_id.get_mut(&id) {
            worker.running = Some(leases);
        }
    }

    /// A job has been given to a worker.
    pub fn started(&mut self, id: ProcessId, lease: Lease, lane: Lane) {
        if let Some(running) = self.by_id.get_mut(&id).and_then(|worker| worker.running.as_mut()) {
            running.insert(lease, lane);
        }
    }

    /// A worker has given a job back.
    pub fn leaves(&mut self, id: ProcessId) {
        if let Some(worker) = self.by_id.get_mut(&id) {
            worker.leaving = true;
        }
    }

    /// A worker is done with a job.
    pub fn ended(&mut self, lease: Lease) {
        for running in self.by_id.values_mut().filter_map(|worker| worker.running.as_mut()) {
            running.remove(&lease);
        }
    }

    /// Whether some worker runs a job under this lease.
    #[must_use]
    pub fn has(&self, lease: Lease) -> bool {
        self.by_id.values().filter_map(|worker| worker.running.as_ref()).any(|running| running.contains_key(&lease))
    }

    /// Jobs that run now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.by_id.values().filter_map(|worker| worker.running.as_ref()).map(HashMap::len).sum()
    }

    /// How much may be claimed now, the idlest worker first.
    #[must_use]
    pub fn openings(&self, slots: Slots) -> Vec<Opening> {
        let count = |lane| {
            let running = self.by_id.values().filter_map(|worker| worker.running.as_ref());
            running.flat_map(HashMap::values).filter(|its| **its == lane).count()
        };
        let (mut any, mut normal) = slots.free(count(Lane::Priority), count(Lane::Normal));
        let mut idle: Vec<&Worker> = self.by_id.values().filter(|worker| worker.free() > 0).collect();
        idle.sort_by_key(|worker| (std::cmp::Reverse(worker.free()), worker.id));
        let crawlers = idle.len().max(1);
        let share = any.div_ceil(crawlers);
        let mut openings = Vec::new();
        for worker in idle {
            let its_any = worker.free().min(share).min(any);
            let its_normal = its_any.min(normal);
            any -= its_any;
            normal -= its_normal;
            if its_any > 0 {
                openings.push(Opening {
                    worker: worker.id,
                    name: worker.name.clone(),
                    own_instance: worker.own_instance.clone(),
                    any: its_any,
                    normal: its_normal,
                });
            }
        }
        openings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(number: u16, boot: u32, connection: Option<u32>) -> Peer {
        Peer {
            id: ProcessId::crawler(number),
            boot: Boot(boot),
            role: Role::Crawler,
            connection,
            capacity: 4,
            kinds: Vec::new(),
            own_instance: None,
        }
    }

    #[test]
    fn another_life_is_another_worker() {
        let mut workers = Workers::new("here");
        assert_eq!(workers.update(&[peer(1, 7, Some(1))]).arrived, [ProcessId::crawler(1)]);
        let changes = workers.update(&[peer(1, 8, Some(2))]);
        assert_eq!(changes.lost[0].name, "here/crawler-1/00000007");
        assert_eq!(changes.arrived, [ProcessId::crawler(1)]);
    }

    #[test]
    fn nobody_gets_work_before_saying_what_it_holds() {
        let slots = Slots { total: 8, reserved: 2 };
        let mut workers = Workers::new("here");
        workers.update(&[peer(1, 7, Some(1)), peer(2, 9, Some(2))]);
        assert!(workers.openings(slots).is_empty());
        workers.holds(ProcessId::crawler(1), HashMap::new());
        let openings = workers.openings(slots);
        assert_eq!((openings.len(), openings[0].any, openings[0].normal), (1, 4, 4));
        workers.holds(ProcessId::crawler(2), HashMap::new());
        let normal: usize = workers.openings(slots).iter().map(|opening| opening.normal).sum();
        assert_eq!(normal, 6, "two slots are kept for urgent jobs");
        workers.update(&[peer(1, 7, None), peer(2, 9, Some(2))]);
        assert_eq!(workers.openings(slots).len(), 1);
        workers.leaves(ProcessId::crawler(2));
        assert!(workers.openings(slots).is_empty(), "what it was given it would give back at once");
    }
}
