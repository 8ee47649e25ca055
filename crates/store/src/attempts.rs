//! Attempts: one row for each claim of a job that has ended.

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    jobs::Job,
    schema::job_attempts,
};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use trawl_jobs::JobId;

/// One claim of a job.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = job_attempts)]
pub struct Attempt {
    /// Which claim, from 1.
    pub lease_token: i64,
    /// Who ran it.
    pub worker: String,
    started_at: NaiveDateTime,
    ended_at: Option<NaiveDateTime>,
    /// How it ended, in a word.
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
        self.ended_at.map(|time| time.and_utc())
    }
}

/// The attempt of a job's last claim has just ended, and the job is as it is after that. While an attempt runs, the job's
/// own row says all there is to say.
pub(crate) fn record(conn: &mut Conn<'_>, job: &Job, worker: &str, outcome: &str) -> Result<(), StoreError> {
    let values = (
        job_attempts::job_id.eq(job.id_text()),
        job_attempts::lease_token.eq(job.lease_token),
        job_attempts::worker.eq(worker),
        job_attempts::started_at.eq(job.started_at.unwrap_or(job.updated_at)),
        job_attempts::ended_at.eq(job.updated_at),
        job_attempts::outcome.eq(outcome),
        job_attempts::error_class.eq(job.error_class.as_deref()),
        job_attempts::error.eq(job.error.as_deref()),
    );
    on_backend!(conn, |c| diesel::insert_into(job_attempts::table).values(values).execute(c))?;
    Ok(())
}

/// The newest attempts of a job that have ended, at most `limit`, newest first.
pub fn list(conn: &mut Conn<'_>, job: JobId, limit: i64) -> Result<Vec<Attempt>, StoreError> {
    let query = job_attempts::table
        .filter(job_attempts::job_id.eq(job.to_string()))
        .order(job_attempts::lease_token.desc())
        .limit(limit)
        .select(columns::<Attempt>());
    Ok(on_backend!(conn, |c| query.load(c))?)
}
