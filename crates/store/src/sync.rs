//! How far the mirror of an area is, for each kind of job that reads it.

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    now,
    schema::{accounts, area_authorizations, sync_states},
    when::stored,
};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use std::collections::HashMap;
use trawl_jobs::{AreaId, UserId};

/// How far one kind is in one area.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = sync_states)]
pub struct SyncState {
    area_id: i64,
    /// Kind of job.
    pub kind: String,
    tried_at: NaiveDateTime,
    completed_at: Option<NaiveDateTime>,
    /// Why something is left out.
    pub incomplete: Option<String>,
}

impl SyncState {
    /// Which area.
    #[must_use]
    pub const fn area(&self) -> AreaId {
        AreaId(self.area_id)
    }

    /// When a pass last ended, well or not.
    #[must_use]
    pub const fn tried_at(&self) -> DateTime<Utc> {
        self.tried_at.and_utc()
    }

    /// When a pass last ended well.
    #[must_use]
    pub fn completed_at(&self) -> Option<DateTime<Utc>> {
        self.completed_at.map(|time| time.and_utc())
    }
}

/// A pass has ended well.
pub fn completed(
    conn: &mut Conn<'_>,
    area: AreaId,
    kind: &str,
    watermark: Option<DateTime<Utc>>,
    incomplete: Option<&str>,
) -> Result<(), StoreError> {
    let at = stored(now());
    let changes = (
        sync_states::watermark.eq(watermark.map(stored)),
        sync_states::tried_at.eq(at),
        sync_states::completed_at.eq(at),
        sync_states::incomplete.eq(incomplete),
    );
    let values = (sync_states::area_id.eq(area.0), sync_states::kind.eq(kind), sync_states::generation.eq(1), changes);
    on_backend!(conn, |c| diesel::insert_into(sync_states::table)
        .values(values)
        .on_conflict((sync_states::area_id, sync_states::kind))
        .do_update()
        .set((changes, sync_states::generation.eq(sync_states::generation + 1)))
        .execute(c))?;
    Ok(())
}

/// A pass has ended badly: what an earlier one achieved stays.
pub fn failed(conn: &mut Conn<'_>, area: AreaId, kind: &str, why: &str) -> Result<(), StoreError> {
    let changes = (sync_states::tried_at.eq(stored(now())), sync_states::incomplete.eq(why));
    let values = (sync_states::area_id.eq(area.0), sync_states::kind.eq(kind), sync_states::generation.eq(0), changes);
    on_backend!(conn, |c| diesel::insert_into(sync_states::table)
        .values(values)
        .on_conflict((sync_states::area_id, sync_states::kind))
        .do_update()
        .set(changes)
        .execute(c))?;
    Ok(())
}

/// Where the next incremental pass begins.
pub fn watermark(conn: &mut Conn<'_>, area: AreaId, kind: &str) -> Result<Option<DateTime<Utc>>, StoreError> {
    let query = sync_states::table.find((area.0, kind)).select(sync_states::watermark);
    let time: Option<Option<NaiveDateTime>> = on_backend!(conn, |c| query.first(c).optional())?;
    Ok(time.flatten().map(|time| time.and_utc()))
}

/// Passes over an area, by kind of job.
pub fn passes(conn: &mut Conn<'_>, area: AreaId) -> Result<HashMap<String, SyncState>, StoreError> {
    let query = sync_states::table.filter(sync_states::area_id.eq(area.0)).select(columns::<SyncState>());
    let states: Vec<SyncState> = on_backend!(conn, |c| query.load(c))?;
    Ok(states.into_iter().map(|state| (state.kind.clone(), state)).collect())
}

/// Passes over every area, by kind of job.
pub fn all_passes(conn: &mut Conn<'_>) -> Result<HashMap<AreaId, HashMap<String, SyncState>>, StoreError> {
    let states: Vec<SyncState> = on_backend!(conn, |c| sync_states::table.select(columns::<SyncState>()).load(c))?;
    let mut passes: HashMap<AreaId, HashMap<String, SyncState>> = HashMap::new();
    for state in states {
        passes.entry(state.area()).or_default().insert(state.kind.clone(), state);
    }
    Ok(passes)
}

/// How far everything is that a user may see.
pub fn visible(conn: &mut Conn<'_>, user: UserId) -> Result<Vec<SyncState>, StoreError> {
    let mine = area_authorizations::table
        .inner_join(accounts::table)
        .filter(accounts::user_id.eq(user.0))
        .select(area_authorizations::area_id);
    let query = sync_states::table.filter(sync_states::area_id.eq_any(mine)).select(columns::<SyncState>());
    Ok(on_backend!(conn, |c| query.load(c))?)
}
