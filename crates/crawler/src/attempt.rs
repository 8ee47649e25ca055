//! One attempt of one job: from its order to its last word, whatever happens in between.

use crate::{JobControl, JobFailure, control::panicked};
use chrono::{DateTime, Utc};
use futures_util::FutureExt as _;
use std::{panic::AssertUnwindSafe, pin::Pin, sync::Arc, time::Instant};
use trawl_jobs::{AccountId, JobError, Outcome, UnknownKind, WholeList};
use trawl_protocol::StartJob;

/// A job's `run`, ready to be polled.
pub type JobFuture = Pin<Box<dyn Future<Output = Result<Completed, JobFailure>> + Send>>;

/// Which jobs there are. The engine sees families through this alone.
pub trait Registry: Send + Sync + 'static {
    /// The kinds that can be run.
    fn kinds(&self) -> Vec<String>;

    /// Makes a job of an order.
    ///
    /// # Errors
    /// The kind or its options are not understood.
    fn prepare(&self, order: StartJob, control: JobControl) -> Result<JobFuture, UnknownKind>;
}

/// What a job has to show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completed {
    /// Figures for people, a JSON object.
    pub result: serde_json::Value,
    /// Everything that changed before this time has been seen.
    pub watermark: Option<DateTime<Utc>>,
    /// What was left out, in words.
    pub incomplete: Option<String>,
    /// Lists that were read to the end: what is not among the records any more is gone.
    pub whole: Vec<WholeList>,
    /// Accounts whose tokens were used, in all attempts.
    pub readers: Vec<AccountId>,
}

/// Runs an attempt; returns when the website has its last word.
pub(crate) async fn run(registry: Arc<dyn Registry>, order: StartJob, control: JobControl) {
    let lease = order.lease;
    let kind = order.kind.clone();
    tracing::debug!(job.id = %lease.job, kind, "job {lease} starts ({kind})");
    let started = Instant::now();
    let outcome = outcome(&*registry, order, &control).await;
    let elapsed_ms = started.elapsed().as_millis();
    match &outcome {
        Outcome::Completed { .. } => tracing::debug!(job.id = %lease.job, kind, elapsed_ms, "job {lease} is done"),
        Outcome::Failed(error) => {
            tracing::warn!(job.id = %lease.job, kind, elapsed_ms, class = %error.class, %error, "job {lease} failed");
        }
        Outcome::Aborted => tracing::info!(job.id = %lease.job, kind, elapsed_ms, "job {lease} is aborted"),
        Outcome::HandedBack => tracing::info!(job.id = %lease.job, kind, elapsed_ms, "job {lease} is handed back"),
    }
    if let Err(error) = control.finish(outcome).await {
        tracing::warn!(job.id = %lease.job, %error, "cannot report the end of job {lease}");
    }
}

async fn outcome(registry: &dyn Registry, order: StartJob, control: &JobControl) -> Outcome {
    let prepared = std::panic::catch_unwind(AssertUnwindSafe(|| registry.prepare(order, control.clone())));
    let job = match prepared {
        Ok(Ok(job)) => job,
        Ok(Err(unknown)) => {
            let text = format!("{unknown}; run the same version of Trawl everywhere");
            return Outcome::Failed(JobError::permanent(text));
        }
        Err(panic) => return Outcome::Failed(panicked(&*panic)),
    };
    let abort = control.abort_signal();
    tokio::select! {
        biased;
        () = abort.cancelled() => Outcome::Aborted,
        () = control.hand_back_signal().cancelled() => Outcome::HandedBack,
        ended = AssertUnwindSafe(job).catch_unwind() => match ended {
            Ok(Ok(done)) => Outcome::Completed {
                result: done.result.to_string(),
                watermark: done.watermark,
                incomplete: done.incomplete,
                whole: done.whole,
                readers: done.readers,
            },
            Ok(Err(JobFailure::Aborted)) => Outcome::Aborted,
            Ok(Err(JobFailure::Error(error))) => Outcome::Failed(error),
            Err(panic) => Outcome::Failed(panicked(&*panic)),
        },
        never = control.report_as_it_goes() => match never {},
    }
}
