//! The one task that talks to the bus: takes reports in, hands jobs out, and takes leases away from the dead.
//!
//! It wakes for what comes over the bus and for a submitted job, and once a second for what time brings. Reports
//! that came together are written together, and the jobs that take the freed places are claimed in the same
//! transaction; acknowledgements and orders go out after the commit, while the next turn is being written.

mod lives;
mod surely;
mod turn;

use self::{surely::Surely, turn::Turn};
use super::{Rules, ingest::Reporter, refresh, workers::Workers};
use crate::{credentials::Credentials, events::Hub, metrics::Metrics, processes::Processes};
use chrono::{DateTime, Utc};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    iter,
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;
use trawl_jobs::{JobId, Lease, Report};
use trawl_protocol::{Arrivals, Boot, Bus, Incoming, Message, ProcessId, Receipt, StopJob};
use trawl_store::{Db, StoreError, jobs::Job, now};

/// Reports that are written in one transaction at most.
const BATCH: usize = 512;
/// How often leases are looked after.
const CARE: Duration = Duration::from_secs(1);
/// How often the log tells what was done.
const TELL: Duration = Duration::from_secs(10);

/// How the rest of the website reaches the dispatcher.
#[derive(Debug, Clone)]
pub struct Handle {
    submitted: Arc<Notify>,
    own: Arc<Notify>,
    aborts: mpsc::Sender<(String, Lease)>,
}

impl Handle {
    /// There may be a job for the website itself.
    pub fn wake_own(&self) {
        self.own.notify_one();
    }

    /// Told by [`Self::wake_own`].
    #[must_use]
    pub(crate) fn own_submitted(&self) -> Arc<Notify> {
        Arc::clone(&self.own)
    }

    /// There may be something to hand out.
    pub fn wake(&self) {
        self.submitted.notify_one();
    }

    /// A person has stopped a job that this worker runs.
    pub async fn abort(&self, worker: String, lease: Lease) {
        // Closed only at the end of the process, when the worker is told to hand everything back anyhow.
        self.aborts.send((worker, lease)).await.ok();
    }
}

/// See the module.
pub struct Dispatcher {
    db: Db,
    rules: Rules,
    hub: Hub,
    metrics: Metrics,
    credentials: Credentials,
    processes: Processes,
    node: String,
    /// Our own life, to which crawlers answer.
    boot: Boot,
    bus: Option<Bus>,
    submitted: Arc<Notify>,
    aborts: mpsc::Receiver<(String, Lease)>,
    workers: Workers,
    /// What has been reported and is not being written yet.
    reported: VecDeque<NumberedReport>,
    /// There may be something to hand out.
    wanted: bool,
    in_flight: Option<Turn>,
    /// Jobs that our workers hold, as we wrote them last, so that a report need not read its job again. Others may have
    /// changed them since: every write says on what it was decided.
    held: HashMap<JobId, Job>,
    /// Names of those who have shown that they are alive since that was last noted.
    heard: HashSet<String>,
    /// When that was last noted of whom.
    noted: HashMap<String, Instant>,
    /// Requests to GitLab that others than the crawler in question may have under way.
    elsewhere: u16,
    /// Whether leases of an earlier life of this website have been looked at.
    swept: bool,
    /// Silence of workers counts from here at the earliest: before, it was perhaps we who did not listen.
    listening_since: DateTime<Utc>,
    last_care: DateTime<Utc>,
    stop: CancellationToken,
    /// Nothing could be claimed, and nobody may come to wake us.
    try_again_at: Option<Instant>,
    lately: Lately,
}

/// What has been done since the log last told: one line for many jobs.
#[derive(Debug, Default)]
struct Lately {
    jobs: usize,
    objects: usize,
}

type NumberedReport = (Reporter, Report, Receipt);

impl Dispatcher {
    /// A dispatcher of this life of the website on this node, and the way to reach it.
    #[must_use]
    pub fn new(
        db: Db,
        rules: Rules,
        (node, boot): (&str, Boot),
        (hub, metrics): (Hub, Metrics),
        credentials: Credentials,
        processes: Processes,
    ) -> (Self, Handle) {
        let (aborts_in, aborts) = mpsc::channel(256);
        let submitted = Arc::new(Notify::new());
        let handle = Handle { submitted: Arc::clone(&submitted), own: Arc::default(), aborts: aborts_in };
        let workers = Workers::new(node);
        let this = Self {
            db,
            rules,
            hub,
            metrics,
            credentials,
            processes,
            node: node.to_owned(),
            boot,
            bus: None,
            submitted,
            aborts,
            workers,
            reported: VecDeque::new(),
            wanted: false,
            in_flight: None,
            held: HashMap::new(),
            heard: HashSet::new(),
            noted: HashMap::new(),
            elsewhere: 0,
            swept: false,
            listening_since: now(),
            last_care: now(),
            stop: CancellationToken::new(),
            try_again_at: None,
            lately: Lately::default(),
        };
        (this, handle)
    }

    /// Runs on this bus until it is told to stop; without one it only keeps the books.
    pub async fn run(mut self, bus: Option<(Bus, Arrivals)>, stop: CancellationToken) {
        let (bus, mut incoming) = match bus {
            Some((bus, incoming)) => (Some(bus), incoming),
            None => (None, Arrivals::none()),
        };
        self.bus = bus;
        self.stop = stop.clone();
        (self.listening_since, self.last_care) = (now(), now());
        let mut care = interval(CARE);
        care.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut tell = interval(TELL);
        tell.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let refresh_every = (self.rules.incremental / 5).clamp(Duration::from_secs(1), Duration::from_secs(30));
        let mut refresh = interval(refresh_every);
        refresh.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.begin();
            let again = self.try_again_at;
            tokio::select! {
                () = stop.cancelled() => return,
                first = incoming.recv(), if self.bus.is_some() => {
                    let Some(first) = first else {
                        self.bus = None;
                        continue;
                    };
                    self.take_in(first).await;
                    for another in iter::from_fn(|| incoming.another()).take(BATCH) {
                        self.take_in(another).await;
                    }
                }
                written = turn::written(&mut self.in_flight) => self.finish(written, true).await,
                Some((worker, lease)) = self.aborts.recv() => {
                    // It may be claimed, and its order not sent yet.
                    self.settle().await;
                    if let Some(worker) = self.workers.named(&worker).map(|worker| worker.id) {
                        self.order(worker, Message::StopJob(StopJob::Abort(lease))).await;
                    }
                }
                () = self.submitted.notified() => self.wanted = true,
                () = async { sleep_until(again.unwrap_or_else(Instant::now)).await }, if again.is_some() => {
                    self.try_again_at = None;
                    self.wanted = true;
                }
                _ = care.tick() => {
                    self.settle().await;
                    self.care().await;
                }
                _ = refresh.tick() => self.refresh().await,
                _ = tell.tick() => self.log_lately(),
            }
        }
    }

    async fn take_in(&mut self, incoming: Incoming) {
        // What is not a report may change who may report: reports before it are written first.
        if !matches!(&incoming, Incoming::Message(Message::JobUpdate(_), _) | Incoming::Signal(..)) {
            self.settle().await;
            self.wanted = true;
        }
        match incoming {
            Incoming::Message(Message::JobUpdate(report), receipt) => match self.reporter(receipt) {
                Some(reporter) => self.reported.push_back((reporter, *report, receipt)),
                None => self.acknowledge(receipt),
            },
            Incoming::Message(Message::Holdings(asked_by, leases), receipt) => {
                if asked_by == self.boot {
                    self.holdings(receipt, leases).await;
                }
                self.acknowledge(receipt);
            }
            Incoming::Message(other, receipt) => {
                tracing::warn!(from = %receipt.from, message = ?other, "a message that crawlers do not send");
                self.acknowledge(receipt);
            }
            Incoming::Unreadable(receipt) => self.acknowledge(receipt),
            Incoming::Signal(Message::Heartbeat { window_percent }, from) => {
                self.heartbeat(from, window_percent);
            }
            Incoming::Signal(..) => {}
            Incoming::Peers(peers) => self.peers(&peers).await,
            Incoming::Processes(list) => {
                self.processes.set(list);
                self.hub.processes();
            }
            Incoming::Connected(_) => self.processes.connected(true),
            Incoming::Disconnected => {
                tracing::warn!("the supervisor is gone; jobs wait until it is back");
                self.processes.connected(false);
                self.workers.cut_off();
                self.hub.processes();
            }
        }
    }

    fn reporter(&self, receipt: Receipt) -> Option<Reporter> {
        let worker = self.workers.get(receipt.from, receipt.boot)?;
        Some(Reporter { worker: worker.name.clone(), own_token: worker.own_instance.is_some() })
    }

    async fn refresh(&self) {
        let rules = self.rules;
        self.planned(self.db.write(move |conn| refresh::run(conn, &rules)).await);
    }

    fn planned(&self, made: Result<usize, StoreError>) {
        match made {
            Ok(0) => {}
            Ok(made) => {
                tracing::debug!(jobs = made, "what has grown old is read again");
                self.hub.jobs();
                self.submitted.notify_one();
            }
            Err(error) => tracing::warn!(%error, "cannot plan a refresh"),
        }
    }

    fn log_lately(&mut self) {
        let Lately { jobs, objects } = std::mem::take(&mut self.lately);
        if jobs > 0 || objects > 0 {
            tracing::info!(
                jobs,
                objects,
                running = self.workers.running(),
                "{jobs} jobs ended, {objects} objects written"
            );
        }
    }

    async fn order(&self, to: ProcessId, message: Message) {
        let Some(bus) = &self.bus else { return };
        if let Err(error) = bus.send(to, &message).await {
            tracing::warn!(%error, %to, "cannot send an order");
        }
    }

    fn acknowledge(&self, receipt: Receipt) {
        if let Some(bus) = &self.bus {
            bus.acknowledge(receipt).ok();
        }
    }
}
