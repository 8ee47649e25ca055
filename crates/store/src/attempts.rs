//! Attempts: one for each claim of a job. One that runs is its lease; one that completes its job is in the job's row, since
//! nothing comes after it; any other gets a row of its own when it ends.

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    jobs::Job,
    schema::attempts,
    statement::statement,
    when::Stamp,
};
use chrono::{DateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Nullable, Text, Timestamp},
};
use std::marker::PhantomData;
use trawl_jobs::JobId;

statement! {
    /// An attempt was made.
    Made {
        "INSERT INTO job_attempts (job_id, lease_token, worker, started_at, ended_at, outcome, error_class, error) \
         VALUES (", job_id: &'a str as Text,
        ", ", lease_token: i64 as BigInt,
        ", ", worker: &'a str as Text,
        ", ", started_at: Stamp as Timestamp,
        ", ", ended_at: Stamp as Timestamp,
        ", ", outcome: &'a str as Text,
        ", ", error_class: Option<&'a str> as Nullable<Text>,
        ", ", error: Option<&'a str> as Nullable<Text>,
    } ")"
}

/// One claim of a job.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = attempts)]
pub struct Attempt {
    /// Which claim, from 1.
    pub lease_token: i64,
    /// Who ran it.
    pub worker: String,
    started_at: Stamp,
    ended_at: Option<Stamp>,
    /// How it ended, in a word; none while it runs.
    pub outcome: Option<String>,
    /// Class of its error.
    pub error_class: Option<String>,
    /// Its error.
    pub error: Option<String>,
}

impl Attempt {
    /// Begin.
    #[must_use]
    pub const fn started_at(&self) -> DateTime<Utc> {
        self.started_at.and_utc()
    }

    /// End.
    #[must_use]
    pub fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.ended_at.map(Stamp::and_utc)
    }
}

/// The attempt of a job's last claim has just ended without completing it, and the job is as it is after that.
pub(crate) fn record(conn: &mut Conn<'_>, job: &Job, worker: &str, outcome: &str) -> Result<(), StoreError> {
    let made = Made {
        job_id: job.id_text(),
        lease_token: job.lease_token,
        worker,
        started_at: job.started_at.unwrap_or(job.updated_at),
        ended_at: job.updated_at,
        outcome,
        error_class: job.error_class.as_deref(),
        error: job.error.as_deref(),
        of: PhantomData,
    };
    on_backend!(conn, |c| made.execute(c))?;
    Ok(())
}

/// The newest attempts of a job, at most `limit`, newest first.
pub fn list(conn: &mut Conn<'_>, job: JobId, limit: i64) -> Result<Vec<Attempt>, StoreError> {
    let query = attempts::table
        .filter(attempts::job_id.eq(job.to_string()))
        .order(attempts::lease_token.desc())
        .limit(limit)
        .select(columns::<Attempt>());
    Ok(on_backend!(conn, |c| query.load(c))?)
}
