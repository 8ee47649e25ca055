//! Leases: what their holder reports, how they end, and how they are taken away.

use crate::{
    Conn, StoreError, attempts,
    conn::{columns, on_backend},
    jobs::{self as job_rows, Job},
    now,
    schema::jobs,
    text::storable,
    when::stored,
};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use trawl_jobs::{
    ErrorClass, IllegalStep, JobError, Lease, Outcome, Progress, RetryPolicy, State, Step, Verdict, WaitReason,
    retry::Tries,
};

/// Whether a report may be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// The lease holds and the report is new.
    Fresh(Box<Job>),
    /// It is committed already: an acknowledgement was lost.
    Seen,
    /// The lease is gone: the worker must stop.
    Gone,
}

/// Looks at a report's lease and number.
pub fn standing(conn: &mut Conn<'_>, worker: &str, lease: Lease, seq: i64) -> Result<Standing, StoreError> {
    let Some(job) = job_rows::get(conn, lease.job)? else { return Ok(Standing::Gone) };
    if job.lease_token != lease.token {
        return Ok(Standing::Gone);
    }
    if seq <= job.report_seq {
        return Ok(Standing::Seen);
    }
    // A report after one that was not committed would leave a hole: it is not taken, and comes again in its turn.
    if seq == job.report_seq + 1 && job.state()?.is_leased() && job.worker.as_deref() == Some(worker) {
        return Ok(Standing::Fresh(Box::new(job)));
    }
    Ok(Standing::Gone)
}

/// Writes how far a job is.
///
/// # Errors
/// [`StoreError::NotFound`] where the lease is gone or the report is an old one: the caller has not looked at its
/// [`Standing`] in the same transaction.
pub fn advance(
    conn: &mut Conn<'_>,
    job: &Job,
    seq: i64,
    progress: Option<&Progress>,
    cursor: Option<&str>,
) -> Result<(), StoreError> {
    let at = stored(now());
    let progress = progress.map(|progress| {
        // It never goes back, and it is whole only at the end.
        let value = progress.value().clamp(job.progress, 0.999_f64.max(job.progress));
        let steps = serde_json::to_string(progress).unwrap_or_else(|_| "[]".to_owned());
        (jobs::progress.eq(value), jobs::steps.eq(steps))
    });
    let cursor = cursor.map(|cursor| jobs::cursor.eq(storable(cursor)));
    let always = (jobs::report_seq.eq(seq), jobs::heartbeat_at.eq(at), jobs::updated_at.eq(at));
    let held = jobs::table
        .filter(jobs::id.eq(job.id_text()))
        .filter(jobs::lease_token.eq(job.lease_token))
        .filter(jobs::worker.is_not_null())
        .filter(jobs::report_seq.lt(seq));
    match on_backend!(conn, |c| diesel::update(held).set((always, progress, cursor)).execute(c))? {
        0 => Err(StoreError::NotFound),
        _ => Ok(()),
    }
}

/// Ends a lease as its holder says, or as `Outcome::Failed` with class `Crashed` where the holder is lost. Returns the
/// job's state after it.
pub fn end(
    conn: &mut Conn<'_>,
    job: &Job,
    outcome: &Outcome,
    policy: &RetryPolicy,
    dice: f64,
) -> Result<State, StoreError> {
    let from = job.state()?;
    let at = now();
    let (step, word, error) = match outcome {
        Outcome::Completed { .. } => (Step::Complete, "completed", None),
        Outcome::Aborted if from == State::Aborting => (Step::EndAbort, "aborted", None),
        // Nobody asked for it: the worker has its reasons, the job goes on elsewhere.
        Outcome::Aborted | Outcome::HandedBack => (Step::Requeue, "handed back", None),
        Outcome::Failed(error) => {
            let crashed = error.class == ErrorClass::Crashed;
            let tries = Tries {
                attempt: job.attempt,
                max_attempts: job.max_attempts,
                crashes: job.crashes + i32::from(crashed),
            };
            let step = match policy.after(error, tries, dice) {
                Verdict::Retry(_) => Step::Requeue,
                Verdict::Park(..) => Step::Park,
                Verdict::Fail => Step::Fail,
            };
            (
                step,
                if crashed { "worker lost" } else { "failed" },
                Some((error, policy.after(error, tries, dice), tries)),
            )
        }
    };
    // A job may also fail or be parked while it is queued, but not by a lease.
    let to = if from.is_leased() { from.after(step)? } else { return Err(IllegalStep { from, step }.into()) };
    let verdict = error.as_ref().map(|(_, verdict, _)| *verdict);
    let wait = match verdict {
        Some(Verdict::Retry(wait)) => wait,
        Some(Verdict::Park(_, wait)) => wait.unwrap_or_default(),
        _ => std::time::Duration::ZERO,
    };
    let run_at = at + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX / 1000);
    let reason = match (to, verdict) {
        (State::Waiting, Some(Verdict::Park(reason, _))) => Some(WaitReason::as_str(reason)),
        _ => None,
    };
    let burnt = matches!(step, Step::Complete | Step::Fail | Step::EndAbort)
        || matches!(&error, Some((error, Verdict::Retry(_), _)) if error.class != ErrorClass::Crashed);
    let finished = (!to.is_live()).then_some(at);
    let result = match outcome {
        Outcome::Completed { result, .. } => Some(result.as_str()),
        _ => None,
    };
    let changes = (
        (
            jobs::state.eq(to.as_str()),
            jobs::wait_reason.eq(reason),
            jobs::worker.eq(None::<String>),
            jobs::served_by.eq(None::<i64>),
            jobs::attempt.eq(job.attempt - i32::from(!burnt)),
            jobs::crashes.eq(error.as_ref().map_or(job.crashes, |(_, _, tries)| tries.crashes)),
            jobs::run_at.eq(stored(run_at)),
            jobs::updated_at.eq(stored(at)),
        ),
        (
            jobs::finished_at.eq(finished.map(stored)),
            jobs::progress.eq(if to == State::Completed { 1.0 } else { job.progress }),
            jobs::result.eq(result.or(job.result.as_deref()).map(storable)),
            jobs::error_class.eq(error.as_ref().map(|(error, ..)| error.class.as_str())),
            jobs::error.eq(error.as_ref().map(|(error, ..)| storable(&error.message))),
        ),
    );
    job_rows::step_job!(conn, job, from, changes)?;
    attempts::end(conn, job.lease()?, word, error.as_ref().map(|(error, ..)| *error))?;
    Ok(to)
}

/// A worker says that it is alive and holds these.
pub fn heartbeat(conn: &mut Conn<'_>, worker: &str, leases: &[Lease]) -> Result<usize, StoreError> {
    let ids: Vec<String> = leases.iter().map(|lease| lease.job.to_string()).collect();
    let held = jobs::table.filter(jobs::worker.eq(worker)).filter(jobs::id.eq_any(ids));
    Ok(on_backend!(conn, |c| diesel::update(held).set(jobs::heartbeat_at.eq(stored(now()))).execute(c))?)
}

/// Jobs whose lease this worker has.
pub fn held_by(conn: &mut Conn<'_>, worker: &str) -> Result<Vec<Job>, StoreError> {
    let query = jobs::table.filter(jobs::worker.eq(worker)).order(jobs::id).select(columns::<Job>());
    Ok(on_backend!(conn, |c| query.load(c))?)
}

/// Jobs with a lease, whoever has it.
pub fn leased(conn: &mut Conn<'_>) -> Result<Vec<Job>, StoreError> {
    let query = jobs::table
        .filter(jobs::state.eq_any([State::Running.as_str(), State::Aborting.as_str()]))
        .order(jobs::id)
        .select(columns::<Job>());
    Ok(on_backend!(conn, |c| query.load(c))?)
}

/// Jobs whose worker has been silent since `before`.
pub fn stale(conn: &mut Conn<'_>, before: DateTime<Utc>) -> Result<Vec<Job>, StoreError> {
    let query = jobs::table
        .filter(jobs::state.eq_any([State::Running.as_str(), State::Aborting.as_str()]))
        .filter(jobs::heartbeat_at.lt(stored(before)))
        .order(jobs::id)
        .select(columns::<Job>());
    Ok(on_backend!(conn, |c| query.load(c))?)
}

/// Takes a lease away from a worker that is lost. Returns the job's state after it.
pub fn lost(conn: &mut Conn<'_>, job: &Job, why: &str, policy: &RetryPolicy) -> Result<State, StoreError> {
    end(conn, job, &Outcome::Failed(JobError::new(ErrorClass::Crashed, why)), policy, 0.0)
}

/// Gives a lease back that never reached its worker.
pub fn give_back(conn: &mut Conn<'_>, job: &Job) -> Result<State, StoreError> {
    end(conn, job, &Outcome::HandedBack, &RetryPolicy::default(), 0.0)
}
