//! What has grown old is read again: no arguments, run by a timer, and the first run is like any other.

use super::{
    Rules,
    plan::{self, Finder},
};
use chrono::TimeDelta;
use trawl_jobs::{AreaId, JobSpec};
use trawl_store::{Conn, StoreError, accounts, areas, now, sync};

/// Submits what an instance has told of and what could not be read at once. Returns how many jobs are new.
pub fn told(conn: &mut Conn<'_>, rules: &Rules, wanted: &[AreaId]) -> Result<usize, StoreError> {
    let mut made = 0;
    for id in wanted {
        if let Some(area) = areas::get(conn, *id)? {
            made += plan::handle_wanted(conn, rules, &area)?;
        }
    }
    Ok(made)
}

/// Submits what is due. Returns how many jobs are new.
pub fn run(conn: &mut Conn<'_>, rules: &Rules) -> Result<usize, StoreError> {
    let mut made = 0;
    let before = now() - TimeDelta::from_std(rules.scope).unwrap_or(TimeDelta::MAX);
    for account in accounts::scope_due(conn, before)? {
        made += usize::from(plan::handle_new_authorization(conn, rules, &account)?.is_some());
    }
    let passes = sync::all_passes(conn)?;
    for area in areas::refreshable(conn)? {
        let last = |spec: &JobSpec| passes.get(&area.id())?.get(spec.kind());
        let due = |spec: &JobSpec| plan::needs(rules, &area, spec, last(spec));
        if trawl_jobs::plan::for_area(area.traits()).iter().any(due) {
            let account = accounts::serving(conn, area.id().0, None)?.into_iter().next();
            let user = match account {
                Some(id) => accounts::get(conn, id)?.map(|account| account.user()),
                None => None,
            };
            made += plan::handle_new_area(conn, rules, &area, Finder { user, account, parent: None })?;
        }
    }
    Ok(made)
}
