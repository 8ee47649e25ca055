//! Leases: what their holder reports, how they end, and how they are taken away.
//!
//! A report is decided on a row that was read in the same transaction, and kept up to date here: several reports of one
//! job may be written one after the other without reading it again.

use crate::{
    Conn, StoreError, attempts,
    conn::{columns, on_backend},
    jobs::{self as job_rows, Job},
    now,
    schema::jobs,
    statement::statement,
    tally,
    text::storable,
    when::{Stamp, stored},
};
use chrono::TimeDelta;
use diesel::{
    prelude::*,
    sql_types::{Array, BigInt, Double, Integer, Nullable, Text, Timestamp},
};
use std::{collections::HashMap, marker::PhantomData, time::Duration};
use trawl_jobs::{
    AccountId, ErrorClass, IllegalStep, JobError, JobId, Lease, Outcome, Progress, RetryPolicy, State, Step, Verdict,
    WaitReason, retry::Tries,
};

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

statement! {
    /// A job leaves its worker, if it is still as it was when that was decided.
    Leave {
        "UPDATE jobs SET worker = NULL, served_by = NULL, state = ", state: &'a str as Text,
        ", wait_reason = ", wait_reason: Option<&'a str> as Nullable<Text>,
        ", attempt = ", attempt: i32 as Integer,
        ", crashes = ", crashes: i32 as Integer,
        ", run_at = ", run_at: Stamp as Timestamp,
        ", updated_at = ", updated_at: Stamp as Timestamp,
        ", finished_at = ", finished_at: Option<Stamp> as Nullable<Timestamp>,
        ", report_seq = ", report_seq: i64 as BigInt,
        ", progress = ", progress: f64 as Double,
        ", steps = ", steps: &'a str as Text,
        ", cursor = ", cursor: Option<&'a str> as Nullable<Text>,
        ", result = ", result: Option<&'a str> as Nullable<Text>,
        ", error_class = ", error_class: Option<&'a str> as Nullable<Text>,
        ", error = ", error: Option<&'a str> as Nullable<Text>,
        " WHERE id = ", id: &'a str as Text,
        " AND state = ", from: &'a str as Text,
        " AND lease_token = ", lease_token: i64 as BigInt,
        " AND report_seq = ", before: i64 as BigInt,
        " AND user_id IS NOT DISTINCT FROM ", user_id: Option<i64> as Nullable<BigInt>,
    } ""
}

statement! {
    /// Several jobs leave their workers, as [`Leave`], and their attempts are recorded: each column is an array.
    on diesel::pg::Pg: LeaveTogether {
        "WITH decided AS (SELECT * FROM unnest(", ids: Vec<&'a str> as Array<Text>,
        ", ", from: Vec<&'a str> as Array<Text>,
        ", ", lease_token: Vec<i64> as Array<BigInt>,
        ", ", before: Vec<i64> as Array<BigInt>,
        ", ", state: Vec<&'a str> as Array<Text>,
        ", ", wait_reason: Vec<Option<&'a str>> as Array<Nullable<Text>>,
        ", ", attempt: Vec<i32> as Array<Integer>,
        ", ", crashes: Vec<i32> as Array<Integer>,
        ", ", run_at: Vec<Stamp> as Array<Timestamp>,
        ", ", updated_at: Vec<Stamp> as Array<Timestamp>,
        ", ", finished_at: Vec<Option<Stamp>> as Array<Nullable<Timestamp>>,
        ", ", report_seq: Vec<i64> as Array<BigInt>,
        ", ", progress: Vec<f64> as Array<Double>,
        ", ", steps: Vec<&'a str> as Array<Text>,
        ", ", cursor: Vec<Option<&'a str>> as Array<Nullable<Text>>,
        ", ", result: Vec<Option<&'a str>> as Array<Nullable<Text>>,
        ", ", error_class: Vec<Option<&'a str>> as Array<Nullable<Text>>,
        ", ", error: Vec<Option<&'a str>> as Array<Nullable<Text>>,
        ", ", worker: Vec<&'a str> as Array<Text>,
        ", ", word: Vec<&'a str> as Array<Text>,
    } ") AS d (id, from_state, lease_token, before, state, wait_reason, attempt, crashes, run_at, updated_at, finished_at, \
       report_seq, progress, steps, cursor, result, error_class, error, worker, word)), \
       gone AS (UPDATE jobs SET worker = NULL, served_by = NULL, state = d.state, wait_reason = d.wait_reason, \
       attempt = d.attempt, crashes = d.crashes, run_at = d.run_at, updated_at = d.updated_at, \
       finished_at = d.finished_at, report_seq = d.report_seq, progress = d.progress, steps = d.steps, \
       cursor = d.cursor, result = d.result, error_class = d.error_class, error = d.error \
       FROM decided d WHERE jobs.id = d.id AND jobs.state = d.from_state AND jobs.lease_token = d.lease_token \
       AND jobs.report_seq = d.before RETURNING jobs.id, jobs.lease_token, d.worker, \
       coalesce(jobs.started_at, d.updated_at) AS started_at, d.updated_at, d.word, d.error_class, d.error) \
       INSERT INTO job_attempts (job_id, lease_token, worker, started_at, ended_at, outcome, error_class, error) \
       SELECT * FROM gone"
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

/// The end of a lease: decided, and applied to the job in memory, but not written.
#[derive(Debug)]
pub struct Ending {
    from: State,
    before: i64,
    worker: String,
    word: &'static str,
}

impl Ending {
    /// Decides what becomes of a job whose holder says this, or `Outcome::Failed` with class `Crashed` where the holder
    /// is lost; `last` is what the same report says besides.
    ///
    /// # Errors
    /// [`StoreError::Illegal`] where nobody holds the job.
    pub fn decide(
        job: &mut Job,
        last: Option<Advance<'_>>,
        outcome: &Outcome,
        policy: &RetryPolicy,
        dice: f64,
    ) -> Result<Self, StoreError> {
        let worker = job.worker.clone().unwrap_or_default();
        let (left, word) = leave(job, last, |job, from| settle(job, from, outcome, policy, dice))?;
        Ok(Self { from: left.from, before: left.before, worker, word })
    }
}

/// Writes the ends of several leases, and that these attempts were made: all, or none.
///
/// # Errors
/// [`StoreError::NotFound`] where a row is another than the one on which its end was decided.
pub fn write_endings(conn: &mut Conn<'_>, endings: &[(&Ending, &Job)]) -> Result<(), StoreError> {
    match (conn, endings) {
        (_, []) => Ok(()),
        (Conn::Sqlite(c), [(ending, job)]) => one_ending(c, ending, job),
        (Conn::Sqlite(c), endings) => tally::together(c, |c, tally| {
            for (ending, job) in endings {
                one_ending(c, ending, job)?;
                tally.step(&job.kind, job.lane().as_str(), job.user_id, Some(ending.from), job.state()?);
            }
            Ok(())
        }),
        (Conn::Postgres(c), endings) => match together(endings).execute(*c)? {
            written if written == endings.len() => Ok(()),
            _ => Err(StoreError::NotFound),
        },
    }
}

fn one_ending(conn: &mut diesel::SqliteConnection, ending: &Ending, job: &Job) -> Result<(), StoreError> {
    let conn = &mut Conn::Sqlite(conn);
    Left { from: ending.from, before: ending.before }.write(conn, job)?;
    attempts::record(conn, job, &ending.worker, ending.word)
}

fn together<'a>(endings: &[(&'a Ending, &'a Job)]) -> LeaveTogether<'a> {
    macro_rules! each {
        (|$ending:pat_param, $job:pat_param| $value:expr) => {
            endings.iter().map(|($ending, $job)| $value).collect()
        };
    }
    LeaveTogether {
        ids: each!(|_, job| job.id_text()),
        from: each!(|ending, _| ending.from.as_str()),
        lease_token: each!(|_, job| job.lease_token),
        before: each!(|ending, _| ending.before),
        state: each!(|_, job| &*job.state),
        wait_reason: each!(|_, job| job.wait_reason.as_deref()),
        attempt: each!(|_, job| job.attempt),
        crashes: each!(|_, job| job.crashes),
        run_at: each!(|_, job| job.run_at),
        updated_at: each!(|_, job| job.updated_at),
        finished_at: each!(|_, job| job.finished_at),
        report_seq: each!(|_, job| job.report_seq),
        progress: each!(|_, job| job.progress),
        steps: each!(|_, job| &*job.steps),
        cursor: each!(|_, job| job.cursor.as_deref()),
        result: each!(|_, job| job.result.as_deref()),
        error_class: each!(|_, job| job.error_class.as_deref()),
        error: each!(|_, job| job.error.as_deref()),
        worker: each!(|ending, _| &*ending.worker),
        word: each!(|ending, _| ending.word),
        of: PhantomData,
    }
}

/// Ends a lease, as [`Ending::decide`] says. Returns the job's state after it.
///
/// # Errors
/// As [`Ending::decide`] and [`write_endings`].
pub fn end(
    conn: &mut Conn<'_>,
    job: &mut Job,
    last: Option<Advance<'_>>,
    outcome: &Outcome,
    policy: &RetryPolicy,
    dice: f64,
) -> Result<State, StoreError> {
    let ending = Ending::decide(job, last, outcome, policy, dice)?;
    write_endings(conn, &[(&ending, job)])?;
    job.state()
}

/// A claimed job turns out not to be able to run: it waits or fails, and no attempt was made.
pub(crate) fn put_aside(conn: &mut Conn<'_>, job: &mut Job, why: JobError) -> Result<(), StoreError> {
    let outcome = Outcome::Failed(why);
    leave(job, None, |job, from| settle(job, from, &outcome, &RetryPolicy::default(), 0.0))?.0.write(conn, job)
}

/// A claimed job is not to run now: it waits, and no attempt was made.
pub(crate) fn park(conn: &mut Conn<'_>, job: &mut Job, reason: WaitReason) -> Result<(), StoreError> {
    let left = leave(job, None, |job, from| {
        from.after(Step::Park)?.as_str().clone_into(&mut job.state);
        job.wait_reason = Some(reason.as_str().to_owned());
        job.worker = None;
        job.attempt -= 1;
        job.updated_at = stored(now());
        Ok("parked")
    })?;
    left.0.write(conn, job)
}

/// How a job was in the database when it was taken off its worker in memory.
struct Left {
    from: State,
    before: i64,
}

impl Left {
    fn write(&self, conn: &mut Conn<'_>, job: &Job) -> Result<(), StoreError> {
        let step = Leave {
            state: &job.state,
            wait_reason: job.wait_reason.as_deref(),
            attempt: job.attempt,
            crashes: job.crashes,
            run_at: job.run_at,
            updated_at: job.updated_at,
            finished_at: job.finished_at,
            report_seq: job.report_seq,
            progress: job.progress,
            steps: &job.steps,
            cursor: job.cursor.as_deref(),
            result: job.result.as_deref(),
            error_class: job.error_class.as_deref(),
            error: job.error.as_deref(),
            id: job.id_text(),
            from: self.from.as_str(),
            lease_token: job.lease_token,
            before: self.before,
            user_id: job.user_id,
            of: PhantomData,
        };
        match on_backend!(conn, |c| step.execute(c))? {
            0 => Err(StoreError::NotFound),
            _ => Ok(()),
        }
    }
}

/// Takes the lease off a job in memory, as `settle` says. Returns how the attempt ended, in a word.
fn leave(
    job: &mut Job,
    last: Option<Advance<'_>>,
    settle: impl FnOnce(&mut Job, State) -> Result<&'static str, IllegalStep>,
) -> Result<(Left, &'static str), StoreError> {
    let left = Left { from: job.state()?, before: job.report_seq };
    let word = settle(job, left.from)?;
    if let Some(last) = last {
        last.apply(job);
    }
    if job.state == State::Completed.as_str() {
        job.progress = 1.0;
        // Nobody goes on from here.
        job.cursor = None;
    }
    Ok((left, word))
}

/// What becomes of a job whose attempt ended like this.
fn settle(
    job: &mut Job,
    from: State,
    outcome: &Outcome,
    policy: &RetryPolicy,
    dice: f64,
) -> Result<&'static str, IllegalStep> {
    let (mut burnt, mut wait, mut reason) = (true, Duration::ZERO, None);
    let (step, word) = match outcome {
        Outcome::Completed { .. } => (Step::Complete, "completed"),
        Outcome::Aborted if from == State::Aborting => (Step::EndAbort, "aborted"),
        // Nobody asked for it: the worker has its reasons, the job goes on elsewhere.
        Outcome::Aborted | Outcome::HandedBack => {
            burnt = false;
            (Step::Requeue, "handed back")
        }
        Outcome::Failed(error) => {
            let crashed = error.class == ErrorClass::Crashed;
            let tries = Tries {
                attempt: job.attempt,
                max_attempts: job.max_attempts,
                crashes: job.crashes + i32::from(crashed),
            };
            let step = match policy.after(error, tries, dice) {
                Verdict::Fail => Step::Fail,
                Verdict::Retry(Duration::ZERO) => Step::Requeue,
                Verdict::Retry(pause) => {
                    (wait, reason) = (pause, Some(WaitReason::Retry));
                    Step::Park
                }
                Verdict::Park(why, pause) => {
                    (burnt, wait, reason) = (false, pause.unwrap_or_default(), Some(why));
                    Step::Park
                }
            };
            burnt &= !crashed || step == Step::Fail;
            (step, if crashed { "worker lost" } else { "failed" })
        }
    };
    // A job may also fail or be parked while it is queued, but not by a lease.
    let to = if from.is_leased() { from.after(step)? } else { return Err(IllegalStep { from, step }) };
    let at = now();
    let error = match outcome {
        Outcome::Failed(error) => Some(error),
        _ => None,
    };
    job.crashes += i32::from(error.is_some_and(|error| error.class == ErrorClass::Crashed));
    job.attempt -= i32::from(!burnt);
    to.as_str().clone_into(&mut job.state);
    job.wait_reason = reason.filter(|_| to == State::Waiting).map(|reason| reason.as_str().to_owned());
    job.worker = None;
    job.run_at = stored(at + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX / 1000));
    job.updated_at = stored(at);
    job.finished_at = (!to.is_live()).then_some(job.updated_at);
    job.error_class = error.map(|error| error.class.as_str().to_owned());
    job.error = error.map(|error| storable(&error.message).into_owned());
    if let Outcome::Completed { result, .. } = outcome {
        job.result = Some(storable(result).into_owned());
    }
    Ok(word)
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
