//! The one task that talks to the bus: takes reports in, hands jobs out, and takes leases away from the dead.
//!
//! It wakes for what comes over the bus, for a submitted job, and for the time at which the next job may start. Reports
//! that came together are written together, and the jobs that take the freed places are claimed in the same
//! transaction; acknowledgements and orders go out after the commit.

use super::{
    Rules,
    ingest::{self, Ingested, Reporter},
    refresh,
    workers::{Worker, Workers},
};
use crate::{credentials::Credentials, events::Hub, processes::Processes};
use chrono::{DateTime, TimeDelta, Utc};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{Notify, mpsc},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};
use tokio_util::sync::CancellationToken;
use trawl_jobs::{InstanceId, Lane, Lease, Outcome, Report};
use trawl_protocol::{Boot, Bus, Incoming, Message, ProcessId, Receipt, StartJob, StopJob};
use trawl_store::{
    Db, StoreError,
    claims::{self, ClaimRequest, Claimed, Claims},
    instances, jobs, leases, now,
};

/// Reports that are written in one transaction at most.
const BATCH: usize = 128;
/// How often leases are looked after.
const CARE: Duration = Duration::from_secs(1);
/// How often the log tells what was done.
const TELL: Duration = Duration::from_secs(10);

/// How the rest of the website reaches the dispatcher.
#[derive(Debug, Clone)]
pub struct Handle {
    submitted: Arc<Notify>,
    aborts: mpsc::Sender<(String, Lease)>,
}

impl Handle {
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
    credentials: Credentials,
    processes: Processes,
    /// Our own life, to which crawlers answer.
    boot: Boot,
    bus: Option<Bus>,
    submitted: Arc<Notify>,
    aborts: mpsc::Receiver<(String, Lease)>,
    workers: Workers,
    /// Whether leases of an earlier life of this website have been looked at.
    swept: bool,
    next_start: Option<DateTime<Utc>>,
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
        hub: Hub,
        credentials: Credentials,
        processes: Processes,
    ) -> (Self, Handle) {
        let (aborts_in, aborts) = mpsc::channel(256);
        let submitted = Arc::new(Notify::new());
        let handle = Handle { submitted: Arc::clone(&submitted), aborts: aborts_in };
        let workers = Workers::new(node);
        let this = Self {
            db,
            rules,
            hub,
            credentials,
            processes,
            boot,
            bus: None,
            submitted,
            aborts,
            workers,
            swept: false,
            next_start: None,
            lately: Lately::default(),
        };
        (this, handle)
    }

    /// Runs on this bus until it is told to stop; without one it only keeps the books.
    pub async fn run(mut self, bus: Option<(Bus, mpsc::Receiver<Incoming>)>, stop: CancellationToken) {
        let (bus, mut incoming) = match bus {
            Some((bus, incoming)) => (Some(bus), incoming),
            None => (None, mpsc::channel(1).1),
        };
        self.bus = bus;
        let mut care = interval(CARE);
        care.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut tell = interval(TELL);
        tell.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let refresh_every = (self.rules.incremental / 5).clamp(Duration::from_secs(1), Duration::from_secs(30));
        let mut refresh = interval(refresh_every);
        refresh.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let start_at = self
                .next_start
                .map(|at| Instant::now() + (at - now()).to_std().unwrap_or_default() + Duration::from_millis(1));
            tokio::select! {
                () = stop.cancelled() => return,
                count = incoming.recv_many(&mut batch, BATCH), if self.bus.is_some() => {
                    if count == 0 {
                        self.bus = None;
                        continue;
                    }
                    self.take_in(&mut batch).await;
                }
                Some((worker, lease)) = self.aborts.recv() => {
                    if let Some(worker) = self.workers.named(&worker).map(|worker| worker.id) {
                        self.order(worker, Message::StopJob(StopJob::Abort(lease))).await;
                    }
                }
                () = self.submitted.notified() => self.turn(Vec::new()).await,
                () = async { sleep_until(start_at.unwrap_or_else(Instant::now)).await }, if start_at.is_some() => {
                    self.next_start = None;
                    self.turn(Vec::new()).await;
                }
                _ = care.tick() => self.care().await,
                _ = refresh.tick() => self.refresh().await,
                _ = tell.tick() => self.log_lately(),
            }
        }
    }

    async fn take_in(&mut self, batch: &mut Vec<Incoming>) {
        let mut reports: Vec<NumberedReport> = Vec::new();
        for incoming in batch.drain(..) {
            // What is not a report may change who may report: reports before it are written first.
            if !matches!(&incoming, Incoming::Message(Message::JobUpdate(_), _) | Incoming::Signal(..)) {
                self.turn(std::mem::take(&mut reports)).await;
            }
            match incoming {
                Incoming::Message(Message::JobUpdate(report), receipt) => match self.reporter(receipt) {
                    Some(reporter) => reports.push((reporter, *report, receipt)),
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
                Incoming::Signal(Message::Heartbeat(leases), from) => self.heartbeat(from, leases).await,
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
        self.turn(reports).await;
    }

    fn reporter(&self, receipt: Receipt) -> Option<Reporter> {
        let worker = self.workers.get(receipt.from, receipt.boot)?;
        Some(Reporter { worker: worker.name.clone(), own_token: worker.own_instance.is_some() })
    }

    /// Writes reports, fills free places, and lets everybody know.
    async fn turn(&mut self, reports: Vec<NumberedReport>) {
        for (_, report, receipt) in &reports {
            match report.outcome() {
                None => continue,
                Some(Outcome::HandedBack) => self.workers.leaves(receipt.from),
                Some(_) => {}
            }
            self.workers.ended(report.lease);
        }
        let openings = self.workers.openings(self.rules.slots);
        if reports.is_empty() && openings.is_empty() {
            return;
        }
        let receipts: Vec<Receipt> = reports.iter().map(|(.., receipt)| *receipt).collect();
        let leases: Vec<Lease> = reports.iter().map(|(_, report, _)| report.lease).collect();
        let reports: Arc<[NumberedReport]> = reports.into();
        let (rules, requests) = (self.rules, openings.clone());
        let together = Arc::clone(&reports);
        let written = self
            .db
            .write(move |conn| {
                let ingested: Result<Vec<Ingested>, StoreError> = together
                    .iter()
                    .map(|(reporter, report, _)| ingest::ingest(conn, &rules, reporter, report))
                    .collect();
                Ok((ingested?, claim_for(conn, &requests)?, jobs::next_run_at(conn)?))
            })
            .await;
        let (ingested, claims) = match written {
            Ok((ingested, claims, next_start)) => {
                self.next_start = next_start;
                (ingested, claims)
            }
            Err(error) if reports.is_empty() => {
                tracing::error!(%error, "cannot claim jobs; trying again in a second");
                self.next_start = Some(now() + TimeDelta::seconds(1));
                return;
            }
            Err(error) => {
                tracing::warn!(%error, reports = reports.len(), "cannot write reports together; writing them one by one");
                match self.one_by_one(&reports).await {
                    Some(ingested) => (ingested, Vec::new()),
                    // Not acknowledged: they come again.
                    None => return,
                }
            }
        };
        for receipt in receipts {
            self.acknowledge(receipt);
        }
        self.tell(&leases, &ingested, &reports).await;
        for (worker, claims) in claims {
            self.hand_out(&worker, claims).await;
        }
    }

    /// A report that cannot be written must not keep the others from it. None where the database does not take
    /// anything at all.
    async fn one_by_one(&self, reports: &Arc<[NumberedReport]>) -> Option<Vec<Ingested>> {
        let mut ingested = Vec::with_capacity(reports.len());
        for index in 0..reports.len() {
            let (rules, all) = (self.rules, Arc::clone(reports));
            let one = self
                .db
                .write(move |conn| {
                    let (reporter, report, _) = &all[index];
                    ingest::ingest(conn, &rules, reporter, report)
                })
                .await;
            let error = match one {
                Ok(one) => {
                    ingested.push(one);
                    continue;
                }
                Err(error) => error,
            };
            let lease = reports[index].1.lease;
            tracing::error!(%error, job.id = %lease.job, "job {}: a report cannot be stored", lease.job);
            let rules = self.rules;
            match self.db.write(move |conn| ingest::reject(conn, &rules, lease, &error)).await {
                Ok(job) => ingested.push(Ingested { job, gone: true, ..Ingested::default() }),
                Err(error) => {
                    tracing::error!(%error, "the database takes nothing");
                    return None;
                }
            }
        }
        Some(ingested)
    }

    /// What reports did, told to browsers and workers.
    async fn tell(&mut self, leases: &[Lease], ingested: &[Ingested], reports: &[NumberedReport]) {
        let mut refused = false;
        for ((lease, done), (_, _, receipt)) in leases.iter().zip(ingested).zip(reports) {
            self.lately.objects += done.objects;
            if let Some(job) = &done.job {
                self.hub.job(job);
                self.lately.jobs += usize::from(log_end(job, *lease));
            }
            if done.gone {
                self.workers.ended(*lease);
                self.order(receipt.from, Message::StopJob(StopJob::Drop(*lease))).await;
            }
            if done.jobs_made > 0 {
                self.hub.jobs();
            }
            if let Some(account) = done.account_refused {
                tracing::warn!(
                    account.id = account.0,
                    "GitLab refuses an account's token; its jobs wait for a new one"
                );
                refused = true;
            }
        }
        if ingested.iter().any(|done| done.areas_changed || done.objects > 0) {
            self.hub.areas();
        }
        if refused {
            self.credentials.publish(&self.db).await;
            self.hub.accounts();
        }
    }

    async fn hand_out(&mut self, worker: &Worker, claims: Claims) {
        for job in &claims.put_aside {
            tracing::warn!(
                job.id = job.id_text(),
                kind = job.kind,
                reason = job.error,
                "job {} cannot run",
                job.id_text()
            );
            self.hub.job(job);
            if let (Ok(false), Some(why)) = (job.state().map(trawl_jobs::State::is_live), job.error.clone()) {
                let failed = job.clone();
                let noted = self.db.write(move |conn| ingest::failed_for_good(conn, &failed, &why)).await;
                if let Err(error) = noted {
                    tracing::error!(%error, "cannot note a failed job");
                }
            }
        }
        if !claims.put_aside.is_empty() {
            // Their places are still free, and somebody else may stand behind them.
            self.submitted.notify_one();
        }
        for claimed in claims.claimed {
            self.hub.job(&claimed.job);
            let lane = Lane::of(claimed.job.priority, self.rules.priority_threshold);
            match start_message(claimed) {
                Ok(start) => {
                    self.workers.started(worker.id, start.lease, lane);
                    self.order(worker.id, Message::StartJob(Box::new(start))).await;
                }
                Err(error) => tracing::error!(%error, "a claimed job cannot be sent"),
            }
        }
    }

    /// A worker has said what it holds: what it should hold and does not never reached it, and goes back.
    async fn holdings(&mut self, receipt: Receipt, held: Vec<Lease>) {
        let Some(worker) = self.workers.get(receipt.from, receipt.boot).cloned() else { return };
        let name = worker.name.clone();
        let reported: HashSet<Lease> = held.iter().copied().collect();
        let threshold = self.rules.priority_threshold;
        let settled = self
            .db
            .write(move |conn| {
                let mut running = HashMap::new();
                for job in leases::held_by(conn, &name)? {
                    let lease = job.lease()?;
                    if reported.contains(&lease) {
                        running.insert(lease, Lane::of(job.priority, threshold));
                    } else {
                        leases::give_back(conn, &job)?;
                    }
                }
                Ok(running)
            })
            .await;
        match settled {
            Ok(running) => {
                for lease in held.iter().filter(|lease| !running.contains_key(lease)) {
                    self.order(worker.id, Message::StopJob(StopJob::Drop(*lease))).await;
                }
                tracing::info!(worker = worker.name, jobs = running.len(), "{} is ready", worker.id);
                self.workers.holds(worker.id, running);
            }
            Err(error) => tracing::error!(%error, worker = worker.name, "cannot settle what a worker holds"),
        }
    }

    async fn peers(&mut self, peers: &[trawl_protocol::Peer]) {
        let changes = self.workers.update(peers);
        for worker in changes.lost {
            tracing::warn!(worker = worker.name, "{} is gone; its jobs go back to the queue", worker.id);
            self.requeue(format!("{} ended while it ran this job", worker.id), move |conn| {
                leases::held_by(conn, &worker.name)
            })
            .await;
        }
        for worker in changes.arrived {
            self.order(worker, Message::AskHoldings(self.boot)).await;
        }
        if !self.swept {
            self.swept = true;
            let (prefix, alive) = (self.workers.name_prefix(), self.workers.names());
            self.requeue("its crawler was gone when the website came back".to_owned(), move |conn| {
                let mut leased = leases::leased(conn)?;
                leased.retain(|job| {
                    job.worker.as_ref().is_some_and(|worker| worker.starts_with(&prefix) && !alive.contains(worker))
                });
                Ok(leased)
            })
            .await;
        }
    }

    /// Takes the leases of these jobs away.
    async fn requeue<F>(&self, why: String, which: F)
    where
        F: FnOnce(&mut trawl_store::Conn<'_>) -> Result<Vec<jobs::Job>, StoreError> + Send + 'static,
    {
        let rules = self.rules;
        let done = self
            .db
            .write(move |conn| {
                let lost = which(conn)?;
                let mut after = Vec::with_capacity(lost.len());
                for job in &lost {
                    if leases::lost(conn, job, &why, &rules.retry)? == trawl_jobs::State::Failed {
                        ingest::failed_for_good(conn, job, &why)?;
                    }
                    after.extend(jobs::get(conn, job.id()?)?);
                }
                Ok(after)
            })
            .await;
        match done {
            Ok(requeued) => {
                for job in &requeued {
                    tracing::info!(
                        job.id = job.id_text(),
                        kind = job.kind,
                        crashes = job.crashes,
                        "job {} lost its worker",
                        job.id_text()
                    );
                    self.hub.job(job);
                }
                if !requeued.is_empty() {
                    self.submitted.notify_one();
                }
            }
            Err(error) => tracing::error!(%error, "cannot take leases away"),
        }
    }

    async fn heartbeat(&self, from: ProcessId, leases: Vec<Lease>) {
        let Some(name) = self.workers.at(from).map(|worker| worker.name.clone()) else { return };
        if leases.is_empty() {
            return;
        }
        if let Err(error) = self.db.write(move |conn| leases::heartbeat(conn, &name, &leases)).await {
            tracing::warn!(%error, "cannot note a heartbeat");
        }
    }

    /// Leases whose worker has fallen silent, and jobs whose wait is over.
    async fn care(&self) {
        let before = now() - TimeDelta::from_std(self.rules.stale).unwrap_or(TimeDelta::MAX);
        match self.db.read(move |conn| Ok((leases::stale(conn, before)?, jobs::next_run_at(conn)?))).await {
            Ok((stale, _)) if !stale.is_empty() => {
                let silent = self.rules.stale.as_secs();
                self.requeue(format!("its crawler was silent for {silent} s"), move |_| Ok(stale)).await;
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "cannot look for stale leases"),
        }
        match self.db.write(jobs::wake_due).await {
            Ok(0) => {}
            Ok(_) => self.submitted.notify_one(),
            Err(error) => tracing::warn!(%error, "cannot wake waiting jobs"),
        }
    }

    async fn refresh(&self) {
        let rules = self.rules;
        match self.db.write(move |conn| refresh::run(conn, &rules)).await {
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

fn claim_for(
    conn: &mut trawl_store::Conn<'_>,
    openings: &[(Worker, usize, usize)],
) -> Result<Vec<(Worker, Claims)>, StoreError> {
    let mut all = Vec::new();
    for (worker, any, normal) in openings {
        let instance = match &worker.own_instance {
            None => None,
            // An instance that nobody has linked has no jobs.
            Some(url) => Some(instances::by_url(conn, url)?.unwrap_or(InstanceId(0))),
        };
        let request = ClaimRequest { worker: worker.name.clone(), any: *any, normal: *normal, instance };
        let claims = claims::claim(conn, &request)?;
        if claims != Claims::default() {
            all.push((worker.clone(), claims));
        }
    }
    Ok(all)
}

fn start_message(claimed: Claimed) -> Result<StartJob, StoreError> {
    Ok(StartJob {
        lease: claimed.job.lease()?,
        progress: claimed.job.steps(),
        kind: claimed.job.kind,
        payload: claimed.job.payload,
        instance_url: claimed.instance_url,
        accounts: claimed.accounts,
        area: claimed.area,
        cursor: claimed.job.cursor,
        watermark_us: claimed.watermark.map(|time| time.timestamp_micros()),
    })
}

/// Says how a job ended under this lease, if it did: aloud if it did not succeed. Returns whether it did end.
fn log_end(job: &jobs::Job, lease: Lease) -> bool {
    let Ok(state) = job.state() else { return false };
    if state.is_leased() || job.lease_token != lease.token {
        return false;
    }
    let elapsed_ms = job.started_at().map(|start| (now() - start).num_milliseconds());
    let id = job.id_text();
    if let Some(error) = &job.error {
        let attempt = job.attempt;
        tracing::warn!(job.id = id, kind = job.kind, %state, attempt, elapsed_ms, error, "job {id} did not succeed");
    } else {
        tracing::debug!(job.id = id, kind = job.kind, %state, elapsed_ms, "job {id} ended");
    }
    !state.is_live()
}
