//! Figures that are kept, not counted.

use crate::{
    Conn, StoreError,
    conn::on_backend,
    schema::{ingest_minutes, job_counts, resource_counters},
    when::{Stamp, stored},
};
use chrono::{DateTime, DurationRound as _, TimeDelta, Utc};
use diesel::prelude::*;
use std::collections::HashMap;
use trawl_jobs::{AreaId, State, UserId};

/// How many jobs there are of each kind in each state.
pub fn jobs(conn: &mut Conn<'_>, user: Option<UserId>) -> Result<Vec<(String, State, i64)>, StoreError> {
    let rows: Vec<(String, String, i64)> = on_backend!(conn, |c| {
        let mut query = job_counts::table.select((job_counts::kind, job_counts::state, job_counts::n)).into_boxed();
        if let Some(user) = user {
            query = query.filter(job_counts::user_id.eq(user.0));
        }
        query.load(c)
    })?;
    let mut sums: HashMap<(String, State), i64> = HashMap::new();
    for (kind, state, n) in rows {
        *sums.entry((kind, state.parse().map_err(StoreError::Corrupt)?)).or_default() += n;
    }
    let mut sums: Vec<_> =
        sums.into_iter().filter(|(_, n)| *n != 0).map(|((kind, state), n)| (kind, state, n)).collect();
    sums.sort();
    Ok(sums)
}

/// Whether a job of this kind is queued.
pub fn is_queued(conn: &mut Conn<'_>, kind: &str) -> Result<bool, StoreError> {
    let query = job_counts::table
        .filter(job_counts::kind.eq(kind))
        .filter(job_counts::state.eq(State::Queued.as_str()))
        .filter(job_counts::n.gt(0));
    Ok(on_backend!(conn, |c| diesel::select(diesel::dsl::exists(query)).get_result(c))?)
}

/// How many objects of each kind this area has.
pub fn of_area(conn: &mut Conn<'_>, area: AreaId) -> Result<HashMap<String, i64>, StoreError> {
    let query = resource_counters::table
        .filter(resource_counters::area_id.eq(area.0))
        .select((resource_counters::kind, resource_counters::n));
    let rows: Vec<(String, i64)> = on_backend!(conn, |c| query.load(c))?;
    Ok(rows.into_iter().collect())
}

/// How many objects of each kind an area has.
pub fn resources(conn: &mut Conn<'_>) -> Result<HashMap<AreaId, HashMap<String, i64>>, StoreError> {
    let query =
        resource_counters::table.select((resource_counters::area_id, resource_counters::kind, resource_counters::n));
    let rows: Vec<(i64, String, i64)> = on_backend!(conn, |c| query.load(c))?;
    let mut counts: HashMap<AreaId, HashMap<String, i64>> = HashMap::new();
    for (area, kind, n) in rows {
        counts.entry(AreaId(area)).or_default().insert(kind, n);
    }
    Ok(counts)
}

/// Adds to the throughput of this minute.
pub fn ingested(conn: &mut Conn<'_>, at: DateTime<Utc>, objects: usize) -> Result<(), StoreError> {
    let minute = stored(at.duration_trunc(TimeDelta::minutes(1)).unwrap_or(at));
    let objects = i64::try_from(objects).unwrap_or(i64::MAX);
    on_backend!(conn, |c| diesel::insert_into(ingest_minutes::table)
        .values((ingest_minutes::minute.eq(minute), ingest_minutes::objects.eq(objects)))
        .on_conflict(ingest_minutes::minute)
        .do_update()
        .set(ingest_minutes::objects.eq(ingest_minutes::objects + objects))
        .execute(c))?;
    Ok(())
}

/// Objects written in each minute since `since`; minutes without any are left out.
pub fn throughput(conn: &mut Conn<'_>, since: DateTime<Utc>) -> Result<Vec<(DateTime<Utc>, i64)>, StoreError> {
    let query = ingest_minutes::table
        .filter(ingest_minutes::minute.ge(stored(since)))
        .order(ingest_minutes::minute)
        .select((ingest_minutes::minute, ingest_minutes::objects));
    let rows: Vec<(Stamp, i64)> = on_backend!(conn, |c| query.load(c))?;
    Ok(rows.into_iter().map(|(minute, objects)| (minute.and_utc(), objects)).collect())
}
