//! Jobs that the website runs itself, because all that they touch is in its database.
//!
//! They are queued, claimed, reported and ended as any other job is; only their worker is the website, under a name of its
//! own. What a piece of such a job does, and the report of it, are one transaction: whenever the process dies, the next
//! attempt goes on behind the last piece, and nothing is done twice.

mod bulk;

use super::{
    Rules,
    dispatcher::Handle,
    ingest::{self, Reporter},
};
use crate::{events::Hub, metrics::Metrics};
use chrono::TimeDelta;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    sync::Notify,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use trawl_jobs::{
    Change, JobError, JobId, JobSpec, Lease, Outcome, Report, State, UserId,
    kind::{BULK_ACTION, BulkAction},
};
use trawl_protocol::Boot;
use trawl_store::{
    Conn, Db, StoreError,
    claims::{self, ClaimRequest, Runner},
    counters,
    jobs::{self, Job},
    now, users, workers,
};

/// So many at once: each does its best to keep the writer busy.
const AT_ONCE: usize = 4;
/// How often is looked for jobs of which nobody has told: another node's, a schedule's, or those of an earlier life.
const LOOK: Duration = Duration::from_secs(2);
/// Pause after an error of the database.
const PAUSE: Duration = Duration::from_secs(1);

/// Runs them; see the module.
#[derive(Clone)]
pub struct OwnJobs {
    db: Db,
    rules: Rules,
    hub: Hub,
    metrics: Metrics,
    dispatcher: Handle,
    submitted: Arc<Notify>,
    reporter: Reporter,
}

/// What a piece of work did.
enum Piece {
    /// There is more to do.
    More(Done),
    /// It has ended.
    Over(Done),
    /// Somebody has taken the job away.
    Gone,
}

/// What follows from a piece of work once it is committed.
struct Done {
    job: Box<Job>,
    /// Workers that are to stop.
    told: Vec<(String, Lease)>,
}

/// What a piece of work has to report.
struct Said {
    changes: Vec<Change>,
    told: Vec<(String, Lease)>,
}

impl OwnJobs {
    /// Those of this life of the website on this node.
    #[must_use]
    pub fn new(
        db: Db,
        rules: Rules,
        (node, boot): (&str, Boot),
        (hub, metrics): (Hub, Metrics),
        dispatcher: Handle,
    ) -> Self {
        let reporter = Reporter { worker: worker_name(node, boot), own_token: false };
        let submitted = dispatcher.own_submitted();
        Self { db, rules, hub, metrics, dispatcher, submitted, reporter }
    }

    /// Runs until it is told to stop; what is unfinished then is gone on with by the next life, or by another node.
    pub async fn run(self, stop: CancellationToken) {
        let mut running = JoinSet::new();
        while !stop.is_cancelled() {
            let claimed = if running.len() < AT_ONCE { self.claim().await } else { Ok(None) };
            match claimed {
                Ok(Some(job)) => {
                    let (this, stop) = (self.clone(), stop.clone());
                    running.spawn(async move { this.work(job, stop).await });
                    continue;
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "cannot look for jobs of the website itself"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                _ = timeout(LOOK, self.submitted.notified()) => {}
                Some(_) = running.join_next() => {}
            }
        }
        while running.join_next().await.is_some() {}
    }

    /// Looks without the writer first: most of the time there is none.
    async fn claim(&self) -> Result<Option<Job>, StoreError> {
        if !self.db.read(|conn| counters::is_queued(conn, BULK_ACTION)).await? {
            return Ok(None);
        }
        let worker = self.reporter.worker.clone();
        let claimed = self.db.write(move |conn| {
            workers::heard(conn, std::slice::from_ref(&worker))?;
            let request =
                ClaimRequest { worker: worker.clone(), any: 1, normal: 1, instance: None, runner: Runner::Website };
            claims::claim(conn, &request)
        });
        let claims = claimed.await?;
        for job in &claims.put_aside {
            self.hub.job(job);
        }
        let job = claims.claimed.into_iter().next().map(|claimed| claimed.job);
        if let Some(job) = &job {
            self.hub.job(job);
            self.metrics.started(job);
        }
        Ok(job)
    }

    async fn work(&self, job: Job, stop: CancellationToken) {
        let Ok(lease) = job.lease() else { return };
        while !stop.is_cancelled() {
            let (rules, reporter) = (self.rules, self.reporter.clone());
            match self.db.write(move |conn| piece(conn, &rules, &reporter, lease)).await {
                Ok(Piece::More(done)) => self.tell(done).await,
                Ok(Piece::Over(done)) => {
                    let ran = done.job.started_at().map(|started| (now() - started).max(TimeDelta::zero()));
                    self.metrics.ended(&done.job, ran.map(TimeDelta::as_seconds_f64));
                    let (kind, state) = (&done.job.kind, done.job.state().map_or("unknown", State::as_str));
                    tracing::info!(job.id = %lease.job, kind, state, "job {} is {state}", lease.job);
                    return self.tell(done).await;
                }
                Ok(Piece::Gone) => return,
                Err(error) => {
                    tracing::warn!(%error, job.id = %lease.job, "job {} of the website cannot go on; it tries again", lease.job);
                    sleep(PAUSE).await;
                }
            }
        }
    }

    async fn tell(&self, done: Done) {
        for (worker, lease) in done.told {
            self.dispatcher.abort(worker, lease).await;
        }
        self.hub.job(&done.job);
        self.hub.jobs();
        self.dispatcher.wake();
    }
}

/// Name of the website's life as a worker.
#[must_use]
pub fn worker_name(node: &str, boot: Boot) -> String {
    format!("{node}/website/{boot}")
}

/// One piece of work, and the report of it.
fn piece(conn: &mut Conn<'_>, rules: &Rules, reporter: &Reporter, lease: Lease) -> Result<Piece, StoreError> {
    let job = jobs::get(conn, lease.job)?.filter(|job| job.lease_token == lease.token);
    let Some(job) = job.filter(|job| job.worker.as_deref() == Some(&reporter.worker)) else { return Ok(Piece::Gone) };
    workers::heard(conn, std::slice::from_ref(&reporter.worker))?;
    let said = match (job.state()?, JobSpec::parse(&job.kind, &job.payload)) {
        (State::Aborting, _) => Said::last(Outcome::Aborted),
        (_, Ok(JobSpec::BulkAction(options))) => bulk::piece(conn, &options, &job)?,
        _ => Said::last(Outcome::Failed(JobError::permanent("the website does not run jobs of this kind"))),
    };
    let over = said.changes.iter().any(|change| matches!(change, Change::Finished(_)));
    let report = Report { lease, seq: job.report_seq + 1, changes: said.changes };
    let known = HashMap::from([(lease.job, job)]);
    let ingested = ingest::ingest(conn, rules, [(reporter, &report)], known)?;
    let job = ingested.into_iter().find_map(|done| done.job).ok_or(StoreError::NotFound)?;
    let done = Done { job: Box::new(job), told: said.told };
    Ok(if over { Piece::Over(done) } else { Piece::More(done) })
}

impl Said {
    fn last(outcome: Outcome) -> Self {
        Self { changes: vec![Change::Finished(outcome)], told: Vec::new() }
    }
}
