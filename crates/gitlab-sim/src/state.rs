//! What a running simulator shares between its requests.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use chrono::Utc;

use crate::{
    faults::FaultBook,
    forge::{
        generate::generate,
        model::World,
        motion::{Change, Mover},
        rights::Reader,
    },
    grants::GrantBook,
    options::Options,
};

pub(crate) struct State {
    pub(crate) options: Options,
    world: RwLock<Arc<World>>,
    mover: Mutex<Mover>,
    faults: Mutex<FaultBook>,
    requests: Mutex<BTreeMap<String, u64>>,
    windows: Mutex<HashMap<Option<usize>, Window>>,
    refusals: AtomicU64,
    grants: Mutex<GrantBook>,
}

struct Window {
    since: Instant,
    used: u32,
}

/// What the rate limit headers say.
pub(crate) struct Quota {
    pub(crate) limit: u32,
    pub(crate) remaining: u32,
    /// Seconds until the window ends.
    pub(crate) wait_s: u64,
    /// The same as a Unix time.
    pub(crate) reset: u64,
    pub(crate) allowed: bool,
}

/// A panic elsewhere leaves nothing half done here: every change is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    pub(crate) fn new(options: Options) -> Self {
        let world = generate(options.seed, options.scale, options.copies, options.epoch);
        Self {
            world: RwLock::new(Arc::new(world)),
            mover: Mutex::new(Mover::new(options.seed)),
            faults: Mutex::new(FaultBook::new(options.faults.clone(), options.seed)),
            requests: Mutex::default(),
            windows: Mutex::default(),
            refusals: AtomicU64::new(0),
            grants: Mutex::default(),
            options,
        }
    }

    pub(crate) fn world(&self) -> Arc<World> {
        self.world.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes `steps` changes now and says which came about.
    pub(crate) fn advance(&self, steps: u32, wanted: Option<Change>) -> Vec<Change> {
        let mut mover = lock(&self.mover);
        let mut next = World::clone(&self.world());
        let done = (0..steps).filter_map(|_| mover.step(&mut next, wanted, Utc::now())).collect();
        *self.world.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        done
    }

    pub(crate) fn remove_member(&self, username: &str, group_path: &str) -> bool {
        // The mover's lock keeps changes apart.
        let _moving = lock(&self.mover);
        let mut next = World::clone(&self.world());
        let person = next.person(username);
        let Some(group) = next.groups.iter_mut().find(|group| group.full_path == group_path) else { return false };
        let members = &mut Arc::make_mut(group).members;
        let before = members.len();
        members.retain(|member| Some(member.person) != person);
        let removed = members.len() < before;
        *self.world.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
        removed
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, FaultBook> {
        lock(&self.faults)
    }

    pub(crate) fn grants(&self) -> MutexGuard<'_, GrantBook> {
        lock(&self.grants)
    }

    pub(crate) fn count_request(&self, endpoint: &str) {
        *lock(&self.requests).entry(endpoint.to_owned()).or_default() += 1;
    }

    pub(crate) fn requests(&self) -> BTreeMap<String, u64> {
        lock(&self.requests).clone()
    }

    pub(crate) fn count_refusal(&self) {
        self.refusals.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refusals(&self) -> u64 {
        self.refusals.load(Ordering::Relaxed)
    }

    /// Takes one request from the reader's quota.
    pub(crate) fn take(&self, reader: Reader) -> Quota {
        let limit = self.options.rate_limit;
        let mut windows = lock(&self.windows);
        let window = windows.entry(reader.0).or_insert_with(|| Window { since: Instant::now(), used: 0 });
        let length = self.options.rate_window;
        if window.since.elapsed() >= length {
            window.since = Instant::now();
            window.used = 0;
        }
        let allowed = window.used < limit;
        window.used = window.used.saturating_add(1);
        let left = length.saturating_sub(window.since.elapsed());
        let reset = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + left;
        Quota {
            limit,
            remaining: limit.saturating_sub(window.used),
            wait_s: left.as_secs().max(1),
            reset: reset.as_secs(),
            allowed,
        }
    }
}
