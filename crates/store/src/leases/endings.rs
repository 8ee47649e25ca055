//! The ends of leases: decided on a job in memory, and written together.

use super::{Advance, changed};
use crate::{
    Conn, StoreError, attempts,
    conn::on_backend,
    jobs::Job,
    now,
    statement::statement,
    tally,
    text::storable,
    when::{Stamp, stored},
};
use chrono::TimeDelta;
use diesel::{
    pg::Pg,
    prelude::*,
    sql_types::{Array, BigInt, Bool, Double, Integer, Nullable, Text, Timestamp},
    sqlite::Sqlite,
};
use std::{marker::PhantomData, time::Duration};
use trawl_jobs::{
    ErrorClass, IllegalStep, JobError, Outcome, RetryPolicy, State, Step, Verdict, WaitReason, retry::Tries,
};

statement! {
    /// A lease ends, if it is still as it was when that was decided.
    Release {
        "DELETE FROM leases WHERE job_id = ", id: &'a str as Text,
        " AND token = ", lease_token: i64 as BigInt,
        " AND report_seq = ", before: i64 as BigInt,
        " AND aborting = ", aborting: bool as Bool,
    } ""
}

statement! {
    /// A job is as its lease has left it.
    Leave {
        "UPDATE job_rows SET state = ", state: &'a str as Text,
        ", wait_reason = ", wait_reason: Option<&'a str> as Nullable<Text>,
        ", attempt = ", attempt: i32 as Integer,
        ", crashes = ", crashes: i32 as Integer,
        ", lease_token = ", lease_token: i64 as BigInt,
        ", run_at = ", run_at: Stamp as Timestamp,
        ", started_at = ", started_at: Option<Stamp> as Nullable<Timestamp>,
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
        " AND user_id IS NOT DISTINCT FROM ", user_id: Option<i64> as Nullable<BigInt>,
    } ""
}

statement! {
    /// A job is completed. Its row keeps its last attempt.
    on Sqlite: Complete {
        "UPDATE job_rows SET state = 'completed', wait_reason = NULL, progress = 1, cursor = NULL, error_class = NULL, \
         error = NULL, completed_by = ", worker: &'a str as Text,
        ", attempt = ", attempt: i32 as Integer,
        ", lease_token = ", lease_token: i64 as BigInt,
        ", started_at = ", started_at: Option<Stamp> as Nullable<Timestamp>,
        ", report_seq = ", report_seq: i64 as BigInt,
        ", steps = ", steps: &'a str as Text,
        ", result = ", result: Option<&'a str> as Nullable<Text>,
        ", finished_at = ", finished_at: Stamp as Timestamp,
        ", updated_at = ", updated_at: Stamp as Timestamp,
        " WHERE id = ", id: &'a str as Text,
        " AND user_id IS NOT DISTINCT FROM ", user_id: Option<i64> as Nullable<BigInt>,
    } ""
}

statement! {
    /// Several jobs are completed, as [`Release`] and [`Complete`] have it: each column is an array.
    on Pg: CompleteTogether {
        "WITH d AS (SELECT * FROM unnest(", ids: Vec<&'a str> as Array<Text>,
        ", ", lease_token: Vec<i64> as Array<BigInt>,
        ", ", before: Vec<i64> as Array<BigInt>,
        ", ", report_seq: Vec<i64> as Array<BigInt>,
        ", ", steps: Vec<&'a str> as Array<Text>,
        ", ", result: Vec<Option<&'a str>> as Array<Nullable<Text>>,
        ", ", at: Vec<Stamp> as Array<Timestamp>,
    } ") AS d (id, token, before, report_seq, steps, result, at)), \
       gone AS (DELETE FROM leases l USING d WHERE l.job_id = d.id AND l.token = d.token AND l.report_seq = d.before \
       AND NOT l.aborting RETURNING d.*, l.worker, l.attempt, l.started_at) \
       UPDATE job_rows SET state = 'completed', wait_reason = NULL, progress = 1, cursor = NULL, error_class = NULL, \
       error = NULL, completed_by = gone.worker, attempt = gone.attempt, lease_token = gone.token, \
       started_at = gone.started_at, report_seq = gone.report_seq, steps = gone.steps, result = gone.result, \
       finished_at = gone.at, updated_at = gone.at FROM gone WHERE job_rows.id = gone.id"
}

/// The end of a lease: decided, and applied to the job in memory, but not written.
#[derive(Debug)]
pub struct Ending {
    left: Left,
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
        Ok(Self { left, worker, word })
    }

    fn write(&self, conn: &mut Conn<'_>, job: &Job) -> Result<(), StoreError> {
        match conn {
            // Another attempt may follow, so this one gets a row of its own; what completes a job stays in the job's.
            _ if !is_completed(job) => {
                self.left.write(conn, job)?;
                attempts::record(conn, job, &self.worker, self.word)
            }
            Conn::Sqlite(c) => {
                self.left.release(&mut Conn::Sqlite(c), job)?;
                changed(complete(self, job).execute(*c)?)
            }
            Conn::Postgres(c) => changed(complete_together(&[&(self, job)]).execute(*c)?),
        }
    }
}

/// Writes the ends of several leases, and that these attempts were made: all, or none.
///
/// # Errors
/// [`StoreError::NotFound`] where a row is another than the one on which its end was decided.
pub fn write_endings(conn: &mut Conn<'_>, endings: &[(&Ending, &Job)]) -> Result<(), StoreError> {
    match (conn, endings) {
        (_, []) => Ok(()),
        (Conn::Sqlite(c), [(ending, job)]) => ending.write(&mut Conn::Sqlite(c), job),
        (Conn::Sqlite(c), endings) => tally::together(c, |c, tally| {
            for (ending, job) in endings {
                ending.write(&mut Conn::Sqlite(c), job)?;
                tally.step(&job.kind, job.lane().as_str(), job.user_id, Some(State::Queued), job.state()?);
            }
            Ok(())
        }),
        (Conn::Postgres(c), endings) => {
            let (completed, others): (Vec<_>, Vec<_>) = endings.iter().partition(|(_, job)| is_completed(job));
            if !completed.is_empty() && complete_together(&completed).execute(*c)? != completed.len() {
                return Err(StoreError::NotFound);
            }
            others.into_iter().try_for_each(|(ending, job)| ending.write(&mut Conn::Postgres(c), job))
        }
    }
}

fn is_completed(job: &Job) -> bool {
    job.state == State::Completed.as_str()
}

fn complete<'a>(ending: &'a Ending, job: &'a Job) -> Complete<'a> {
    Complete {
        worker: &ending.worker,
        attempt: job.attempt,
        lease_token: job.lease_token,
        started_at: job.started_at,
        report_seq: job.report_seq,
        steps: &job.steps,
        result: job.result.as_deref(),
        finished_at: job.updated_at,
        updated_at: job.updated_at,
        id: job.id_text(),
        user_id: job.user_id,
        of: PhantomData,
    }
}

fn complete_together<'a>(endings: &[&(&Ending, &'a Job)]) -> CompleteTogether<'a> {
    let jobs = || endings.iter().map(|(_, job)| *job);
    CompleteTogether {
        ids: jobs().map(Job::id_text).collect(),
        lease_token: jobs().map(|job| job.lease_token).collect(),
        before: endings.iter().map(|(ending, _)| ending.left.before).collect(),
        report_seq: jobs().map(|job| job.report_seq).collect(),
        steps: jobs().map(|job| &*job.steps).collect(),
        result: jobs().map(|job| job.result.as_deref()).collect(),
        at: jobs().map(|job| job.updated_at).collect(),
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
#[derive(Debug)]
struct Left {
    from: State,
    before: i64,
}

impl Left {
    fn release(&self, conn: &mut Conn<'_>, job: &Job) -> Result<(), StoreError> {
        let release = Release {
            id: job.id_text(),
            lease_token: job.lease_token,
            before: self.before,
            aborting: self.from == State::Aborting,
            of: PhantomData,
        };
        changed(on_backend!(conn, |c| release.execute(c))?)
    }

    fn write(&self, conn: &mut Conn<'_>, job: &Job) -> Result<(), StoreError> {
        self.release(conn, job)?;
        let step = Leave {
            state: &job.state,
            wait_reason: job.wait_reason.as_deref(),
            attempt: job.attempt,
            crashes: job.crashes,
            lease_token: job.lease_token,
            run_at: job.run_at,
            started_at: job.started_at,
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
            user_id: job.user_id,
            of: PhantomData,
        };
        changed(on_backend!(conn, |c| step.execute(c))?)
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
    if is_completed(job) {
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
    if to.is_live() {
        job.run_at = stored(at + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX / 1000));
    }
    job.updated_at = stored(at);
    job.finished_at = (!to.is_live()).then_some(job.updated_at);
    job.error_class = error.map(|error| error.class.as_str().to_owned());
    job.error = error.map(|error| storable(&error.message).into_owned());
    if let Outcome::Completed { result, .. } = outcome {
        job.result = Some(storable(result).into_owned());
    }
    Ok(word)
}
