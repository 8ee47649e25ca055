//! What jobs have to say.

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    schema::job_messages,
    text::storable,
    when::{Stamp, stored},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use trawl_jobs::{JobId, Level, text::clip};

/// So many messages of each level are kept for a job: the first ones, which tell how it began, and the last ones.
pub const KEPT_PER_LEVEL: i64 = 1000;
/// How many of these are first ones.
const KEPT_FIRST: i64 = 100;
/// Longer texts are cut. Bytes.
pub const TEXT_LIMIT: usize = 4096;

/// A line of a job's log.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = job_messages)]
pub struct JobMessage {
    /// Grows with time.
    pub id: i64,
    level: String,
    at: Stamp,
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

/// Adds a line. Where there are too many of its level, the oldest goes that is none of the first.
pub fn add(conn: &mut Conn<'_>, job: JobId, level: Level, at: DateTime<Utc>, text: &str) -> Result<(), StoreError> {
    let (job, level) = (job.to_string(), level.as_str());
    let of_level = job_messages::table.filter(job_messages::job_id.eq(&job)).filter(job_messages::level.eq(level));
    let latest = of_level.select(diesel::dsl::max(job_messages::nr));
    let nr = on_backend!(conn, |c| latest.first::<Option<i64>>(c))?.unwrap_or(0) + 1;
    let values = (
        job_messages::job_id.eq(&job),
        job_messages::level.eq(level),
        job_messages::at.eq(stored(at)),
        job_messages::text.eq(clip(&storable(text), TEXT_LIMIT)),
        job_messages::nr.eq(nr),
    );
    on_backend!(conn, |c| diesel::insert_into(job_messages::table).values(values).execute(c))?;
    if nr > KEPT_PER_LEVEL {
        let surplus = job_messages::table
            .filter(job_messages::job_id.eq(&job))
            .filter(job_messages::level.eq(level))
            .filter(job_messages::nr.eq(nr - (KEPT_PER_LEVEL - KEPT_FIRST)));
        on_backend!(conn, |c| diesel::delete(surplus).execute(c))?;
    }
    Ok(())
}

/// Lines of a job, at most `limit`, oldest first; of one level, or of all. The newest ones, or where `after` names a line,
/// those that follow it.
pub fn list(
    conn: &mut Conn<'_>,
    job: JobId,
    level: Option<Level>,
    after: Option<i64>,
    limit: i64,
) -> Result<Vec<JobMessage>, StoreError> {
    let of_job = job_messages::table.filter(job_messages::job_id.eq(job.to_string()));
    let mut lines: Vec<JobMessage> = on_backend!(conn, |c| {
        let mut query = of_job.limit(limit).select(columns::<JobMessage>()).into_boxed();
        if let Some(level) = level {
            query = query.filter(job_messages::level.eq(level.as_str()));
        }
        match after {
            Some(after) => query.filter(job_messages::id.gt(after)).order(job_messages::id).load(c),
            None => query.order(job_messages::id.desc()).load(c),
        }
    })?;
    if after.is_none() {
        lines.reverse();
    }
    Ok(lines)
}

/// Lines of one level.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LevelCount {
    /// Of this level.
    pub level: Level,
    /// So many are kept.
    pub kept: i64,
    /// So many were dropped.
    pub dropped: i64,
}

/// How many lines of each level a job has and had.
pub fn count(conn: &mut Conn<'_>, job: JobId) -> Result<Vec<LevelCount>, StoreError> {
    let query = job_messages::table
        .filter(job_messages::job_id.eq(job.to_string()))
        .group_by(job_messages::level)
        .select((job_messages::level, diesel::dsl::count_star(), diesel::dsl::max(job_messages::nr)));
    let rows: Vec<(String, i64, Option<i64>)> = on_backend!(conn, |c| query.load(c))?;
    let of = |level: Level| rows.iter().find(|row| row.0 == level.as_str());
    let count = |level| {
        let (kept, all) = of(level).map_or((0, 0), |row| (row.1, row.2.unwrap_or(row.1)));
        LevelCount { level, kept, dropped: all - kept }
    };
    Ok(Level::ALL.into_iter().map(count).collect())
}
