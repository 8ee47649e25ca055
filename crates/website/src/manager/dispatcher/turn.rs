//! A turn: reports are written, free places are filled, and then everybody is told.

use super::{BATCH, Dispatcher, NumberedReport, Surely};
use crate::manager::{
    ingest::{self, Ingested},
    workers::Opening,
};
use chrono::TimeDelta;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{task::JoinHandle, time::Instant};
use trawl_jobs::{Change, InstanceId, Lease, Outcome, State, WaitReason};
use trawl_protocol::{Message, ProcessId, Receipt, StartJob, StopJob};
use trawl_store::{
    Conn, StoreError,
    claims::{self, ClaimRequest, Claimed, Claims, Runner},
    instances,
    jobs::Job,
    now,
};

/// After claims that the database did not take.
const AGAIN: Duration = Duration::from_secs(1);

/// A turn that is being written.
pub(super) struct Turn {
    reports: Arc<[NumberedReport]>,
    /// Whether jobs were taken to be as we know them, and not read again.
    trusting: bool,
    begun: Instant,
    task: JoinHandle<Result<Written, StoreError>>,
}

pub(super) struct Written {
    ingested: Vec<Ingested>,
    claims: Vec<(ProcessId, Claims)>,
}

/// What has become of the turn that is being written; never, where none is.
pub(super) async fn written(turn: &mut Option<Turn>) -> Result<Written, StoreError> {
    match turn {
        // It panics only where we do.
        Some(turn) => (&mut turn.task).await.unwrap_or(Err(StoreError::Closed)),
        None => std::future::pending().await,
    }
}

impl Dispatcher {
    /// Begins the next turn, unless one is being written or nothing is to be done.
    pub(super) fn begin(&mut self) {
        // What is not acknowledged when the website ends comes again, to its next life.
        if self.in_flight.is_some() || self.stop.is_cancelled() || (self.reported.is_empty() && !self.wanted) {
            return;
        }
        self.wanted = false;
        let some = self.reported.len().min(BATCH);
        let reports: Arc<[NumberedReport]> = self.reported.drain(..some).collect();
        for (_, report, receipt) in reports.iter() {
            match report.outcome() {
                None => continue,
                Some(Outcome::HandedBack) => self.workers.leaves(receipt.from),
                Some(_) => {}
            }
            self.workers.ended(report.lease);
        }
        self.write_turn(reports, true);
    }

    fn write_turn(&mut self, reports: Arc<[NumberedReport]>, trusting: bool) {
        let openings = self.workers.openings(self.rules.slots);
        if reports.is_empty() && openings.is_empty() {
            return;
        }
        let mut known = HashMap::new();
        for (_, report, _) in reports.iter() {
            // What comes of it is known once it is committed, and not before.
            if let Some(job) = self.held.remove(&report.lease.job).filter(|_| trusting) {
                known.insert(report.lease.job, job);
            }
        }
        // For the first try. Another one comes after a bad moment of the database, and reads them again.
        let known = Mutex::new(known);
        let (rules, together, surely) = (self.rules, Arc::clone(&reports), self.surely());
        let task = tokio::spawn(async move {
            let write = move |conn: &mut Conn<'_>| {
                let reports = together.iter().map(|(reporter, report, _)| (reporter, report));
                let known = std::mem::take(&mut *known.lock().unwrap_or_else(PoisonError::into_inner));
                Ok(Written {
                    ingested: ingest::ingest(conn, &rules, reports, known)?,
                    claims: claim_for(conn, &openings)?,
                })
            };
            surely.write(write).await
        });
        self.in_flight = Some(Turn { reports, trusting, begun: Instant::now(), task });
    }

    pub(super) fn surely(&self) -> Surely {
        Surely { db: self.db.clone(), stop: self.stop.clone() }
    }

    /// Waits until everything that was reported is written and told.
    pub(super) async fn settle(&mut self) {
        while self.in_flight.is_some() || !self.reported.is_empty() {
            if self.in_flight.is_some() {
                let written = written(&mut self.in_flight).await;
                self.finish(written, false).await;
            }
            self.begin();
            if self.in_flight.is_none() {
                // The website ends.
                return;
            }
        }
    }

    /// The turn is written: keeps the books, goes on with the next, and lets everybody know.
    pub(super) async fn finish(&mut self, written: Result<Written, StoreError>, go_on: bool) {
        let Some(Turn { reports, trusting, begun, .. }) = self.in_flight.take() else { return };
        self.metrics.turn(begun.elapsed(), self.reported.len());
        let (ingested, claims) = match written {
            Ok(Written { ingested, claims }) => (ingested, claims),
            Err(error) if reports.is_empty() => {
                tracing::error!(%error, "cannot claim jobs; trying again in a second");
                self.try_again_at = Some(Instant::now() + AGAIN);
                return;
            }
            Err(StoreError::NotFound) if trusting => return self.write_turn(reports, false),
            Err(error) => {
                tracing::warn!(%error, reports = reports.len(), "cannot write reports together; writing them one by one");
                // Nothing is claimed on this way.
                self.wanted = true;
                match self.one_by_one(&reports).await {
                    Some(ingested) => (ingested, Vec::new()),
                    // Not acknowledged: they come again, to the next life of this website.
                    None => return,
                }
            }
        };
        for ((_, report, _), done) in reports.iter().zip(&ingested) {
            if done.gone {
                self.workers.ended(report.lease);
            }
            let held = done.job.as_ref().filter(|job| job.state().is_ok_and(State::is_leased));
            if let Some(job) = held {
                self.held.insert(report.lease.job, job.clone());
            }
        }
        for (worker, claims) in &claims {
            self.put_aside(&claims.put_aside);
            for Claimed { job, .. } in &claims.claimed {
                if let Ok(lease) = job.lease() {
                    self.workers.started(*worker, lease, job.lane());
                }
            }
        }
        if go_on {
            // What follows is done while it is being written.
            self.begin();
        }
        let mut orders = Vec::new();
        for (worker, claims) in claims {
            for claimed in claims.claimed {
                orders.extend(self.started(worker, claimed));
            }
        }
        let mut newest: HashMap<ProcessId, Receipt> = HashMap::new();
        for (.., receipt) in reports.iter() {
            newest.insert(receipt.from, *receipt);
        }
        for receipt in newest.into_values() {
            self.acknowledge(receipt);
        }
        self.tell(&ingested, &reports).await;
        for (worker, start) in orders {
            self.order(worker, Message::StartJob(Box::new(start))).await;
        }
        self.metrics.running(self.workers.running());
    }

    /// A report that cannot be written must not keep the others from it. None where the website is ending.
    async fn one_by_one(&self, reports: &Arc<[NumberedReport]>) -> Option<Vec<Ingested>> {
        let mut ingested = Vec::with_capacity(reports.len());
        for index in 0..reports.len() {
            let (rules, all) = (self.rules, Arc::clone(reports));
            let one = self
                .surely()
                .write(move |conn| {
                    let (reporter, report, _) = &all[index];
                    ingest::ingest(conn, &rules, [(reporter, report)], HashMap::new())
                })
                .await;
            let error = match one {
                Ok(one) => {
                    ingested.extend(one);
                    continue;
                }
                Err(error) => error,
            };
            let lease = reports[index].1.lease;
            tracing::error!(%error, job.id = %lease.job, "job {}: a report cannot be stored", lease.job);
            let rules = self.rules;
            match self.surely().write(move |conn| ingest::reject(conn, &rules, lease, &error)).await {
                Ok(job) => ingested.push(Ingested { job, gone: true, ..Ingested::default() }),
                Err(error) => {
                    tracing::error!(%error, "a job whose report cannot be stored cannot be ended either");
                    return None;
                }
            }
        }
        Some(ingested)
    }

    /// What reports did, told to browsers and workers.
    async fn tell(&mut self, ingested: &[Ingested], reports: &[NumberedReport]) {
        let mut refused = false;
        for (done, (_, report, receipt)) in ingested.iter().zip(reports) {
            self.lately.objects += done.objects;
            if let Some(job) = done.job.as_ref().or_else(|| self.held.get(&report.lease.job)) {
                for change in &report.changes {
                    if let Change::Items(items) = change {
                        self.hub.items(job, items);
                    }
                }
            }
            if let Some(job) = &done.job {
                self.hub.job(job);
                if let Some(elapsed) = ended_under(job, report.lease) {
                    self.lately.jobs += usize::from(log_end(job, elapsed));
                    self.metrics.ended(job, elapsed.map(TimeDelta::as_seconds_f64));
                }
            }
            self.metrics.written(done.objects);
            if done.gone {
                self.metrics.refused();
                self.order(receipt.from, Message::StopJob(StopJob::Drop(report.lease))).await;
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
            // Told to the crawlers, and renewed where that can be.
            self.credentials.touch();
            self.hub.accounts();
        }
    }

    /// Jobs that were next and cannot run.
    fn put_aside(&mut self, jobs: &[Job]) {
        for job in jobs {
            self.hub.job(job);
            let (id, kind, reason) = (job.id_text(), &job.kind, &job.error);
            if job.wait_reason.as_deref() == Some(WaitReason::Paused.as_str()) {
                tracing::debug!(job.id = id, kind, "job {id} is paused");
            } else {
                tracing::warn!(job.id = id, kind, reason, "job {id} cannot run");
            }
        }
        // Their places are still free, and somebody else may stand behind them.
        self.wanted |= !jobs.is_empty();
    }

    /// A job is a worker's: lets it be known. Returns the order to begin.
    fn started(&mut self, worker: ProcessId, claimed: Claimed) -> Option<(ProcessId, StartJob)> {
        self.hub.job(&claimed.job);
        self.metrics.started(&claimed.job);
        match start_message(&claimed, self.elsewhere) {
            Ok(start) => {
                self.held.insert(start.lease.job, claimed.job);
                Some((worker, start))
            }
            Err(error) => {
                tracing::error!(%error, "a claimed job cannot be sent");
                None
            }
        }
    }
}

fn claim_for(conn: &mut Conn<'_>, openings: &[Opening]) -> Result<Vec<(ProcessId, Claims)>, StoreError> {
    let mut all = Vec::new();
    for Opening { worker, name, own_instance, any, normal } in openings {
        let instance = match own_instance {
            None => None,
            // An instance that nobody has linked has no jobs.
            Some(url) => Some(instances::by_url(conn, url)?.unwrap_or(InstanceId(0))),
        };
        let request =
            ClaimRequest { worker: name.clone(), any: *any, normal: *normal, instance, runner: Runner::Crawler };
        let claims = claims::claim(conn, &request)?;
        for job in &claims.put_aside {
            if let (State::Failed, Some(why)) = (job.state()?, &job.error) {
                ingest::failed_for_good(conn, job, why)?;
            }
        }
        if claims != Claims::default() {
            all.push((*worker, claims));
        }
    }
    Ok(all)
}

fn start_message(claimed: &Claimed, elsewhere: u16) -> Result<StartJob, StoreError> {
    let Claimed { job, instance_url, accounts, area, watermark, missed } = claimed;
    Ok(StartJob {
        lease: job.lease()?,
        progress: job.steps(),
        kind: job.kind.clone(),
        payload: job.payload.clone(),
        instance_url: instance_url.clone(),
        accounts: accounts.clone(),
        area: area.clone(),
        cursor: job.cursor.clone(),
        watermark_us: watermark.map(|time| time.timestamp_micros()),
        missed: missed.clone(),
        elsewhere,
    })
}

/// How long the attempt of this lease took, as far as that is known; none where the lease goes on, or was another's.
#[expect(clippy::option_option, reason = "whether it has ended, and whether it is known how long it took")]
fn ended_under(job: &Job, lease: Lease) -> Option<Option<TimeDelta>> {
    let ended = !job.state().ok()?.is_leased() && job.lease_token == lease.token;
    ended.then(|| job.started_at().map(|start| now() - start))
}

/// Says how a job ended: aloud if it did not succeed. Returns whether it did end for good.
fn log_end(job: &Job, elapsed: Option<TimeDelta>) -> bool {
    let Ok(state) = job.state() else { return false };
    let elapsed_ms = elapsed.map(|elapsed| elapsed.num_milliseconds());
    let id = job.id_text();
    if let Some(error) = &job.error {
        let attempt = job.attempt;
        tracing::warn!(job.id = id, kind = job.kind, %state, attempt, elapsed_ms, error, "job {id} did not succeed");
    } else {
        tracing::debug!(job.id = id, kind = job.kind, %state, elapsed_ms, "job {id} ended");
    }
    !state.is_live()
}
