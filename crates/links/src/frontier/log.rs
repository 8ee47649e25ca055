//! Logs of digests: they only grow, and each prefix of one is what it was earlier.

use std::collections::{HashMap, HashSet};

/// Each digest once, by the order of its coming.
#[derive(Debug, Default)]
pub(super) struct SetLog {
    order: Vec<u64>,
    set: HashSet<u64>,
}

impl SetLog {
    /// `true` if it is new.
    pub(super) fn insert(&mut self, digest: u64) -> bool {
        let new = self.set.insert(digest);
        if new {
            self.order.push(digest);
        }
        new
    }

    pub(super) fn contains(&self, digest: u64) -> bool {
        self.set.contains(&digest)
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    pub(super) fn prefix(&self, len: usize) -> &[u64] {
        &self.order[..len.min(self.order.len())]
    }
}

/// How often each digest came.
#[derive(Debug, Default)]
pub(super) struct CountedLog {
    order: Vec<u64>,
    counts: HashMap<u64, u32>,
}

impl CountedLog {
    pub(super) fn push(&mut self, digest: u64) {
        self.order.push(digest);
        *self.counts.entry(digest).or_default() += 1;
    }

    pub(super) fn count(&self, digest: u64) -> u32 {
        self.counts.get(&digest).copied().unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    pub(super) fn prefix(&self, len: usize) -> &[u64] {
        &self.order[..len.min(self.order.len())]
    }
}
