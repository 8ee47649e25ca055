//! Leases: what their holder reports, how they end, and how they are taken away.
//!
//! A lease is a row of its own, over that of its job: the wide row with its indexes is written when it ends, and not for
//! each claim and each report. Whoever reads a job reads both as one.
//!
//! A report is decided on a row that was read in the same transaction, and kept up to date here: several reports of one
//! job may be written one after the other without reading it again.

mod endings;

pub use endings::{Ending, end, write_endings};
pub(crate) use endings::{park, put_aside};

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    jobs::{self as job_rows, Job},
    now,
    schema::{jobs, leases, workers},
    statement::statement,
    text::storable,
    when::{Stamp, stored},
};
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Double, Nullable, Text, Timestamp},
};
use std::{collections::HashMap, marker::PhantomData};
use trawl_jobs::{AccountId, ErrorClass, JobError, JobId, Lease, Outcome, Progress, RetryPolicy, State};

statement! {
    /// A job is further than before.
    Forward {
        "UPDATE leases SET report_seq = ", report_seq: i64 as BigInt,
        ", progress = ", progress: f64 as Double,
        ", steps = ", steps: &'a str as Text,
        ", cursor = coalesce(", cursor: Option<&'a str> as Nullable<Text>,
        ", cursor), updated_at = ", updated_at: Stamp as Timestamp,
        " WHERE job_id = ", id: &'a str as Text,
        " AND token = ", lease_token: i64 as BigInt,
        " AND report_seq = ", before: i64 as BigInt,
    } ""
}

/// Whether a report may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The lease holds and the report is new.
    Fresh,
    /// It is committed already: an acknowledgement was lost.
    Seen,
    /// The lease is gone: the worker must stop.
    Gone,
    /// The lease holds, but a report before this one never came: the worker must stop, and somebody else goes on.
    Broken,
}

/// The jobs that reports are about.
pub fn load(conn: &mut Conn<'_>, ids: &[JobId]) -> Result<HashMap<JobId, Job>, StoreError> {
    job_rows::get_all(conn, ids)?.into_iter().map(|job| Ok((job.id()?, job))).collect()
}

/// Looks at a report's lease and number.
pub fn standing(job: Option<&Job>, worker: &str, lease: Lease, seq: i64) -> Result<Standing, StoreError> {
    let Some(job) = job.filter(|job| job.lease_token == lease.token) else { return Ok(Standing::Gone) };
    if seq <= job.report_seq {
        return Ok(Standing::Seen);
    }
    if !job.state()?.is_leased() || job.worker.as_deref() != Some(worker) {
        return Ok(Standing::Gone);
    }
    Ok(if seq == job.report_seq + 1 { Standing::Fresh } else { Standing::Broken })
}

/// How far a report says that its job is.
#[derive(Debug, Clone, Copy)]
pub struct Advance<'a> {
    /// Number of the report.
    pub seq: i64,
    /// How far the parts are.
    pub progress: Option<&'a Progress>,
    /// Where to go on after a crash.
    pub cursor: Option<&'a str>,
}

impl Advance<'_> {
    fn apply(&self, job: &mut Job) {
        job.report_seq = self.seq;
        if let Some(progress) = self.progress {
            // It never goes back, and it is whole only at the end.
            job.progress = progress.value().clamp(job.progress, 0.999_f64.max(job.progress));
            job.steps = storable(&serde_json::to_string(progress).unwrap_or_else(|_| "[]".to_owned())).into_owned();
        }
        if let Some(cursor) = self.cursor {
            job.cursor = Some(storable(cursor).into_owned());
        }
    }
}

/// Writes how far a job is.
///
/// # Errors
/// [`StoreError::NotFound`] where the lease is gone or the report is an old one: the caller has not looked at its
/// [`Standing`] in the same transaction.
pub fn advance(conn: &mut Conn<'_>, job: &mut Job, advance: Advance<'_>) -> Result<(), StoreError> {
    let before = job.report_seq;
    advance.apply(job);
    job.updated_at = stored(now());
    let step = Forward {
        report_seq: job.report_seq,
        progress: job.progress,
        steps: &job.steps,
        // Most reports have none, and it may be long.
        cursor: advance.cursor.and(job.cursor.as_deref()),
        updated_at: job.updated_at,
        id: job.id_text(),
        lease_token: job.lease_token,
        before,
        of: PhantomData,
    };
    changed(on_backend!(conn, |c| step.execute(c))?)
}

/// A claimed job is read with this account's token.
pub(crate) fn serve(conn: &mut Conn<'_>, job: &mut Job, account: AccountId) -> Result<(), StoreError> {
    job.served_by = Some(account.0);
    let lease = leases::table.find(job.id_text());
    on_backend!(conn, |c| diesel::update(lease).set(leases::served_by.eq(account.0)).execute(c))?;
    Ok(())
}

/// A job's worker is to stop. It is told by whoever has the way to it.
///
/// # Errors
/// [`StoreError::NotFound`] where the lease is gone.
pub(crate) fn ask_to_stop(conn: &mut Conn<'_>, job: &Job) -> Result<(), StoreError> {
    let lease = leases::table.find(job.id_text()).filter(leases::token.eq(job.lease_token));
    let changes = (leases::aborting.eq(true), leases::updated_at.eq(stored(now())));
    changed(on_backend!(conn, |c| diesel::update(lease).set(changes).execute(c))?)
}

fn changed(rows: usize) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::NotFound) } else { Ok(()) }
}

/// Ids of the jobs that somebody holds: never many. Asked for by these, jobs are found one by one, where a planner that is
/// free to join may read them all.
pub(crate) fn held(conn: &mut Conn<'_>) -> Result<Vec<String>, StoreError> {
    Ok(on_backend!(conn, |c| leases::table.order(leases::job_id).select(leases::job_id).load(c))?)
}

/// These of the jobs, which are held.
fn of(conn: &mut Conn<'_>, ids: &[String]) -> Result<Vec<Job>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let query = jobs::table.filter(jobs::id.eq_any(ids)).order(jobs::id).select(columns::<Job>());
    Ok(on_backend!(conn, |c| query.load(c))?)
}

/// Jobs whose lease this worker has.
pub fn held_by(conn: &mut Conn<'_>, worker: &str) -> Result<Vec<Job>, StoreError> {
    let ids = leases::table.filter(leases::worker.eq(worker)).select(leases::job_id);
    let ids: Vec<String> = on_backend!(conn, |c| ids.load(c))?;
    of(conn, &ids)
}

/// Jobs that a worker has been asked to stop.
pub fn aborting(conn: &mut Conn<'_>) -> Result<Vec<Job>, StoreError> {
    let ids = leases::table.filter(leases::aborting).select(leases::job_id);
    let ids: Vec<String> = on_backend!(conn, |c| ids.load(c))?;
    of(conn, &ids)
}

/// Jobs with a lease, whoever has it.
pub fn leased(conn: &mut Conn<'_>) -> Result<Vec<Job>, StoreError> {
    let ids = held(conn)?;
    of(conn, &ids)
}

/// Jobs whose worker has not been heard of since `before`.
pub fn of_silent(conn: &mut Conn<'_>, before: DateTime<Utc>) -> Result<Vec<Job>, StoreError> {
    let before = stored(before);
    // A worker without a row was claimed for by a version that had none; its leases speak for it.
    let silent = workers::heartbeat_at
        .lt(before)
        .or(workers::name.is_null().and(leases::updated_at.lt(before)))
        .assume_not_null();
    let ids = leases::table
        .left_join(workers::table.on(workers::name.eq(leases::worker)))
        .filter(silent)
        .select(leases::job_id);
    let ids: Vec<String> = on_backend!(conn, |c| ids.load(c))?;
    of(conn, &ids)
}

/// Takes a lease away from a worker that is lost. Returns the job's state after it.
pub fn lost(conn: &mut Conn<'_>, job: &mut Job, why: &str, policy: &RetryPolicy) -> Result<State, StoreError> {
    end(conn, job, None, &Outcome::Failed(JobError::new(ErrorClass::Crashed, why)), policy, 0.0)
}

/// Gives a lease back that never reached its worker.
pub fn give_back(conn: &mut Conn<'_>, job: &mut Job) -> Result<State, StoreError> {
    end(conn, job, None, &Outcome::HandedBack, &RetryPolicy::default(), 0.0)
}
