//! A turn: reports are written, free places are filled, and then everybody is told.

use super::{Dispatcher, NumberedReport};
use crate::manager::{
    ingest::{self, Ingested},
    workers::Worker,
};
use chrono::TimeDelta;
use std::sync::Arc;
use trawl_jobs::{InstanceId, Lease, Outcome, WaitReason};
use trawl_protocol::{Message, Receipt, StartJob, StopJob};
use trawl_store::{
    StoreError,
    claims::{self, ClaimRequest, Claimed, Claims},
    instances, jobs, now,
};

impl Dispatcher {
    /// Writes reports, fills free places, and lets everybody know.
    pub(super) async fn turn(&mut self, reports: Vec<NumberedReport>) {
        if self.stop.is_cancelled() {
            // What is not acknowledged comes again, to the next life of this website.
            return;
        }
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
            .write_surely(move |conn| {
                let reports = together.iter().map(|(reporter, report, _)| (reporter, report));
                Ok((ingest::ingest(conn, &rules, reports)?, claim_for(conn, &requests)?, jobs::next_run_at(conn)?))
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
                // Nothing is claimed on this way.
                self.submitted.notify_one();
                match self.one_by_one(&reports).await {
                    Some(ingested) => (ingested, Vec::new()),
                    // Not acknowledged: they come again, to the next life of this website.
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
        self.metrics.running(self.workers.running());
    }

    /// A report that cannot be written must not keep the others from it. None where the website is ending.
    async fn one_by_one(&self, reports: &Arc<[NumberedReport]>) -> Option<Vec<Ingested>> {
        let mut ingested = Vec::with_capacity(reports.len());
        for index in 0..reports.len() {
            let (rules, all) = (self.rules, Arc::clone(reports));
            let one = self
                .write_surely(move |conn| {
                    let (reporter, report, _) = &all[index];
                    ingest::ingest(conn, &rules, [(reporter, report)])
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
            match self.write_surely(move |conn| ingest::reject(conn, &rules, lease, &error)).await {
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
    async fn tell(&mut self, leases: &[Lease], ingested: &[Ingested], reports: &[NumberedReport]) {
        let mut refused = false;
        for ((lease, done), (_, _, receipt)) in leases.iter().zip(ingested).zip(reports) {
            self.lately.objects += done.objects;
            if let Some(job) = &done.job {
                self.hub.job(job);
                if let Some(elapsed) = ended_under(job, *lease) {
                    self.lately.jobs += usize::from(log_end(job, elapsed));
                    self.metrics.ended(job, elapsed.map(TimeDelta::as_seconds_f64));
                }
            }
            self.metrics.written(done.objects);
            if done.gone {
                self.metrics.refused();
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
            self.hub.job(job);
            if job.wait_reason.as_deref() == Some(WaitReason::Paused.as_str()) {
                tracing::debug!(job.id = job.id_text(), kind = job.kind, "job {} is paused", job.id_text());
                continue;
            }
            let (id, kind, reason) = (job.id_text(), &job.kind, &job.error);
            tracing::warn!(job.id = id, kind, reason, "job {id} cannot run");
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
            self.metrics.started(&claimed.job);
            let lane = claimed.job.lane();
            match start_message(claimed) {
                Ok(start) => {
                    self.workers.started(worker.id, start.lease, lane);
                    self.order(worker.id, Message::StartJob(Box::new(start))).await;
                }
                Err(error) => tracing::error!(%error, "a claimed job cannot be sent"),
            }
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

/// How long the attempt of this lease took, as far as that is known; none where the lease goes on, or was another's.
#[expect(clippy::option_option, reason = "whether it has ended, and whether it is known how long it took")]
fn ended_under(job: &jobs::Job, lease: Lease) -> Option<Option<TimeDelta>> {
    let ended = !job.state().ok()?.is_leased() && job.lease_token == lease.token;
    ended.then(|| job.started_at().map(|start| now() - start))
}

/// Says how a job ended: aloud if it did not succeed. Returns whether it did end for good.
fn log_end(job: &jobs::Job, elapsed: Option<TimeDelta>) -> bool {
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
