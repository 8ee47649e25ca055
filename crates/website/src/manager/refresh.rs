//! What has grown old is read again: no arguments, run by a timer, and the first run is like any other.

use super::{
    Rules,
    plan::{self, Finder},
};
use chrono::TimeDelta;
use trawl_store::{Conn, StoreError, accounts, areas, now, sync};

/// Submits what is due. Returns how many jobs are new.
pub fn run(conn: &mut Conn<'_>, rules: &Rules) -> Result<usize, StoreError> {
    let mut made = 0;
    let before = now() - TimeDelta::from_std(rules.scope).unwrap_or(TimeDelta::MAX);
    for account in accounts::scope_due(conn, before)? {
        made += usize::from(plan::handle_new_authorization(conn, rules, &account)?.is_some());
    }
    let tried = sync::all_tried(conn)?;
    for area in areas::refreshable(conn)? {
        let due = trawl_jobs::plan::for_area(area.traits()).iter().any(|spec| {
            let last = tried.get(&(area.id(), spec.kind().to_owned())).copied();
            last.is_none() || (!area.archived && plan::is_due(last, plan::interval(rules, spec)))
        });
        if due {
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
