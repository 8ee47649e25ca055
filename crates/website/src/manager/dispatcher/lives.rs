//! Lives of workers: who comes, what each holds, and what becomes of the jobs of those who are gone or silent.

use super::Dispatcher;
use crate::manager::{ingest, own_jobs::worker_name, refresh, schedules, workers::Worker};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::{HashMap, HashSet};
use tokio::time::Instant;
use trawl_jobs::{AreaId, Lease, State};
use trawl_protocol::{Message, ProcessId, Receipt, StopJob};
use trawl_store::{
    Backend, Conn, StoreError,
    jobs::{self, Job},
    leases, now, pauses, schedules as store_schedules, sync, workers,
};

/// A pause of our own between two rounds of care that means that we were held up.
const STALLED: TimeDelta = TimeDelta::seconds(5);

/// What a look at the database every second finds, all at one moment: mostly that there is nothing to do.
struct Seen {
    /// Crawlers of all nodes that are alive.
    crawlers: Vec<String>,
    /// Jobs that are to stop.
    aborting: Vec<Job>,
    /// Jobs of workers that are silent.
    silent: Vec<Job>,
    /// Some wait is over, or may be.
    wake: bool,
    /// Some schedule is due.
    scheduled: bool,
    /// Areas of which an instance has told while they were being read.
    told: Vec<AreaId>,
}

impl Seen {
    fn now(conn: &mut Conn<'_>, before: DateTime<Utc>) -> Result<Self, StoreError> {
        Ok(Self {
            crawlers: workers::living(conn, before)?,
            aborting: leases::aborting(conn)?,
            silent: leases::of_silent(conn, before)?,
            wake: jobs::may_wake(conn)?,
            scheduled: !store_schedules::due(conn)?.is_empty(),
            told: sync::wanted(conn)?,
        })
    }
}

impl Dispatcher {
    /// A worker has said what it holds: what it should hold and does not never reached it, and goes back.
    pub(super) async fn holdings(&mut self, receipt: Receipt, held: Vec<Lease>) {
        let Some(worker) = self.workers.get(receipt.from, receipt.boot).cloned() else { return };
        let name = worker.name.clone();
        let reported: HashSet<Lease> = held.iter().copied().collect();
        let settled = self
            .surely()
            .write(move |conn| {
                let (mut running, mut aborting) = (HashMap::new(), Vec::new());
                workers::heard(conn, std::slice::from_ref(&name))?;
                for mut job in leases::held_by(conn, &name)? {
                    let lease = job.lease()?;
                    if !reported.contains(&lease) {
                        leases::give_back(conn, &mut job)?;
                        continue;
                    }
                    running.insert(lease, job.lane());
                    if job.state()? == State::Aborting {
                        aborting.push(lease);
                    }
                }
                Ok((running, aborting))
            })
            .await;
        match settled {
            Ok((running, aborting)) => {
                // Whoever should have told it may have died.
                for lease in aborting {
                    self.order(worker.id, Message::StopJob(StopJob::Abort(lease))).await;
                }
                for lease in held.iter().filter(|lease| !running.contains_key(lease)) {
                    self.order(worker.id, Message::StopJob(StopJob::Drop(*lease))).await;
                }
                tracing::info!(worker = worker.name, jobs = running.len(), "{} is ready", worker.id);
                self.workers.holds(worker.id, running);
                self.look_around(self.silent_since()).await;
            }
            Err(error) => tracing::error!(%error, worker = worker.name, "cannot settle what a worker holds"),
        }
    }

    pub(super) async fn peers(&mut self, peers: &[trawl_protocol::Peer]) {
        let changes = self.workers.update(peers);
        for worker in changes.lost {
            tracing::warn!(worker = worker.name, "{} is gone; its jobs go back to the queue", worker.id);
            self.metrics.left(worker.id);
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
            let (prefix, mut alive) = (self.workers.name_prefix(), self.workers.names());
            alive.insert(worker_name(&self.node, self.boot));
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
    async fn requeue<F>(&mut self, why: String, which: F)
    where
        F: Fn(&mut Conn<'_>) -> Result<Vec<jobs::Job>, StoreError> + Send + Sync + 'static,
    {
        let rules = self.rules;
        let done = self
            .surely()
            .write(move |conn| {
                let mut lost = which(conn)?;
                for job in &mut lost {
                    if leases::lost(conn, job, &why, &rules.retry)? == State::Failed {
                        ingest::failed_for_good(conn, job, &why)?;
                    }
                }
                Ok(lost)
            })
            .await;
        match done {
            Ok(requeued) => {
                self.metrics.lost(requeued.len());
                for job in &requeued {
                    if let Ok(lease) = job.lease() {
                        self.workers.ended(lease);
                        self.held.remove(&lease.job);
                    }
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

    /// A worker is alive. It is noted with the next round of care, once for all that it holds.
    pub(super) fn heartbeat(&mut self, from: ProcessId, window_percent: u8) {
        if let Some(worker) = self.workers.at(from) {
            self.metrics.window(from, window_percent);
            self.heard.insert(worker.name.clone());
        }
    }

    /// Leases whose worker has fallen silent, and jobs whose wait is over.
    pub(super) async fn care(&mut self) {
        let at = now();
        if at - self.last_care > STALLED {
            // The machine slept, or the database held us up: what workers said meanwhile is still to be read.
            self.listening_since = at;
        }
        self.last_care = at;
        let before = self.silent_since();
        self.held.retain(|_, job| job.lease().is_ok_and(|lease| self.workers.has(lease)));
        self.note_signs_of_life().await;
        if self.db.backend() == Backend::Postgres {
            // Another node may have more than it can start, and its word for it may be lost.
            self.submitted.notify_one();
        }
        let seen = match self.db.read(move |conn| Seen::now(conn, before)).await {
            Ok(seen) => seen,
            Err(error) => return tracing::warn!(%error, "cannot look for what is to be done"),
        };
        self.count_others(&seen.crawlers);
        self.tell_again(seen.aborting).await;
        if self.listening_since <= before && !seen.silent.is_empty() {
            let silent = self.rules.stale.as_secs();
            // Looked up again, since one of them may have spoken.
            let which = move |conn: &mut Conn<'_>| leases::of_silent(conn, before);
            self.requeue(format!("its crawler was silent for {silent} s"), which).await;
        }
        if seen.wake {
            self.wake_waiting().await;
        }
        if seen.scheduled {
            self.run_schedules().await;
        }
        if !seen.told.is_empty() {
            let rules = self.rules;
            self.planned(self.db.write(move |conn| refresh::told(conn, &rules, &seen.told)).await);
        }
    }

    async fn wake_waiting(&self) {
        match self.db.write(|conn| Ok(jobs::wake_due(conn)? + pauses::wake(conn)?)).await {
            Ok(0) => {}
            Ok(_) => self.submitted.notify_one(),
            Err(error) => tracing::warn!(%error, "cannot wake waiting jobs"),
        }
    }

    async fn run_schedules(&self) {
        match schedules::run(&self.db, &self.rules).await {
            Ok(0) => {}
            Ok(_) => {
                self.hub.jobs();
                self.submitted.notify_one();
            }
            Err(error) => tracing::warn!(%error, "cannot look for schedules that are due"),
        }
    }

    /// Of who holds nothing it need not be known to the second: a commit each time would be most of what an idle website does.
    async fn note_signs_of_life(&mut self) {
        let seldom = self.rules.stale / 3;
        self.noted.retain(|_, noted| noted.elapsed() < seldom);
        let busy = |name: &str| self.workers.named(name).is_none_or(Worker::is_busy);
        let heard = self.heard.drain();
        let names: Vec<String> = heard.filter(|name| busy(name) || !self.noted.contains_key(name)).collect();
        if names.is_empty() {
            return;
        }
        self.noted.extend(names.iter().map(|name| (name.clone(), Instant::now())));
        if let Err(error) = self.db.write(move |conn| workers::heard(conn, &names)).await {
            tracing::warn!(%error, "cannot note that crawlers are alive");
        }
    }

    /// A worker that was last heard of before this is silent.
    fn silent_since(&self) -> DateTime<Utc> {
        now() - TimeDelta::from_std(self.rules.stale).unwrap_or(TimeDelta::MAX)
    }

    /// Whoever asks GitLab has to know how many others may do the same: none where there is one crawler, else as many as
    /// jobs run at once on all nodes.
    fn count_others(&mut self, crawlers: &[String]) {
        self.elsewhere = if crawlers.len() < 2 {
            0
        } else {
            let nodes: HashSet<_> = crawlers.iter().filter_map(|name| name.split('/').next()).collect();
            u16::try_from(nodes.len() * self.rules.slots.total).unwrap_or(u16::MAX)
        };
    }

    async fn look_around(&mut self, since: DateTime<Utc>) {
        match self.db.read(move |conn| workers::living(conn, since)).await {
            Ok(crawlers) => self.count_others(&crawlers),
            Err(error) => tracing::warn!(%error, "cannot count crawlers"),
        }
    }

    /// Jobs of our workers that are to stop: a person may have asked another node, or we may have died before we told.
    /// Being told twice is harmless.
    async fn tell_again(&self, jobs: Vec<Job>) {
        for job in jobs {
            let worker = job.worker.as_deref().and_then(|name| self.workers.named(name)).map(|worker| worker.id);
            if let (Some(worker), Ok(lease)) = (worker, job.lease()) {
                self.order(worker, Message::StopJob(StopJob::Abort(lease))).await;
            }
        }
    }
}
