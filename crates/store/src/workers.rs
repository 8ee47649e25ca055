//! Lives of crawlers. One sign of life counts for every job that a worker holds.

use crate::{
    Conn, StoreError,
    conn::on_backend,
    now,
    schema::{leases, workers},
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

/// Forgets workers that have been silent since `before` and hold nothing.
pub fn forget(conn: &mut Conn<'_>, before: DateTime<Utc>) -> Result<usize, StoreError> {
    let held = leases::table.select(leases::worker);
    let gone = workers::table.filter(workers::heartbeat_at.lt(stored(before))).filter(workers::name.ne_all(held));
    Ok(on_backend!(conn, |c| diesel::delete(gone).execute(c))?)
}
