//! The pool of hosts: how many requests at a time, how far apart, and when a host wants to be left alone. Shared by
//! everything in the process, so that two scans of one host burden it like one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};
use url::Url;

use crate::normalize::host_and_port;
use crate::{Cause, Options};

pub(crate) struct Hosts {
    map: Mutex<HashMap<String, Arc<Host>>>,
    everywhere: Arc<Semaphore>,
    per_host: usize,
    interval: Duration,
    /// Hosts that are remembered.
    capacity: usize,
    max_wait: Duration,
}

pub(crate) struct Host {
    slots: Arc<Semaphore>,
    pace: Mutex<Pace>,
    refuses_head: AtomicBool,
}

#[derive(Clone, Copy)]
struct Pace {
    /// The next request starts no earlier.
    next: Instant,
    /// The host is left alone until then.
    closed_until: Instant,
}

/// The right to have one request under way. Ends when dropped.
pub(crate) struct Permit {
    host: Arc<Host>,
    _slot: OwnedSemaphorePermit,
    _everywhere: OwnedSemaphorePermit,
}

impl Hosts {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            map: Mutex::default(),
            everywhere: Arc::new(Semaphore::new(options.concurrency.clamp(1, Semaphore::MAX_PERMITS))),
            per_host: options.per_host_concurrency.clamp(1, Semaphore::MAX_PERMITS),
            interval: Duration::from_millis(options.per_host_interval_ms),
            capacity: options.max_hosts.max(1),
            max_wait: Duration::from_millis(options.max_retry_after_ms),
        }
    }

    /// Waits for a turn at the host of `url`. `interval` is the pause that this request wants after it; the pool's own
    /// is the least. A host that wants to be left alone for too long is not waited for.
    pub(crate) async fn enter(&self, url: &Url, interval: Duration) -> Result<Permit, Cause> {
        let host = self.host(&host_and_port(url));
        let slot = acquire(&host.slots).await;
        host.turn(interval.max(self.interval), self.max_wait).await?;
        // Last, so that nobody who waits for one host keeps others from theirs.
        let everywhere = acquire(&self.everywhere).await;
        Ok(Permit { host, _slot: slot, _everywhere: everywhere })
    }

    fn host(&self, key: &str) -> Arc<Host> {
        // Poison cannot hide here: the map is whole between two statements.
        let mut map = self.map.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(host) = map.get(key) {
            return Arc::clone(host);
        }
        if map.len() >= self.capacity {
            forget_idle(&mut map, self.capacity);
        }
        let host = Arc::new(Host::new(self.per_host));
        map.insert(key.to_owned(), Arc::clone(&host));
        host
    }
}

/// Forgets whoever is not in use; those that want to be left alone only if room is needed still.
fn forget_idle(map: &mut HashMap<String, Arc<Host>>, capacity: usize) {
    let now = Instant::now();
    map.retain(|_, host| Arc::strong_count(host) > 1 || host.rests_until() > now);
    if map.len() >= capacity {
        map.retain(|_, host| Arc::strong_count(host) > 1);
    }
}

async fn acquire(semaphore: &Arc<Semaphore>) -> OwnedSemaphorePermit {
    Arc::clone(semaphore).acquire_owned().await.expect("nothing in this file closes a semaphore")
}

impl Host {
    fn new(slots: usize) -> Self {
        let now = Instant::now();
        Self {
            slots: Arc::new(Semaphore::new(slots)),
            pace: Mutex::new(Pace { next: now, closed_until: now }),
            refuses_head: AtomicBool::new(false),
        }
    }

    async fn turn(&self, interval: Duration, max_wait: Duration) -> Result<(), Cause> {
        loop {
            let turn = self.reserve(interval, max_wait)?;
            sleep_until(turn).await;
            // Meanwhile another request may have learnt that the host wants to be left alone.
            if self.pace().closed_until <= Instant::now() {
                return Ok(());
            }
        }
    }

    /// When the next request may start.
    fn reserve(&self, interval: Duration, max_wait: Duration) -> Result<Instant, Cause> {
        let mut pace = self.pace();
        let now = Instant::now();
        let closed = pace.closed_until.saturating_duration_since(now);
        if closed > max_wait {
            return Err(Cause::Busy { wait_ms: u64::try_from(closed.as_millis()).unwrap_or(u64::MAX) });
        }
        let turn = pace.next.max(pace.closed_until).max(now);
        pace.next = turn + interval;
        Ok(turn)
    }

    fn rests_until(&self) -> Instant {
        let pace = self.pace();
        pace.next.max(pace.closed_until)
    }

    fn pace(&self) -> MutexGuard<'_, Pace> {
        // Poison cannot hide here: both times are always valid.
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Permit {
    /// Leaves the host alone for `wait`, whoever asks.
    pub(crate) fn close_host(&self, wait: Duration) {
        let mut pace = self.host.pace();
        pace.closed_until = pace.closed_until.max(Instant::now() + wait);
    }

    /// This host is not worth a HEAD.
    pub(crate) fn note_head_refused(&self) {
        self.host.refuses_head.store(true, Ordering::Relaxed);
    }

    pub(crate) fn refuses_head(&self) -> bool {
        self.host.refuses_head.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    fn hosts(options: &Options) -> Arc<Hosts> {
        Arc::new(Hosts::new(options))
    }

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn requests_to_one_host_keep_their_distance() {
        let hosts = hosts(&Options { per_host_interval_ms: 100, ..Options::default() });
        let start = Instant::now();
        for _ in 0..4 {
            hosts.enter(&url("http://a.example/"), Duration::ZERO).await.unwrap();
        }
        hosts.enter(&url("http://b.example/"), Duration::ZERO).await.unwrap();
        assert_eq!(start.elapsed().as_millis(), 300);
        hosts.enter(&url("http://a.example/"), Duration::from_secs(1)).await.unwrap();
        hosts.enter(&url("http://a.example/"), Duration::ZERO).await.unwrap();
        assert_eq!(start.elapsed().as_millis(), 1400);
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_at_a_time_than_allowed() {
        let hosts = hosts(&Options { per_host_concurrency: 2, concurrency: 3, ..Options::default() });
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]));
        let mut tasks = tokio::task::JoinSet::new();
        for at in 0..20_usize {
            let (hosts, running, most) = (Arc::clone(&hosts), Arc::clone(&running), Arc::clone(&most));
            tasks.spawn(async move {
                let permit = hosts.enter(&url(&format!("http://{}.example/", at % 4)), Duration::ZERO).await.unwrap();
                let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                most[0].fetch_max(now, Ordering::SeqCst);
                let here = 2 - permit.host.slots.available_permits();
                most[1].fetch_max(here, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(10)).await;
                running.fetch_sub(1, Ordering::SeqCst);
            });
        }
        while let Some(result) = tasks.join_next().await {
            result.unwrap();
        }
        assert_eq!((most[0].load(Ordering::SeqCst), most[1].load(Ordering::SeqCst)), (3, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_host_is_waited_for_unless_that_takes_too_long() {
        let hosts = hosts(&Options::default());
        let a = url("http://a.example/");
        let start = Instant::now();
        hosts.enter(&a, Duration::ZERO).await.unwrap().close_host(Duration::from_secs(30));
        let permit = hosts.enter(&a, Duration::ZERO).await.unwrap();
        assert_eq!(start.elapsed().as_secs(), 30);
        permit.close_host(Duration::from_secs(90));
        assert_eq!(hosts.enter(&a, Duration::ZERO).await.err(), Some(Cause::Busy { wait_ms: 90_000 }));
        assert!(hosts.enter(&url("http://a.example:81/"), Duration::ZERO).await.is_ok(), "another port");
    }

    #[tokio::test(start_paused = true)]
    async fn idle_hosts_are_forgotten() {
        let hosts = hosts(&Options { max_hosts: 10, ..Options::default() });
        let kept = hosts.enter(&url("http://kept.example/"), Duration::ZERO).await.unwrap();
        kept.note_head_refused();
        for at in 0..1000 {
            hosts.enter(&url(&format!("http://{at}.example/")), Duration::from_hours(1)).await.unwrap();
        }
        assert!(hosts.map.lock().unwrap().len() <= 10);
        drop(kept);
        assert!(hosts.enter(&url("http://kept.example/"), Duration::ZERO).await.unwrap().refuses_head());
    }
}
