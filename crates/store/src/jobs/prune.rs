//! What has ended long ago goes.

use crate::{
    Conn, StoreError,
    conn::on_backend,
    counters,
    schema::job_rows,
    when::{Stamp, stored},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use trawl_jobs::State;

/// Deletes jobs that ended before `before`, and the oldest ones of more than `keep`: at most `limit`, the first submitted
/// first. Returns how many.
pub fn prune(conn: &mut Conn<'_>, before: DateTime<Utc>, keep: i64, limit: i64) -> Result<usize, StoreError> {
    let past: i64 = counters::jobs(conn, None)?.iter().filter(|(_, state, _)| !state.is_live()).map(|(.., n)| n).sum();
    let surplus = (past - keep).clamp(0, limit);
    let ended: Vec<&str> = State::ALL.into_iter().filter(|state| !state.is_live()).map(State::as_str).collect();
    // Ids sort by the time of submission.
    let oldest = job_rows::table
        .filter(job_rows::state.eq_any(ended))
        .order(job_rows::id)
        .select((job_rows::id, job_rows::finished_at))
        .limit(limit);
    let rows: Vec<(String, Option<Stamp>)> = on_backend!(conn, |c| oldest.load(c))?;
    let gone: Vec<String> = rows
        .into_iter()
        .enumerate()
        .filter(|(index, (_, ended))| {
            i64::try_from(*index).is_ok_and(|index| index < surplus) || ended.is_some_and(|at| at < stored(before))
        })
        .map(|(_, (id, _))| id)
        .collect();
    if gone.is_empty() {
        return Ok(0);
    }
    Ok(on_backend!(conn, |c| diesel::delete(job_rows::table.filter(job_rows::id.eq_any(gone))).execute(c))?)
}
