//! How far the mirror of an area is, for each kind of job that reads it.

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    now,
    schema::{accounts, area_authorizations, sync_states},
    when::{Stamp, stored},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use std::collections::HashMap;
use trawl_jobs::{AccountId, AreaId, UserId};

/// How far one kind is in one area.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = sync_states)]
pub struct SyncState {
    area_id: i64,
    /// Kind of job.
    pub kind: String,
    tried_at: Stamp,
    completed_at: Option<Stamp>,
    incomplete: Option<String>,
    failure: Option<String>,
    full_at: Option<Stamp>,
    wanted_at: Option<Stamp>,
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

    /// Why not everything is there, as far as is known.
    #[must_use]
    pub fn shortfall(&self) -> Option<&str> {
        self.failure.as_deref().or(self.incomplete.as_deref())
    }

    /// Whether the last pass has ended badly.
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// When a pass last read everything.
    #[must_use]
    pub fn full_at(&self) -> Option<DateTime<Utc>> {
        self.full_at.map(Stamp::and_utc)
    }

    /// When a pass last ended well.
    #[must_use]
    pub fn completed_at(&self) -> Option<DateTime<Utc>> {
        self.completed_at.map(Stamp::and_utc)
    }

    /// Whether it is known that there is something new.
    #[must_use]
    pub const fn is_wanted(&self) -> bool {
        self.wanted_at.is_some()
    }
}

/// A pass that ended well.
#[derive(Debug, Clone, Copy)]
pub struct Pass<'a> {
    /// Everything that changed before this has been seen.
    pub watermark: Option<DateTime<Utc>>,
    /// What it left out.
    pub incomplete: Option<&'a str>,
    /// It read everything, not only what had changed.
    pub full: bool,
    /// GitLab's access level of the account that read, the least where several did.
    pub access_level: Option<i32>,
    /// The account that read all of it, where it was one.
    pub reader: Option<AccountId>,
}

/// A pass has ended well. Only one that read everything makes up for what an earlier one left out, or raises the rights
/// with which everything counts as read.
pub fn completed(conn: &mut Conn<'_>, area: AreaId, kind: &str, pass: Pass<'_>) -> Result<(), StoreError> {
    let at = stored(now());
    let number = self::pass(conn, area, kind)?;
    let before = sync_states::table.find((area.0, kind)).select((sync_states::incomplete, sync_states::access_level));
    let before: Option<(Option<String>, Option<i32>)> = on_backend!(conn, |c| before.get_result(c).optional())?;
    let (incomplete, access_level) = match before {
        Some((incomplete, level)) if !pass.full => {
            (pass.incomplete.map(str::to_owned).or(incomplete), level.min(pass.access_level))
        }
        _ => (pass.incomplete.map(str::to_owned), pass.access_level),
    };
    let changes = (
        sync_states::watermark.eq(pass.watermark.map(stored)),
        sync_states::tried_at.eq(at),
        sync_states::completed_at.eq(at),
        sync_states::incomplete.eq(incomplete),
        sync_states::failure.eq(None::<String>),
        sync_states::access_level.eq(access_level),
        pass.full.then(|| sync_states::full_at.eq(at)),
        pass.full.then(|| sync_states::full_generation.eq(number)),
        pass.full.then(|| sync_states::full_reader.eq(pass.reader.map(|reader| reader.0))),
    );
    let values =
        (sync_states::area_id.eq(area.0), sync_states::kind.eq(kind), sync_states::generation.eq(1), changes.clone());
    on_backend!(conn, |c| diesel::insert_into(sync_states::table)
        .values(values)
        .on_conflict((sync_states::area_id, sync_states::kind))
        .do_update()
        .set((changes, sync_states::generation.eq(sync_states::generation + 1)))
        .execute(c))?;
    Ok(())
}

/// There is something new of these kinds in an area. Returns of how many of them passes are kept; a first pass comes anyway.
pub fn want(conn: &mut Conn<'_>, area: AreaId, kinds: &[&str]) -> Result<usize, StoreError> {
    let rows = sync_states::table.filter(sync_states::area_id.eq(area.0)).filter(sync_states::kind.eq_any(kinds));
    let wanted = sync_states::wanted_at.eq(Some(stored(now())));
    Ok(on_backend!(conn, |c| diesel::update(rows).set(wanted).execute(c))?)
}

/// A pass that began at `began` has seen what was told before it.
pub fn heeded(conn: &mut Conn<'_>, area: AreaId, kind: &str, began: DateTime<Utc>) -> Result<(), StoreError> {
    let told = sync_states::table
        .filter(sync_states::area_id.eq(area.0))
        .filter(sync_states::kind.eq(kind))
        .filter(sync_states::wanted_at.le(stored(began)));
    on_backend!(conn, |c| diesel::update(told).set(sync_states::wanted_at.eq(None::<Stamp>)).execute(c))?;
    Ok(())
}

/// Areas in which something new is to be seen.
pub fn wanted(conn: &mut Conn<'_>) -> Result<Vec<AreaId>, StoreError> {
    let query = sync_states::table.filter(sync_states::wanted_at.is_not_null()).select(sync_states::area_id).distinct();
    let rows: Vec<i64> = on_backend!(conn, |c| query.load(c))?;
    Ok(rows.into_iter().map(AreaId).collect())
}

/// The last pass that read everything.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct LastFull {
    /// Its number.
    pub generation: Option<i64>,
    /// The account that read all of it, where it was one.
    pub reader: Option<i64>,
    /// What it left out.
    pub incomplete: Option<String>,
    completed_at: Option<Stamp>,
}

impl LastFull {
    /// When a pass, whether over everything or not, last ended well.
    #[must_use]
    pub fn completed_at(&self) -> Option<DateTime<Utc>> {
        self.completed_at.map(Stamp::and_utc)
    }
}

/// The number of the pass over an area that is under way, or of the next one: one more than have ended well.
pub fn pass(conn: &mut Conn<'_>, area: AreaId, kind: &str) -> Result<i64, StoreError> {
    let query = sync_states::table.find((area.0, kind)).select(sync_states::generation);
    let ended: Option<i64> = on_backend!(conn, |c| query.get_result(c).optional())?;
    Ok(ended.unwrap_or(0) + 1)
}

/// The last pass over an area that read everything; none where there was none.
pub fn last_full(conn: &mut Conn<'_>, area: AreaId, kind: &str) -> Result<Option<LastFull>, StoreError> {
    let query = sync_states::table.find((area.0, kind)).filter(sync_states::full_at.is_not_null()).select((
        sync_states::full_generation,
        sync_states::full_reader,
        sync_states::incomplete,
        sync_states::completed_at,
    ));
    Ok(on_backend!(conn, |c| query.get_result(c).optional())?)
}

/// A pass has ended badly: what an earlier one achieved stays.
pub fn failed(conn: &mut Conn<'_>, area: AreaId, kind: &str, why: &str) -> Result<(), StoreError> {
    let changes = (sync_states::tried_at.eq(stored(now())), sync_states::failure.eq(why));
    let values = (sync_states::area_id.eq(area.0), sync_states::kind.eq(kind), sync_states::generation.eq(0), changes);
    on_backend!(conn, |c| diesel::insert_into(sync_states::table)
        .values(values)
        .on_conflict((sync_states::area_id, sync_states::kind))
        .do_update()
        .set(changes)
        .execute(c))?;
    Ok(())
}

/// Where the next incremental pass begins, for an account with this access level: from the start where it may see more
/// than those before it.
pub fn watermark(
    conn: &mut Conn<'_>,
    area: AreaId,
    kind: &str,
    access_level: Option<i32>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let query = sync_states::table.find((area.0, kind)).select((sync_states::watermark, sync_states::access_level));
    let row: Option<(Option<Stamp>, Option<i32>)> = on_backend!(conn, |c| query.get_result(c).optional())?;
    Ok(row.filter(|(_, read_with)| access_level <= *read_with).and_then(|(time, _)| Some(time?.and_utc())))
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
