//! What jobs have to say.

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    schema::job_messages,
    text::storable,
    when::stored,
};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use trawl_jobs::{JobId, Level, text::clip};

/// So many messages of each level are kept for a job; older ones go.
pub const KEPT_PER_LEVEL: i64 = 1000;
/// Longer texts are cut. Bytes.
pub const TEXT_LIMIT: usize = 4096;

/// A line of a job's log.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = job_messages)]
pub struct JobMessage {
    /// Grows with time.
    pub id: i64,
    level: String,
    at: NaiveDateTime,
    /// Perhaps hostile.
    pub text: String,
}

impl JobMessage {
    /// Weight.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level.parse().unwrap_or(Level::Error)
    }

    /// When it was written.
    #[must_use]
    pub const fn at(&self) -> DateTime<Utc> {
        self.at.and_utc()
    }
}

/// Adds a line.
pub fn add(conn: &mut Conn<'_>, job: JobId, level: Level, at: DateTime<Utc>, text: &str) -> Result<(), StoreError> {
    let text = clip(&storable(text), TEXT_LIMIT);
    let values = (
        job_messages::job_id.eq(job.to_string()),
        job_messages::level.eq(level.as_str()),
        job_messages::at.eq(stored(at)),
        job_messages::text.eq(text),
    );
    on_backend!(conn, |c| diesel::insert_into(job_messages::table).values(values).execute(c))?;
    let oldest_kept = job_messages::table
        .filter(job_messages::job_id.eq(job.to_string()))
        .filter(job_messages::level.eq(level.as_str()))
        .order(job_messages::id.desc())
        .offset(KEPT_PER_LEVEL - 1)
        .limit(1)
        .select(job_messages::id);
    let Some(oldest_kept) = on_backend!(conn, |c| oldest_kept.first::<i64>(c).optional())? else { return Ok(()) };
    let too_old = job_messages::table
        .filter(job_messages::job_id.eq(job.to_string()))
        .filter(job_messages::level.eq(level.as_str()))
        .filter(job_messages::id.lt(oldest_kept));
    on_backend!(conn, |c| diesel::delete(too_old).execute(c))?;
    Ok(())
}

/// The newest lines of a job, at most `limit`, oldest first; of one level, or of all.
pub fn list(conn: &mut Conn<'_>, job: JobId, level: Option<Level>, limit: i64) -> Result<Vec<JobMessage>, StoreError> {
    let of_job = job_messages::table.filter(job_messages::job_id.eq(job.to_string()));
    let mut lines: Vec<JobMessage> = on_backend!(conn, |c| {
        let mut query = of_job.order(job_messages::id.desc()).limit(limit).select(columns::<JobMessage>()).into_boxed();
        if let Some(level) = level {
            query = query.filter(job_messages::level.eq(level.as_str()));
        }
        query.load(c)
    })?;
    lines.reverse();
    Ok(lines)
}

/// How many lines of each level a job has.
pub fn count(conn: &mut Conn<'_>, job: JobId) -> Result<Vec<(Level, i64)>, StoreError> {
    let query = job_messages::table
        .filter(job_messages::job_id.eq(job.to_string()))
        .group_by(job_messages::level)
        .select((job_messages::level, diesel::dsl::count_star()));
    let rows: Vec<(String, i64)> = on_backend!(conn, |c| query.load(c))?;
    let of = |level: Level| rows.iter().find(|row| row.0 == level.as_str()).map_or(0, |row| row.1);
    Ok(Level::ALL.into_iter().map(|level| (level, of(level))).collect())
}
