//! What was learnt a while ago: a bounded map whose entries are filled by whoever comes first, while the others wait.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// An entry of a [`Memo`]: empty at first, filled behind a shared reference.
pub(crate) trait Entry: Default {
    /// How long it is good for from its creation.
    fn ttl(&self) -> Duration;
}

/// Remembers at most `capacity` entries; the oldest goes first.
pub(crate) struct Memo<E> {
    capacity: usize,
    inner: Mutex<Inner<E>>,
}

struct Inner<E> {
    map: HashMap<Arc<str>, Slot<E>>,
    /// By age, with the number of the slot: one that was replaced since is not dropped in its successor's place.
    order: VecDeque<(Arc<str>, u64)>,
    created: u64,
}

struct Slot<E> {
    entry: Arc<E>,
    number: u64,
    since: Instant,
}

impl<E: Entry> Memo<E> {
    pub(crate) fn new(capacity: usize) -> Self {
        let inner = Inner { map: HashMap::new(), order: VecDeque::new(), created: 0 };
        Self { capacity: capacity.max(1), inner: Mutex::new(inner) }
    }

    /// The entry of `key`; an empty one if there is none or it is too old.
    pub(crate) fn entry(&self, key: &str) -> Arc<E> {
        let mut inner = self.lock();
        if let Some(slot) = inner.map.get(key).filter(|slot| slot.since.elapsed() < slot.entry.ttl()) {
            return Arc::clone(&slot.entry);
        }
        let (key, entry) = (Arc::<str>::from(key), Arc::new(E::default()));
        inner.created += 1;
        let number = inner.created;
        inner.order.push_back((Arc::clone(&key), number));
        inner.map.insert(key, Slot { entry: Arc::clone(&entry), number, since: Instant::now() });
        inner.trim(self.capacity);
        entry
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.lock().map.len()
    }

    fn lock(&self) -> MutexGuard<'_, Inner<E>> {
        // Poison cannot hide here: every state between two statements is a usable one.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E> Inner<E> {
    /// The order holds replaced slots as well; they count, so that it is bounded too.
    fn trim(&mut self, capacity: usize) {
        while self.order.len() > capacity {
            let Some((key, number)) = self.order.pop_front() else { return };
            if self.map.get(&key).is_some_and(|slot| slot.number == number) {
                self.map.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::OnceLock;

    #[derive(Default)]
    struct Number(OnceLock<u32>);

    impl Entry for Number {
        fn ttl(&self) -> Duration {
            Duration::from_secs(if self.0.get() == Some(&0) { 1 } else { 10 })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn entries_age() {
        let memo = Memo::<Number>::new(10);
        memo.entry("short").0.set(0).unwrap();
        memo.entry("long").0.set(7).unwrap();
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(memo.entry("short").0.get(), None);
        assert_eq!(memo.entry("long").0.get(), Some(&7));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(memo.entry("long").0.get(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_goes_first() {
        let memo = Memo::<Number>::new(3);
        for key in ["a", "b", "c", "d"] {
            memo.entry(key).0.set(1).unwrap();
        }
        assert_eq!(memo.len(), 3);
        assert_eq!(memo.entry("b").0.get(), Some(&1));
        assert_eq!(memo.entry("a").0.get(), None);
        for _ in 0..100 {
            tokio::time::advance(Duration::from_secs(20)).await;
            memo.entry("a");
        }
        assert!(memo.lock().order.len() <= 3);
    }
}
