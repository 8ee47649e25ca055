//! The dispatcher: one task that owns the running jobs. It waits for events only; whatever may have to wait for room
//! on the bus does so in the job's own task.

use crate::{
    JobControl,
    attempt::{self, Registry},
};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    iter,
    sync::Arc,
    time::Duration,
};
use tokio::{
    task::{AbortHandle, JoinError, JoinSet},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;
use trawl_jobs::{JobId, Lease, Outcome};
use trawl_protocol::{Arrivals, Bus, Incoming, Message, ProcessId, StartJob, StopJob, bus::BusError};

/// Leases that are remembered after their end, so that an order that comes twice is not run twice.
const REMEMBERED: usize = 10_000;
/// Messages that are taken in at a time.
const BATCH: usize = 64;

/// How a worker behaves in time.
#[derive(Debug, Clone, Copy)]
pub struct WorkerOptions {
    /// Pause between two signs of life.
    pub heartbeat: Duration,
    /// How long an aborted job may take to stop.
    pub abort_grace: Duration,
    /// How long handing back may take when the worker goes away.
    pub shutdown_grace: Duration,
}

/// Why a worker ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was told to.
    Stopped,
    /// The supervisor does not want it.
    BusLost,
}

/// See the module.
pub struct Worker {
    bus: Bus,
    registry: Arc<dyn Registry>,
    options: WorkerOptions,
    /// One lease of each job.
    jobs: HashMap<JobId, Running>,
    /// Each ends after the website has the last word of its job, with its lease.
    tasks: JoinSet<Lease>,
    /// Answers that wait for room on the bus.
    answers: JoinSet<()>,
    ended: Remembered,
    /// When patience with an aborted job ends, earliest first.
    overdue: VecDeque<(Instant, Lease)>,
    /// Set once the worker goes away.
    stop_by: Option<Instant>,
}

struct Running {
    lease: Lease,
    control: JobControl,
    task: AbortHandle,
    aborting: bool,
}

impl Worker {
    /// A worker without jobs.
    #[must_use]
    pub fn new(bus: Bus, registry: Arc<dyn Registry>, options: WorkerOptions) -> Self {
        Self {
            bus,
            registry,
            options,
            jobs: HashMap::new(),
            tasks: JoinSet::new(),
            answers: JoinSet::new(),
            ended: Remembered::default(),
            overdue: VecDeque::new(),
            stop_by: None,
        }
    }

    /// Works until `shutdown`, then hands everything back.
    pub async fn run(mut self, mut incoming: Arrivals, shutdown: CancellationToken) -> End {
        let mut heartbeat = interval(self.options.heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if self.stop_by.is_some() && self.jobs.is_empty() {
                return End::Stopped;
            }
            self.bus.set_in_hand(self.jobs.len());
            let overdue = self.overdue.front().map(|(at, _)| *at);
            tokio::select! {
                first = incoming.recv() => {
                    let Some(first) = first else { return End::BusLost };
                    self.incoming(first);
                    iter::from_fn(|| incoming.another()).take(BATCH).for_each(|message| self.incoming(message));
                }
                Some(ended) = self.tasks.join_next_with_id() => {
                    self.ended(ended);
                    // Where one has ended there are often more.
                    while let Some(ended) = self.tasks.try_join_next_with_id() {
                        self.ended(ended);
                    }
                }
                _ = heartbeat.tick() => self.heartbeat(),
                () = until(overdue) => self.give_up_waiting(),
                () = shutdown.cancelled(), if self.stop_by.is_none() => self.hand_everything_back(),
                () = until(self.stop_by) => {
                    tracing::warn!(jobs = self.jobs.len(), "not every job could be handed back in time");
                    return End::Stopped;
                }
            }
        }
    }

    fn incoming(&mut self, incoming: Incoming) {
        match incoming {
            Incoming::Message(message, receipt) => {
                self.message(message);
                // What it asks for is in memory now; if that is lost, the website hears of our death.
                noted(self.bus.acknowledge(receipt));
            }
            Incoming::Unreadable(receipt) => noted(self.bus.acknowledge(receipt)),
            Incoming::Signal(message, _) => self.message(message),
            Incoming::Connected(id) => tracing::info!(process = %id, "on the bus as {id}"),
            Incoming::Disconnected => tracing::warn!("the supervisor is gone; waiting for it to come back"),
            Incoming::Peers(_) | Incoming::Processes(_) => {}
        }
    }

    fn message(&mut self, message: Message) {
        match message {
            Message::StartJob(order) => self.start(*order),
            Message::StopJob(StopJob::Abort(lease)) => self.abort(lease),
            Message::StopJob(StopJob::Drop(lease)) => self.discard(lease),
            Message::AskHoldings(asked_by) => {
                let bus = self.bus.clone();
                let answer = Message::Holdings(asked_by, self.jobs.values().map(|job| job.lease).collect());
                while self.answers.try_join_next().is_some() {}
                self.answers.spawn(async move {
                    noted(bus.send(ProcessId::WEBSITE, &answer).await.map(drop));
                });
            }
            Message::Holdings(..) | Message::JobUpdate(_) | Message::Heartbeat { .. } => {
                tracing::warn!("a message that is not for a crawler");
            }
        }
    }

    fn start(&mut self, order: StartJob) {
        let lease = order.lease;
        if self.ended.contains(lease) {
            return;
        }
        match self.jobs.get(&lease.job).map(|job| job.lease) {
            Some(held) if held.token >= lease.token => return,
            // A newer claim of a job voids the one we hold.
            Some(held) => self.discard(held),
            None => {}
        }
        let control = JobControl::new(lease, self.bus.clone(), order.progress.clone());
        if self.stop_by.is_some() {
            control.hand_back_signal().cancel();
        }
        let attempt = attempt::run(Arc::clone(&self.registry), order, control.clone());
        let task = self.tasks.spawn(async move {
            attempt.await;
            lease
        });
        self.jobs.insert(lease.job, Running { lease, control, task, aborting: false });
    }

    fn abort(&mut self, lease: Lease) {
        if let Some(job) = self.held(lease)
            && !std::mem::replace(&mut job.aborting, true)
        {
            job.control.abort_signal().cancel();
            self.overdue.push_back((Instant::now() + self.options.abort_grace, lease));
        }
    }

    /// The lease is gone: nothing more is said about it.
    fn discard(&mut self, lease: Lease) {
        if self.held(lease).is_some()
            && let Some(job) = self.jobs.remove(&lease.job)
        {
            tracing::info!(job.id = %lease.job, "job {lease} is dropped");
            job.control.mute();
            job.task.abort();
            self.ended.insert(lease);
        }
    }

    /// An aborted job has had its time. It is left to itself; in its place we say how it ended.
    fn give_up_waiting(&mut self) {
        let Some((_, lease)) = self.overdue.pop_front() else { return };
        let Some(job) = self.jobs.get_mut(&lease.job).filter(|job| job.lease == lease) else { return };
        // One that has stopped and waits for the website alone is no case for this.
        if job.control.is_finishing() {
            return;
        }
        tracing::warn!(job.id = %lease.job, "job {lease} does not stop; it is dropped");
        job.task.abort();
        let control = job.control.clone();
        job.task = self.tasks.spawn(async move {
            if let Err(error) = control.finish(Outcome::Aborted).await {
                tracing::warn!(job.id = %lease.job, %error, "cannot report the end of job {lease}");
            }
            lease
        });
    }

    /// A task has ended. One that was dropped speaks for no job any more.
    fn ended(&mut self, ended: Result<(tokio::task::Id, Lease), JoinError>) {
        let lease = match ended {
            Ok((id, lease)) => self.held(lease).filter(|job| job.task.id() == id).map(|job| job.lease),
            Err(error) => self.jobs.values().find(|job| job.task.id() == error.id()).map(|job| job.lease),
        };
        if let Some(lease) = lease {
            self.jobs.remove(&lease.job);
            self.ended.insert(lease);
        }
    }

    fn held(&mut self, lease: Lease) -> Option<&mut Running> {
        self.jobs.get_mut(&lease.job).filter(|job| job.lease == lease)
    }

    fn heartbeat(&self) {
        let window_percent = self.bus.window_percent(ProcessId::WEBSITE);
        noted(self.bus.signal(ProcessId::WEBSITE, &Message::Heartbeat { window_percent }));
    }

    fn hand_everything_back(&mut self) {
        tracing::info!(jobs = self.jobs.len(), "ending; handing jobs back");
        self.stop_by = Some(Instant::now() + self.options.shutdown_grace);
        self.jobs.values().for_each(|job| job.control.hand_back_signal().cancel());
    }
}

/// A bus that has ended shows as the end of what comes in; here it is only noted.
fn noted(sent: Result<(), BusError>) {
    if let Err(error) = sent {
        tracing::debug!(%error, "cannot send");
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// The leases that ended last.
#[derive(Debug, Default)]
struct Remembered {
    leases: HashSet<Lease>,
    order: VecDeque<Lease>,
}

impl Remembered {
    fn contains(&self, lease: Lease) -> bool {
        self.leases.contains(&lease)
    }

    fn insert(&mut self, lease: Lease) {
        if self.leases.insert(lease) {
            self.order.push_back(lease);
            if self.order.len() > REMEMBERED
                && let Some(oldest) = self.order.pop_front()
            {
                self.leases.remove(&oldest);
            }
        }
    }
}
