//! The dispatcher: one task that owns the running jobs. It waits for events only; whatever may have to wait for room
//! on the bus does so in the job's own task.

use crate::{
    JobControl,
    attempt::{self, Registry},
};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinError, JoinSet},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;
use trawl_jobs::{Lease, Outcome};
use trawl_protocol::{Bus, Incoming, Message, ProcessId, StartJob, StopJob, bus::BusError};

/// Leases that are remembered after their end, so that an order that comes twice is not run twice.
const REMEMBERED: usize = 10_000;

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
    jobs: HashMap<Lease, Running>,
    /// What each job's task is called. One that was dropped speaks for nothing any more.
    by_task: HashMap<tokio::task::Id, Lease>,
    /// Each ends after the website has the last word of its job.
    tasks: JoinSet<()>,
    /// Answers that wait for room on the bus.
    answers: JoinSet<()>,
    ended: Remembered,
    /// When patience with an aborted job ends, earliest first.
    overdue: VecDeque<(Instant, Lease)>,
    /// Set once the worker goes away.
    stop_by: Option<Instant>,
}

struct Running {
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
            by_task: HashMap::new(),
            tasks: JoinSet::new(),
            answers: JoinSet::new(),
            ended: Remembered::default(),
            overdue: VecDeque::new(),
            stop_by: None,
        }
    }

    /// Works until `shutdown`, then hands everything back.
    pub async fn run(mut self, mut incoming: mpsc::Receiver<Incoming>, shutdown: CancellationToken) -> End {
        let mut heartbeat = interval(self.options.heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            if self.stop_by.is_some() && self.jobs.is_empty() {
                return End::Stopped;
            }
            let overdue = self.overdue.front().map(|(at, _)| *at);
            tokio::select! {
                message = incoming.recv() => match message {
                    Some(message) => self.incoming(message),
                    None => return End::BusLost,
                },
                Some(ended) = self.tasks.join_next_with_id() => self.ended(&ended),
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
                let answer = Message::Holdings(asked_by, self.jobs.keys().copied().collect());
                while self.answers.try_join_next().is_some() {}
                self.answers.spawn(async move {
                    noted(bus.send(ProcessId::WEBSITE, &answer).await.map(drop));
                });
            }
            Message::Holdings(..) | Message::JobUpdate(_) | Message::Heartbeat => {
                tracing::warn!("a message that is not for a crawler");
            }
        }
    }

    fn start(&mut self, order: StartJob) {
        let lease = order.lease;
        if self.jobs.contains_key(&lease) || self.ended.contains(lease) {
            return;
        }
        // A newer claim of a job voids the one we hold.
        let void: Vec<_> = self.jobs.keys().copied().filter(|held| held.job == lease.job).collect();
        for held in void {
            if held.token > lease.token {
                return;
            }
            self.discard(held);
        }
        let control = JobControl::new(lease, self.bus.clone(), order.progress.clone());
        if self.stop_by.is_some() {
            control.hand_back_signal().cancel();
        }
        let attempt = attempt::run(Arc::clone(&self.registry), order, control.clone());
        let task = self.tasks.spawn(attempt);
        self.by_task.insert(task.id(), lease);
        self.jobs.insert(lease, Running { control, task, aborting: false });
    }

    fn abort(&mut self, lease: Lease) {
        if let Some(job) = self.jobs.get_mut(&lease)
            && !std::mem::replace(&mut job.aborting, true)
        {
            job.control.abort_signal().cancel();
            self.overdue.push_back((Instant::now() + self.options.abort_grace, lease));
        }
    }

    /// The lease is gone: nothing more is said about it.
    fn discard(&mut self, lease: Lease) {
        if let Some(job) = self.jobs.remove(&lease) {
            tracing::info!(job.id = %lease.job, "job {lease} is dropped");
            job.control.mute();
            job.task.abort();
            self.by_task.remove(&job.task.id());
            self.ended.insert(lease);
        }
    }

    /// An aborted job has had its time. It is left to itself; in its place we say how it ended.
    fn give_up_waiting(&mut self) {
        let Some((_, lease)) = self.overdue.pop_front() else { return };
        // One that has stopped and waits for the website alone is no case for this.
        let Some(job) = self.jobs.get_mut(&lease).filter(|job| !job.control.is_finishing()) else { return };
        tracing::warn!(job.id = %lease.job, "job {lease} does not stop; it is dropped");
        job.task.abort();
        self.by_task.remove(&job.task.id());
        let control = job.control.clone();
        job.task = self.tasks.spawn(async move {
            if let Err(error) = control.finish(Outcome::Aborted).await {
                tracing::warn!(job.id = %lease.job, %error, "cannot report the end of job {lease}");
            }
        });
        self.by_task.insert(job.task.id(), lease);
    }

    fn ended(&mut self, ended: &Result<(tokio::task::Id, ()), JoinError>) {
        let task = ended.as_ref().map_or_else(JoinError::id, |(id, ())| *id);
        if let Some(lease) = self.by_task.remove(&task) {
            self.jobs.remove(&lease);
            self.ended.insert(lease);
        }
    }

    fn heartbeat(&self) {
        noted(self.bus.signal(ProcessId::WEBSITE, &Message::Heartbeat));
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
