//! Lives of workers: who comes, what each holds, and what becomes of the jobs of those who are gone or silent.

use super::Dispatcher;
use crate::manager::ingest;
use chrono::TimeDelta;
use std::collections::{HashMap, HashSet};
use trawl_jobs::{Lane, Lease};
use trawl_protocol::{Message, ProcessId, Receipt, StopJob};
use trawl_store::{StoreError, jobs, leases, now};

impl Dispatcher {
    /// A worker has said what it holds: what it should hold and does not never reached it, and goes back.
    pub(super) async fn holdings(&mut self, receipt: Receipt, held: Vec<Lease>) {
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

    pub(super) async fn peers(&mut self, peers: &[trawl_protocol::Peer]) {
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

    pub(super) async fn heartbeat(&self, from: ProcessId, leases: Vec<Lease>) {
        let Some(name) = self.workers.at(from).map(|worker| worker.name.clone()) else { return };
        if leases.is_empty() {
            return;
        }
        if let Err(error) = self.db.write(move |conn| leases::heartbeat(conn, &name, &leases)).await {
            tracing::warn!(%error, "cannot note a heartbeat");
        }
    }

    /// Leases whose worker has fallen silent, and jobs whose wait is over.
    pub(super) async fn care(&self) {
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
}
