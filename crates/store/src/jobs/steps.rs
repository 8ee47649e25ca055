//! Steps that jobs take without a worker: because a person wants it, or because a wait is over.

use super::{Job, get, step_job};
use crate::{
    Conn, StoreError, accounts,
    conn::on_backend,
    leases,
    literal::{IsFree, IsLiveRow, IsWaiting, IsWaitingRow},
    now,
    schema::{job_rows, jobs, leases as lease_rows},
    sync, turns,
    when::{Stamp, stored},
};
use diesel::prelude::*;
use trawl_jobs::{AccountId, AreaId, InstanceId, JobId, Lease, State, Step, UserId, WaitReason};

/// What an abort did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Abort {
    /// It is stopped.
    Stopped,
    /// This worker has to be told.
    Tell(String, Lease),
}

/// A person wants a job stopped. Asking twice is harmless.
///
/// # Errors
/// [`StoreError::Illegal`] where it has ended, [`StoreError::NotFound`].
pub fn abort(conn: &mut Conn<'_>, id: JobId) -> Result<Abort, StoreError> {
    let job = get(conn, id)?.ok_or(StoreError::NotFound)?;
    let from = job.state()?;
    if from == State::Aborting {
        return Ok(Abort::Tell(job.worker.clone().unwrap_or_default(), job.lease()?));
    }
    let to = from.after(Step::Abort)?;
    if let Some(worker) = job.worker.clone().filter(|_| to.is_leased()) {
        leases::ask_to_stop(conn, &job)?;
        return Ok(Abort::Tell(worker, job.lease()?));
    }
    let at = stored(now());
    let changes = (
        job_rows::state.eq(to.as_str()),
        job_rows::wait_reason.eq(None::<String>),
        job_rows::finished_at.eq(at),
        job_rows::updated_at.eq(at),
    );
    step_job!(conn, job, from, changes)?;
    turns::give_back(conn, job.lane(), share(&job), job.priority, job.rank)?;
    stopped(conn, &job)?;
    Ok(Abort::Stopped)
}

/// A person wants a job that has failed or was aborted run again, from where it was. The attempts begin anew; its
/// history stays.
///
/// # Errors
/// [`StoreError::Illegal`] where it has not ended so, [`StoreError::NotFound`]; a duplicate
/// ([`StoreError::is_duplicate`]) where another live job does the same.
pub fn retry(conn: &mut Conn<'_>, id: JobId) -> Result<(), StoreError> {
    let job = get(conn, id)?.ok_or(StoreError::NotFound)?;
    let from = job.state()?;
    let to = from.after(Step::Retry)?;
    let at = stored(now());
    let changes = (
        job_rows::rank.eq(turns::take(conn, job.lane(), share(&job), job.priority)?),
        job_rows::state.eq(to.as_str()),
        job_rows::attempt.eq(0),
        job_rows::crashes.eq(0),
        job_rows::error_class.eq(None::<String>),
        job_rows::error.eq(None::<String>),
        job_rows::finished_at.eq(None::<Stamp>),
        job_rows::run_at.eq(at),
        job_rows::updated_at.eq(at),
    );
    step_job!(conn, job, from, changes)
}

fn share(job: &Job) -> i64 {
    turns::share(job.account_id.map(AccountId), job.user_id.map(UserId))
}

/// Wakes jobs that wait for nothing but a time that has come.
pub fn wake_due(conn: &mut Conn<'_>) -> Result<usize, StoreError> {
    let at = stored(now());
    let due = job_rows::table
        .filter(IsWaitingRow)
        .filter(job_rows::wait_reason.eq_any(timed()))
        .filter(job_rows::run_at.le(at));
    let changes = (
        job_rows::state.eq(State::Queued.as_str()),
        job_rows::wait_reason.eq(None::<String>),
        job_rows::updated_at.eq(at),
    );
    Ok(on_backend!(conn, |c| diesel::update(due).set(changes).execute(c))?)
}

/// Whether a job waits for a time that has come, or for a pause that may be over: whether waking has anything to do.
pub fn may_wake(conn: &mut Conn<'_>) -> Result<bool, StoreError> {
    let due = jobs::wait_reason.eq_any(timed()).and(jobs::run_at.le(stored(now())));
    let some = jobs::table
        .filter(IsWaiting)
        .filter(due.or(jobs::wait_reason.eq(WaitReason::Paused.as_str())))
        .select(jobs::id)
        .limit(1);
    let found: Option<String> = on_backend!(conn, |c| some.first(c).optional())?;
    Ok(found.is_some())
}

fn timed() -> Vec<&'static str> {
    WaitReason::ALL.into_iter().filter(|reason| reason.is_timed()).map(WaitReason::as_str).collect()
}

/// Wakes the jobs of an instance that wait for credentials: an account has been linked there.
pub fn wake_for_credentials(conn: &mut Conn<'_>, instance: InstanceId) -> Result<usize, StoreError> {
    let at = stored(now());
    let waiting = job_rows::table
        .filter(IsWaitingRow)
        .filter(job_rows::wait_reason.eq("credentials"))
        .filter(job_rows::instance_id.eq(instance.0));
    let changes = (
        job_rows::state.eq(State::Queued.as_str()),
        job_rows::wait_reason.eq(None::<String>),
        job_rows::run_at.eq(at),
        job_rows::updated_at.eq(at),
    );
    Ok(on_backend!(conn, |c| diesel::update(waiting).set(changes).execute(c))?)
}

/// Wakes one waiting job.
pub fn wake(conn: &mut Conn<'_>, job: &mut Job) -> Result<(), StoreError> {
    let at = stored(now());
    let to = State::Waiting.after(Step::Wake)?;
    let changes = (
        job_rows::state.eq(to.as_str()),
        job_rows::wait_reason.eq(None::<String>),
        job_rows::run_at.eq(at),
        job_rows::updated_at.eq(at),
    );
    step_job!(conn, job, State::Waiting, changes)?;
    to.as_str().clone_into(&mut job.state);
    (job.wait_reason, job.run_at, job.updated_at) = (None, at, at);
    Ok(())
}

/// A person has stopped a job: the schedule does not bring it back at once.
pub fn stopped(conn: &mut Conn<'_>, job: &Job) -> Result<(), StoreError> {
    match (job.area_id, job.account_id) {
        (Some(area), _) => sync::failed(conn, AreaId(area), &job.kind, "stopped by a person"),
        (None, Some(account)) => accounts::scope_tried(conn, AccountId(account)),
        (None, None) => Ok(()),
    }
}

/// Ends the live jobs that are about an account as such: it is about to go. A worker that runs one finds its lease
/// gone.
pub(crate) fn end_those_about(conn: &mut Conn<'_>, account: AccountId) -> Result<(), StoreError> {
    let at = stored(now());
    let its = job_rows::account_id.eq(account.0).and(job_rows::area_id.is_null());
    let ids = job_rows::table.filter(its).filter(IsLiveRow).select(job_rows::id);
    let held: Vec<String> = on_backend!(conn, |c| lease_rows::table
        .filter(lease_rows::job_id.eq_any(ids))
        .select(lease_rows::job_id)
        .load(c))?;
    // The claims that these were are never given again, and no report under them is committed.
    let rows = job_rows::table.filter(job_rows::id.eq_any(&held));
    on_backend!(conn, |c| diesel::update(rows)
        .set((job_rows::lease_token.eq(job_rows::lease_token + 1), job_rows::report_seq.eq(0)))
        .execute(c))?;
    on_backend!(conn, |c| diesel::delete(lease_rows::table.filter(lease_rows::job_id.eq_any(&held))).execute(c))?;
    let changes = (
        job_rows::state.eq(State::Aborted.as_str()),
        job_rows::wait_reason.eq(None::<String>),
        job_rows::finished_at.eq(at),
        job_rows::updated_at.eq(at),
    );
    let live = job_rows::table.filter(its).filter(IsLiveRow);
    on_backend!(conn, |c| diesel::update(live).set(changes).execute(c))?;
    Ok(())
}
