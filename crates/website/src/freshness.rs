//! How fresh and complete everything is that a user may see.

use crate::pages::{AreaRow, Completeness};
use std::collections::{HashMap, HashSet};
use trawl_jobs::{AreaId, JobSpec, RecordKind, UserId, plan};
use trawl_store::{
    Conn, StoreError,
    areas::{self, Area, VisibleArea},
    counters,
    sync::{self, SyncState},
};

/// A user's areas, with how far the mirror of each is.
#[derive(Debug)]
pub struct Freshness {
    rows: Vec<AreaRow>,
    counts: HashMap<AreaId, HashMap<String, i64>>,
}

impl Freshness {
    /// Reads it.
    ///
    /// # Errors
    /// The database.
    pub fn load(conn: &mut Conn<'_>, user: UserId) -> Result<Self, StoreError> {
        let visible = areas::visible(conn, user)?;
        let states = sync::visible(conn, user)?;
        let mut counts = counters::resources(conn)?;
        let mut by_area: HashMap<AreaId, Vec<&SyncState>> = HashMap::new();
        for state in &states {
            by_area.entry(state.area()).or_default().push(state);
        }
        let seen: HashSet<AreaId> = visible.iter().map(|row| row.area.id()).collect();
        counts.retain(|area, _| seen.contains(area));
        let rows = visible
            .iter()
            .map(|VisibleArea { area, .. }| {
                let states = by_area.get(&area.id()).map_or(&[][..], Vec::as_slice);
                row(area, states, counts.get(&area.id()))
            })
            .collect();
        Ok(Self { rows, counts })
    }

    /// In the order of their paths.
    #[must_use]
    pub fn areas(&self) -> &[AreaRow] {
        &self.rows
    }

    /// One of them.
    #[must_use]
    pub fn area(&self, id: AreaId) -> Option<&AreaRow> {
        self.rows.iter().find(|row| row.id == id.0)
    }

    /// Mirrored objects of a kind in one of them.
    #[must_use]
    pub fn count(&self, area: AreaId, kind: RecordKind) -> i64 {
        self.counts.get(&area).and_then(|counts| counts.get(kind.as_str())).copied().unwrap_or(0)
    }

    /// Mirrored objects of a kind in all of them.
    #[must_use]
    pub fn total(&self, kind: RecordKind) -> i64 {
        self.counts.values().filter_map(|counts| counts.get(kind.as_str())).sum()
    }
}

fn row(area: &Area, states: &[&SyncState], counts: Option<&HashMap<String, i64>>) -> AreaRow {
    let wanted: Vec<&'static str> = plan::for_area(area.traits()).iter().map(JobSpec::kind).collect();
    let passes: Vec<Option<&&SyncState>> =
        wanted.iter().map(|kind| states.iter().find(|state| state.kind == *kind)).collect();
    let completed = |pass: Option<&&SyncState>| pass.and_then(|pass| pass.completed_at());
    let completeness = if let Some(why) = passes.iter().flatten().find_map(|pass| pass.shortfall().map(str::to_owned)) {
        Completeness::Incomplete(why)
    } else if passes.iter().all(|pass| completed(*pass).is_some()) {
        Completeness::Complete
    } else {
        Completeness::Pending
    };
    // What is in it counts: its own name and description, the first of the passes, are looked at less often.
    let listings = &passes[usize::from(passes.len() > 1)..];
    let oldest = listings.iter().map(|pass| completed(*pass)).min().flatten();
    let count = |kind: RecordKind| counts.and_then(|counts| counts.get(kind.as_str())).copied().unwrap_or(0);
    AreaRow {
        id: area.id().0,
        kind: area.kind(),
        full_path: area.full_path.clone(),
        name: area.name.clone(),
        archived: area.archived,
        issues: count(RecordKind::Issue),
        merge_requests: count(RecordKind::MergeRequest),
        synced_at: oldest,
        completeness,
    }
}
