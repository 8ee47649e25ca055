//! Which jobs follow from what is known. Everything here may be called as often as anybody likes: what is live or was
//! done lately is not done again.

use super::Rules;
use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;
use trawl_jobs::{AccountId, JobId, JobSpec, Subject, WaitReason, plan};
use trawl_store::{
    Conn, StoreError,
    accounts::{self, Account},
    areas::Area,
    jobs::{self, NewJob, Submitted},
    now,
    sync::{self, SyncState},
};

/// Between two looks at what an account can reach, however often its instance tells that it has changed.
const REACH_PAUSE: Duration = Duration::from_mins(1);
/// Between two passes over the same list, however often its instance tells that there is something new.
const WANTED_PAUSE: Duration = Duration::from_secs(5);

/// Whether something that happened at `last` is due again.
#[must_use]
pub fn is_due(last: Option<DateTime<Utc>>, every: Duration) -> bool {
    last.is_none_or(|last| now() - last >= TimeDelta::from_std(every).unwrap_or(TimeDelta::MAX))
}

/// An account was linked, signed in to, or its turn has come: finds out what it can reach, unless that was done lately.
/// Returns the job where one was made.
pub fn handle_new_authorization(
    conn: &mut Conn<'_>,
    rules: &Rules,
    account: &Account,
) -> Result<Option<JobId>, StoreError> {
    reach(conn, rules, account, rules.scope)
}

/// What an account can reach has changed, as its instance tells.
pub fn handle_changed_reach(
    conn: &mut Conn<'_>,
    rules: &Rules,
    account: &Account,
) -> Result<Option<JobId>, StoreError> {
    reach(conn, rules, account, rules.scope.min(REACH_PAUSE))
}

fn reach(conn: &mut Conn<'_>, rules: &Rules, account: &Account, every: Duration) -> Result<Option<JobId>, StoreError> {
    if !is_due(account.scope_tried_at(), every) {
        return Ok(None);
    }
    let mut made = None;
    for spec in plan::for_account() {
        let new = NewJob {
            spec,
            subject: Subject::Account(account.id()),
            instance: Some(account.instance()),
            user: Some(account.user()),
            account: Some(account.id()),
            parent: None,
            priority: None,
            priority_threshold: rules.priority_threshold,
            max_attempts: rules.max_attempts,
        };
        let Submitted { id, created } = jobs::submit(conn, &new)?;
        made = made.or(created.then_some(id));
    }
    Ok(made)
}

/// Who brought an area up.
#[derive(Debug, Clone, Copy)]
pub struct Finder {
    /// For whom the jobs are.
    pub user: Option<trawl_jobs::UserId>,
    /// With whose account.
    pub account: Option<AccountId>,
    /// The job that found it.
    pub parent: Option<JobId>,
}

/// An area was found, or its turn has come: submits the jobs that it needs, except what was done lately. Returns how
/// many are new, or awake again.
pub fn handle_new_area(conn: &mut Conn<'_>, rules: &Rules, area: &Area, finder: Finder) -> Result<usize, StoreError> {
    let passes = sync::passes(conn, area.id())?;
    let mut made = 0;
    for spec in plan::for_area(area.traits()) {
        let last = passes.get(spec.kind());
        if !needs(rules, area, &spec, last) {
            continue;
        }
        let submitted = submit(conn, rules, area, (spec, last), finder)?;
        made += usize::from(submitted.created);
        // One that waits for somebody who may read the area: here they are.
        if !submitted.created
            && let Some(mut job) = jobs::get(conn, submitted.id)?
            && job.wait_reason.as_deref() == Some(WaitReason::Credentials.as_str())
        {
            jobs::wake(conn, &mut job)?;
            made += 1;
        }
    }
    Ok(made)
}

/// Somebody has told that there is something new in an area: reads it, unless that was done a moment ago or is under way.
/// Returns how many jobs are new.
pub fn handle_wanted(conn: &mut Conn<'_>, rules: &Rules, area: &Area) -> Result<usize, StoreError> {
    let Some(account) = accounts::serving(conn, area.id().0, None)?.into_iter().next() else { return Ok(0) };
    let user = accounts::get(conn, account)?.map(|account| account.user());
    let finder = Finder { user, account: Some(account), parent: None };
    let passes = sync::passes(conn, area.id())?;
    let mut made = 0;
    for spec in plan::for_area(area.traits()) {
        let last = passes.get(spec.kind());
        if last.is_some_and(|last| last.is_wanted() && is_due(Some(last.tried_at()), WANTED_PAUSE)) {
            made += usize::from(submit(conn, rules, area, (spec, last), finder)?.created);
        }
    }
    Ok(made)
}

fn submit(
    conn: &mut Conn<'_>,
    rules: &Rules,
    area: &Area,
    (spec, last): (JobSpec, Option<&SyncState>),
    finder: Finder,
) -> Result<Submitted, StoreError> {
    // After one that has failed, what has changed comes first.
    let everything = last.is_some_and(|last| !last.has_failed() && is_due(last.full_at(), rules.full));
    let whole = match last {
        // A look at what is there does where nothing was left out before.
        Some(last) if last.shortfall().is_none() => spec.with_sweep().or_else(|| spec.in_full()),
        _ => spec.in_full(),
    };
    let new = NewJob {
        spec: whole.filter(|_| everything).unwrap_or(spec),
        subject: Subject::Area(area.id()),
        instance: Some(area.instance()),
        user: finder.user,
        account: finder.account,
        parent: finder.parent,
        priority: None,
        priority_threshold: rules.priority_threshold,
        max_attempts: rules.max_attempts,
    };
    jobs::submit(conn, &new)
}

/// Whether an area is to be read, given the last pass of that kind. An archived one is read once and for all.
pub(super) fn needs(rules: &Rules, area: &Area, spec: &JobSpec, last: Option<&SyncState>) -> bool {
    match last {
        None => true,
        Some(last) if area.archived && last.completed_at().is_some() => false,
        Some(last) => is_due(Some(last.tried_at()), interval(rules, spec)),
    }
}

/// How often a kind of job is due: changes are looked for often, details seldom change.
fn interval(rules: &Rules, spec: &JobSpec) -> Duration {
    match spec {
        // Most plans have none.
        JobSpec::Epics(_) => rules.lists,
        // Where GitLab tells what has changed, looking for it is cheap.
        _ if spec.in_full().is_some() => rules.incremental,
        JobSpec::Group(_) | JobSpec::Project(_) | JobSpec::AuthorizationScope(_) => rules.scope,
        _ => rules.lists,
    }
}
