//! What a sweep has seen, compared with the mirror; and what it has missed there, until that is read.

use crate::{
    Conn, StoreError,
    conn::on_backend,
    now,
    schema::{missed, resources},
    when::{Stamp, stored},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use trawl_jobs::{AreaId, InstanceId, RecordKind, Sighting};

/// Objects that are read by their numbers in one pass; where more are missed, everything is read.
pub const MISSED_LIMIT: i64 = 5000;

/// What of an object's payload a sighting is compared with.
#[derive(Deserialize)]
struct Counted {
    user_notes_count: Option<i64>,
}

/// What of one row.
type Row = (i64, i64, Option<Stamp>, Option<Stamp>, String);

/// Objects of a kind are there: the mirror has seen them in the pass of this number ([`crate::sync::pass`]). Returns the
/// numbers of those that it does not have, or has otherwise.
pub fn compare(
    conn: &mut Conn<'_>,
    (instance, area): (InstanceId, AreaId),
    kind: RecordKind,
    seen: &[Sighting],
    pass: i64,
) -> Result<Vec<i64>, StoreError> {
    let ids: Vec<i64> = seen.iter().map(|one| one.gitlab_id).collect();
    on_backend!(conn, |c| {
        let those = resources::table
            .filter(resources::instance_id.eq(instance.0))
            .filter(resources::kind.eq(kind.as_str()))
            .filter(resources::gitlab_id.eq_any(&ids));
        let rows: Vec<Row> = those
            .clone()
            .select((
                resources::gitlab_id,
                resources::area_id,
                resources::updated_at,
                resources::deleted_at,
                resources::payload,
            ))
            .load(c)?;
        // What counts as deleted stays so until it is read.
        diesel::update(those.filter(resources::deleted_at.is_null()))
            .set(resources::seen_generation.eq(pass))
            .execute(c)?;
        let rows: HashMap<i64, Row> = rows.into_iter().map(|row| (row.0, row)).collect();
        let is_missed = |one: &&Sighting| rows.get(&one.gitlab_id).is_none_or(|row| !is_mirrored(row, area, one));
        Ok(seen.iter().filter(is_missed).map(|one| one.iid).collect())
    })
}

fn is_mirrored((_, area_id, updated_at, deleted_at, payload): &Row, area: AreaId, seen: &Sighting) -> bool {
    let comments = || serde_json::from_str::<Counted>(payload).ok()?.user_notes_count;
    *area_id == area.0
        && deleted_at.is_none()
        && updated_at.is_some_and(|time| time.and_utc() >= seen.updated_at)
        && seen.comments.is_none_or(|told| comments() == Some(told))
}

/// All that hangs on these objects has been seen in the pass of this number: what else hung on them is gone in GitLab.
/// Returns how much that was. What is confidential is only missed where whoever read may see it.
pub fn children_are_these(
    conn: &mut Conn<'_>,
    instance: InstanceId,
    (kind, parent): (RecordKind, RecordKind),
    of: &[i64],
    pass: i64,
    confidential: bool,
) -> Result<usize, StoreError> {
    let ids: Vec<i64> = on_backend!(conn, |c| {
        let mut ids = resources::table
            .filter(resources::instance_id.eq(instance.0))
            .filter(resources::parent_kind.eq(parent.as_str()))
            .filter(resources::parent_id.eq_any(of))
            .filter(resources::kind.eq(kind.as_str()))
            .filter(resources::deleted_at.is_null())
            .filter(resources::seen_generation.lt(pass))
            .select(resources::id)
            .into_boxed();
        if !confidential {
            ids = ids.filter(resources::confidential.eq(false));
        }
        ids.load(c)?
    });
    crate::resources::are_gone(conn, &ids)?;
    Ok(ids.len())
}

/// These numbers are to be read in the next pass of this kind of job.
pub fn miss(conn: &mut Conn<'_>, area: AreaId, job_kind: &str, iids: &[i64]) -> Result<(), StoreError> {
    let at = stored(now());
    // The same number twice would be one statement that changes a row twice.
    let distinct: HashSet<i64> = iids.iter().copied().collect();
    let rows: Vec<_> = distinct
        .into_iter()
        .map(|iid| {
            (missed::area_id.eq(area.0), missed::kind.eq(job_kind), missed::iid.eq(iid), missed::noticed_at.eq(at))
        })
        .collect();
    for some in rows.chunks(500) {
        on_backend!(conn, |c| diesel::insert_into(missed::table)
            .values(some)
            .on_conflict((missed::area_id, missed::kind, missed::iid))
            .do_update()
            .set(missed::noticed_at.eq(at))
            .execute(c))?;
    }
    Ok(())
}

/// Numbers that are to be read, at most [`MISSED_LIMIT`].
pub fn missed(conn: &mut Conn<'_>, area: AreaId, job_kind: &str) -> Result<Vec<i64>, StoreError> {
    let query = missed::table
        .filter(missed::area_id.eq(area.0))
        .filter(missed::kind.eq(job_kind))
        .order(missed::iid)
        .limit(MISSED_LIMIT)
        .select(missed::iid);
    Ok(on_backend!(conn, |c| query.load(c))?)
}

/// A pass that began at `began` has read what was missed before it. Returns how many numbers are left.
pub fn heeded(conn: &mut Conn<'_>, area: AreaId, job_kind: &str, began: DateTime<Utc>) -> Result<i64, StoreError> {
    let rows = missed::table.filter(missed::area_id.eq(area.0)).filter(missed::kind.eq(job_kind));
    Ok(on_backend!(conn, |c| {
        diesel::delete(rows.filter(missed::noticed_at.le(stored(began)))).execute(c)?;
        rows.count().get_result(c)?
    }))
}

/// Forgets what is to be read: everything will be.
pub fn forget(conn: &mut Conn<'_>, area: AreaId, job_kind: &str) -> Result<(), StoreError> {
    let rows = missed::table.filter(missed::area_id.eq(area.0)).filter(missed::kind.eq(job_kind));
    on_backend!(conn, |c| diesel::delete(rows).execute(c))?;
    Ok(())
}
