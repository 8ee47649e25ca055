//! Lives of crawlers. One sign of life counts for every job that a worker holds.

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    jobs::Job,
    now,
    schema::{jobs, workers},
    when::stored,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;

/// These workers have been heard of.
pub fn heard(conn: &mut Conn<'_>, names: &[String]) -> Result<(), StoreError> {
    let at = stored(now());
    for name in names {
        let values = (workers::name.eq(name), workers::heartbeat_at.eq(at));
        on_backend!(conn, |c| diesel::insert_into(workers::table)
            .values(values)
            .on_conflict(workers::name)
            .do_update()
            .set(workers::heartbeat_at.eq(at))
            .execute(c))?;
    }
    Ok(())
}

/// Names of crawlers that have been heard of since `since`.
pub fn living(conn: &mut Conn<'_>, since: DateTime<Utc>) -> Result<Vec<String>, StoreError> {
    let query =
        workers::table.filter(workers::heartbeat_at.ge(stored(since))).filter(workers::name.not_like("%/website/%"));
    Ok(on_backend!(conn, |c| query.select(workers::name).load(c))?)
}

/// Jobs whose worker has not been heard of since `before`.
pub fn jobs_of_silent(conn: &mut Conn<'_>, before: DateTime<Utc>) -> Result<Vec<Job>, StoreError> {
    let before = stored(before);
    // A worker without a row was claimed for by a version that had none; its jobs speak for it.
    let silent =
        workers::heartbeat_at.lt(before).or(workers::name.is_null().and(jobs::updated_at.lt(before))).assume_not_null();
    let query = jobs::table
        .left_join(workers::table.on(workers::name.nullable().eq(jobs::worker)))
        .filter(jobs::worker.is_not_null())
        .filter(silent)
        .order(jobs::id)
        .select(columns::<Job>());
    Ok(on_backend!(conn, |c| query.load(c))?)
}

/// Forgets workers that have been silent since `before` and hold nothing.
pub fn forget(conn: &mut Conn<'_>, before: DateTime<Utc>) -> Result<usize, StoreError> {
    let held = jobs::table.filter(jobs::worker.is_not_null()).select(jobs::worker.assume_not_null());
    let gone = workers::table.filter(workers::heartbeat_at.lt(stored(before))).filter(workers::name.ne_all(held));
    Ok(on_backend!(conn, |c| diesel::delete(gone).execute(c))?)
}
