//! Live updates: what changed, for every browser that looks.

use serde::Serialize;
use tokio::sync::broadcast;
use trawl_jobs::UserId;
use trawl_store::jobs::Job;

/// How many events a slow browser may be behind before it is told to load everything anew.
const BACKLOG: usize = 1024;

/// What other nodes may tell of; processes are each node's own.
const TOPICS: [&str; 3] = ["job", "area", "account"];

/// Something that changed.
#[derive(Debug, Clone)]
pub struct Event {
    /// Grows by one; what a browser had last when it comes back.
    pub id: u64,
    /// `job`, `area`, `account` or `process`.
    pub name: &'static str,
    /// JSON.
    pub data: String,
    /// For this user and administrators; none: for everybody.
    pub user: Option<UserId>,
    /// Another node has told it.
    pub remote: bool,
}

/// Where events come in and go out. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hub {
    sender: broadcast::Sender<Event>,
    last: std::sync::Arc<std::sync::atomic::AtomicU64>,
}

#[derive(Serialize)]
struct JobEvent<'a> {
    id: &'a str,
    kind: &'a str,
    state: &'a str,
    progress: f64,
    area: Option<i64>,
}

impl Default for Hub {
    fn default() -> Self {
        // Ids of another run of this process must not be taken for ours: begin at the time.
        let start = u64::try_from(trawl_store::now().timestamp_micros()).unwrap_or(1);
        Self {
            sender: broadcast::channel(BACKLOG).0,
            last: std::sync::Arc::new(std::sync::atomic::AtomicU64::new(start)),
        }
    }
}

impl Hub {
    /// A job has changed.
    pub fn job(&self, job: &Job) {
        if self.sender.receiver_count() == 0 {
            // Whoever comes back later sees from its number that it has missed something.
            self.last.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            return;
        }
        let event = JobEvent {
            id: job.id_text(),
            kind: &job.kind,
            state: job.state().map_or("unknown", trawl_jobs::State::as_str),
            // As many digits as the page has, or a bar that was just drawn would jump by a hair.
            progress: (job.progress * 10_000.0).round() / 10_000.0,
            area: job.area_id,
        };
        if let Ok(data) = serde_json::to_string(&event) {
            self.publish("job", data, Some(UserId(job.user_id.unwrap_or(0))));
        }
    }

    /// Several jobs have come or gone.
    pub fn jobs(&self) {
        self.publish("job", "{}".to_owned(), None);
    }

    /// What is mirrored has changed.
    pub fn areas(&self) {
        self.publish("area", "{}".to_owned(), None);
    }

    /// A linked account has changed.
    pub fn accounts(&self) {
        self.publish("account", "{}".to_owned(), None);
    }

    /// The process table has changed.
    pub fn processes(&self) {
        self.publish("process", "{}".to_owned(), None);
    }

    /// Another node has told this; what is no topic of ours is left out.
    pub fn heard(&self, name: &str, data: String, user: Option<UserId>) {
        if let Some(name) = TOPICS.into_iter().find(|topic| *topic == name) {
            self.send(name, data, user, true);
        }
    }

    /// Something may have been missed: everybody is to look again.
    pub fn missed(&self) {
        for topic in TOPICS {
            self.send(topic, "{}".to_owned(), None, true);
        }
    }

    /// Events from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.sender.subscribe()
    }

    /// Id of the newest event.
    #[must_use]
    pub fn last_id(&self) -> u64 {
        self.last.load(std::sync::atomic::Ordering::Relaxed)
    }

    fn publish(&self, name: &'static str, data: String, user: Option<UserId>) {
        self.send(name, data, user, false);
    }

    fn send(&self, name: &'static str, data: String, user: Option<UserId>, remote: bool) {
        let id = self.last.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        // No receiver: nobody looks.
        self.sender.send(Event { id, name, data, user, remote }).ok();
    }
}
