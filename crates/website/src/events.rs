//! Live updates: what changed, for every browser that looks.
//!
//! The last events are kept for a while, so that a browser whose connection broke gets what it has missed. One that has
//! missed more, or is too slow to follow, is told to load everything anew: nothing is buffered without end for anybody.

use serde::Serialize;
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::broadcast;
use trawl_jobs::{Item, UserId, text::clip};
use trawl_store::jobs::Job;

/// How many events a slow browser may be behind before it is told to load everything anew, and how many are kept for one
/// that comes back.
const BACKLOG: usize = 1024;
/// How long events are kept for somebody who has looked and may come back.
const PATIENCE: Duration = Duration::from_secs(30);

/// What other nodes may tell of; processes are each node's own.
pub(crate) const TOPICS: [&str; 4] = ["job", "item", "area", "account"];
/// Items that an event tells of by name; the rest is only counted.
const ITEMS_TOLD: usize = 20;
/// Longer names of items are cut. Bytes.
const ITEM_NAME: usize = 300;

/// Something that changed.
#[derive(Debug, Clone)]
pub struct Event {
    /// Grows by one; what a browser had last when it comes back.
    pub id: u64,
    /// `job`, `item`, `area`, `account` or `process`.
    pub name: &'static str,
    /// JSON.
    pub data: Arc<str>,
    /// For this user and administrators; none: for everybody.
    pub user: Option<UserId>,
    /// Another node has told it.
    pub remote: bool,
}

/// Where events come in and go out. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hub {
    sender: broadcast::Sender<Event>,
    recent: Arc<Mutex<Recent>>,
}

#[derive(Debug)]
struct Recent {
    /// Without a gap up to `last`.
    events: VecDeque<Event>,
    /// Number of the newest event, kept or not.
    last: u64,
    /// Somebody has looked, and may come back until then.
    watched_until: Option<Instant>,
}

/// Events from some point on.
#[derive(Debug)]
pub struct Subscription {
    /// What came after the event that was seen last; none: more than is known.
    pub missed: Option<Vec<Event>>,
    /// Number of the newest of them, or of the newest that there was.
    pub last: u64,
    /// Everything after that.
    pub events: broadcast::Receiver<Event>,
}

#[derive(Serialize)]
struct JobEvent<'a> {
    id: &'a str,
    kind: &'a str,
    state: &'a str,
    progress: f64,
    area: Option<i64>,
}

#[derive(Serialize)]
struct ItemsEvent<'a> {
    /// Of the job.
    id: &'a str,
    /// So many items were reported.
    count: usize,
    /// The last of them, as far as they are told.
    items: Vec<ItemEvent<'a>>,
}

#[derive(Serialize)]
struct ItemEvent<'a> {
    name: String,
    state: &'static str,
    verdict: Option<&'a str>,
}

impl Default for Hub {
    fn default() -> Self {
        // Ids of another run of this process must not be taken for ours: begin at the time.
        let last = u64::try_from(trawl_store::now().timestamp_micros()).unwrap_or(1);
        let recent = Recent { events: VecDeque::new(), last, watched_until: None };
        Self { sender: broadcast::channel(BACKLOG).0, recent: Arc::new(Mutex::new(recent)) }
    }
}

impl Hub {
    /// A job has changed.
    pub fn job(&self, job: &Job) {
        let data = || {
            let event = JobEvent {
                id: job.id_text(),
                kind: &job.kind,
                state: job.state().map_or("unknown", trawl_jobs::State::as_str),
                // As many digits as the page has, or a bar that was just drawn would jump by a hair.
                progress: (job.progress * 10_000.0).round() / 10_000.0,
                area: job.area_id,
            };
            // Texts and numbers alone: it cannot fail.
            serde_json::to_string(&event).unwrap_or_default()
        };
        self.send("job", data, Some(UserId(job.user_id.unwrap_or(0))), false);
    }

    /// A job has said how single things went.
    pub fn items(&self, job: &Job, reported: &[Item]) {
        let data = || {
            let last = &reported[reported.len().saturating_sub(ITEMS_TOLD)..];
            let items = last.iter().map(|Item { name, state, verdict, .. }| ItemEvent {
                name: clip(name, ITEM_NAME),
                state: state.as_str(),
                verdict: verdict.as_deref(),
            });
            let items = items.collect();
            let event = ItemsEvent { id: job.id_text(), count: reported.len(), items };
            serde_json::to_string(&event).unwrap_or_default()
        };
        self.send("item", data, Some(UserId(job.user_id.unwrap_or(0))), false);
    }

    /// Several jobs have come or gone.
    pub fn jobs(&self) {
        self.publish("job", None);
    }

    /// What is mirrored has changed.
    pub fn areas(&self) {
        self.publish("area", None);
    }

    /// A linked account has changed.
    pub fn accounts(&self) {
        self.publish("account", None);
    }

    /// The process table has changed.
    pub fn processes(&self) {
        self.publish("process", None);
    }

    /// Another node has told this; what is no topic of ours is left out.
    pub fn heard(&self, name: &str, data: String, user: Option<UserId>) {
        if let Some(name) = TOPICS.into_iter().find(|topic| *topic == name) {
            self.send(name, || data, user, true);
        }
    }

    /// Something may have been missed: everybody is to look again.
    pub fn missed(&self) {
        for topic in TOPICS {
            self.send(topic, nothing, None, true);
        }
    }

    /// Events from now on, and those after the one that somebody has seen last.
    #[must_use]
    pub fn subscribe(&self, seen: Option<u64>) -> Subscription {
        let recent = self.recent();
        let last = recent.last;
        let missed = match seen {
            None => Some(Vec::new()),
            Some(seen) => {
                let oldest = recent.events.front().map_or(last + 1, |event| event.id);
                // One that we do not know yet is another life's.
                (oldest <= seen.saturating_add(1) && seen <= last)
                    .then(|| recent.events.iter().filter(|event| event.id > seen).cloned().collect())
            }
        };
        // Under the lock, so that nothing comes in between.
        Subscription { missed, last, events: self.sender.subscribe() }
    }

    /// Id of the newest event.
    #[must_use]
    pub fn last_id(&self) -> u64 {
        self.recent().last
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, name: &'static str, user: Option<UserId>) {
        self.send(name, nothing, user, false);
    }

    fn send(&self, name: &'static str, data: impl FnOnce() -> String, user: Option<UserId>, remote: bool) {
        let mut recent = self.recent();
        recent.last += 1;
        let at = Instant::now();
        if self.sender.receiver_count() > 0 {
            recent.watched_until = Some(at + PATIENCE);
        } else if recent.watched_until.is_none_or(|until| until < at) {
            // Nobody looks, and whoever comes sees from the number that something was missed.
            recent.events.clear();
            return;
        }
        let event = Event { id: recent.last, name, data: data().into(), user, remote };
        if recent.events.len() == BACKLOG {
            recent.events.pop_front();
        }
        recent.events.push_back(event.clone());
        // Under the lock, so that they go out in the order of their numbers. No receiver: nobody looks.
        self.sender.send(event).ok();
    }
}

/// The data of an event that only says where to look.
fn nothing() -> String {
    "{}".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(events: &[Event], first: u64) -> Vec<u64> {
        events.iter().map(|event| event.id - first).collect()
    }

    #[test]
    fn who_comes_back_gets_what_came_meanwhile() {
        let hub = Hub::default();
        let looking = hub.subscribe(None);
        let first = looking.last;
        assert!(looking.missed.unwrap().is_empty());
        (0..3).for_each(|_| hub.jobs());
        drop(looking.events);
        hub.areas();
        let back = hub.subscribe(Some(first + 1));
        assert_eq!((ids(&back.missed.unwrap(), first), back.last - first), (vec![2, 3, 4], 4));
        assert!(hub.subscribe(Some(first + 4)).missed.unwrap().is_empty(), "it has seen everything");
    }

    #[test]
    fn who_has_missed_too_much_is_told_so() {
        let hub = Hub::default();
        hub.jobs();
        assert!(hub.subscribe(Some(hub.last_id() - 1)).missed.is_none(), "nobody had looked");
        let looking = hub.subscribe(None);
        (0..=BACKLOG).for_each(|_| hub.jobs());
        assert!(hub.subscribe(Some(looking.last)).missed.is_none(), "one more than is kept");
        assert_eq!(hub.subscribe(Some(looking.last + 1)).missed.unwrap().len(), BACKLOG);
        assert!(hub.subscribe(Some(u64::MAX)).missed.is_none(), "from another life");
    }

    #[tokio::test]
    async fn who_is_too_slow_costs_no_more_than_the_backlog() {
        let hub = Hub::default();
        let mut slow = hub.subscribe(None).events;
        (0..10_000 * 10).for_each(|_| hub.jobs());
        assert_eq!(hub.recent().events.len(), BACKLOG);
        let lagged = slow.recv().await.unwrap_err();
        assert!(matches!(lagged, broadcast::error::RecvError::Lagged(missed) if missed > 90_000), "{lagged:?}");
        assert!(slow.recv().await.is_ok(), "and it goes on from there");
    }
}
