//! Leases: what their holder reports, how they end, and how they are taken away.
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
    schema::jobs,
    statement::statement,
    text::storable,
    when::{Stamp, stored},
};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Double, Nullable, Text, Timestamp},
};
use std::{collections::HashMap, marker::PhantomData};
use trawl_jobs::{AccountId, ErrorClass, JobError, JobId, Lease, Outcome, Progress, RetryPolicy, State};

statement! {
    /// A job is further than before.
    Forward {
        "UPDATE jobs SET report_seq = ", report_seq: i64 as BigInt,
        ", progress = ", progress: f64 as Double,
        ", steps = ", steps: &'a str as Text,
        ", cursor = coalesce(", cursor: Option<&'a str> as Nullable<Text>,
        ", cursor), updated_at = ", updated_at: Stamp as Timestamp,
        " WHERE id = ", id: &'a str as Text,
        " AND lease_token = ", lease_token: i64 as BigInt,
        " AND report_seq = ", before: i64 as BigInt,
    } " AND worker IS NOT NULL"
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
    match on_backend!(conn, |c| step.execute(c))? {
        0 => Err(StoreError::NotFound),
        _ => Ok(()),
    }
}

/// A claimed job is read with this account's token.
pub(crate) fn serve(conn: &mut Conn<'_>, job: &mut Job, account: AccountId) -> Result<(), StoreError> {
    job.served_by = Some(account.0);
    let row = jobs::table.find(job.id_text());
    on_backend!(conn, |c| diesel::update(row).set(jobs::served_by.eq(account.0)).execute(c))?;
    Ok(())
}

/// Jobs whose lease this worker has.
pub fn held_by(conn: &mut Conn<'_>, worker: &str) -> Result<Vec<Job>, StoreError> {
    let query = jobs::table.filter(jobs::worker.eq(worker)).order(jobs::id).select(columns::<Job>());
    Ok(on_backend!(conn, |c| query.load(c))?)
}

/// Jobs that a worker has been asked to stop.
pub fn aborting(conn: &mut Conn<'_>) -> Result<Vec<Job>, StoreError> {
    let query = jobs::table
        .filter(jobs::worker.is_not_null())
        .filter(jobs::state.eq(State::Aborting.as_str()))
        .order(jobs::id)
        .select(columns::<Job>());
    Ok(on_backend!(conn, |c| query.load(c))?)
}

/// Jobs with a lease, whoever has it.
pub fn leased(conn: &mut Conn<'_>) -> Result<Vec<Job>, StoreError> {
    let query = jobs::table.filter(jobs::worker.is_not_null()).order(jobs::id).select(columns::<Job>());
    Ok(on_backend!(conn, |c| query.load(c))?)
}

/// Takes a lease away from a worker that is lost. Returns the job's state after it.
pub fn lost(conn: &mut Conn<'_>, job: &mut Job, why: &str, policy: &RetryPolicy) -> Result<State, StoreError> {
    end(conn, job, None, &Outcome::Failed(JobError::new(ErrorClass::Crashed, why)), policy, 0.0)
}

/// Gives a lease back that never reached its worker.
pub fn give_back(conn: &mut Conn<'_>, job: &mut Job) -> Result<State, StoreError> {
    end(conn, job, None, &Outcome::HandedBack, &RetryPolicy::default(), 0.0)
}
