//! Lists of jobs, for pages and programs.

use super::Job;
use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    leases,
    literal::{AtRest, IsFailed, IsNotCompleted, IsNotCompletedRow, IsUnheld, IsWaiting},
    schema::{job_rows, jobs},
    text::{contains, lower},
    when::{Stamp, stored},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use trawl_jobs::{AccountId, AreaId, InstanceId, JobId, Lane, State, UserId, WaitReason};

/// Jobs that a job has spawned, oldest first, at most `limit`.
pub fn children(conn: &mut Conn<'_>, id: JobId, limit: i64) -> Result<Vec<Job>, StoreError> {
    let query =
        jobs::table.filter(jobs::parent_id.eq(id.to_string())).order(jobs::id).limit(limit).select(columns::<Job>());
    Ok(on_backend!(conn, |c| query.load(c))?)
}

/// Which jobs to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Only this person's.
    pub user: Option<UserId>,
    /// Only in one of these states; empty: any.
    pub states: Vec<State>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only of this lane.
    pub lane: Option<Lane>,
    /// Only about this area.
    pub area: Option<AreaId>,
    /// Only with this account.
    pub account: Option<AccountId>,
    /// Only with this text in the area's path, the kind, the options or the error; case does not matter.
    pub text: Option<String>,
    /// Only older than this one (a page's last).
    pub before: Option<JobId>,
    /// Only newer than this one (a page's first).
    pub after: Option<JobId>,
}

impl JobFilter {
    /// Whether it asks for something that no index knows.
    const fn searches(&self) -> bool {
        self.kind.is_some()
            || self.lane.is_some()
            || self.account.is_some()
            || self.text.is_some()
            || (self.area.is_some() && self.user.is_some())
    }
}

/// A line of a list: the job, and the path of its area.
pub type JobLine = (Job, Option<String>);

/// A part of a list.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct JobPage {
    /// Newest first.
    pub lines: Vec<JobLine>,
    /// Where the search has stopped before it found enough: it goes on from there with another page.
    pub searched_to: Option<JobId>,
}

/// Rows that one search looks at, for each index range that it walks. So a page takes as long as it takes to look at
/// these, however many jobs there are and however seldom the filter matches.
const WINDOW: i64 = 5000;

/// What a range of jobs is found by, in the order of their ids.
#[derive(Debug, Clone, Copy)]
enum Range<'a> {
    Area(AreaId),
    User(UserId),
    /// Not for completed jobs, nor for those that somebody holds.
    AtRest(State),
    /// Jobs that somebody holds, which these are: never many.
    Held(&'a [String]),
    All,
}

/// Jobs, newest first, at most `limit`. With `after`, those just above it.
pub fn list(conn: &mut Conn<'_>, filter: &JobFilter, limit: i64) -> Result<JobPage, StoreError> {
    let leased = filter.states.iter().any(|state| state.is_leased());
    let held = if leased { leases::held(conn)? } else { Vec::new() };
    let ranges = match (filter.area, filter.user) {
        (Some(area), _) => vec![Range::Area(area)],
        (None, Some(user)) => vec![Range::User(user)],
        (None, None) if filter.states.is_empty() => vec![Range::All],
        // Most jobs are completed, so these are found among all of them.
        (None, None) if filter.states.contains(&State::Completed) => vec![Range::All],
        (None, None) => {
            let held = leased.then_some(Range::Held(&held));
            let at_rest = filter.states.iter().filter(|state| !state.is_leased());
            at_rest.copied().map(Range::AtRest).chain(held).collect()
        }
    };
    let upwards = filter.after.is_some();
    let mut page = JobPage::default();
    for range in ranges {
        let edge = edge(conn, filter, range)?;
        let lines = lines(conn, filter, range, edge.as_deref(), limit)?;
        if i64::try_from(lines.len()).unwrap_or(i64::MAX) < limit
            && let Some(edge) = &edge
        {
            let edge: JobId = edge.parse().map_err(|error| StoreError::Corrupt(format!("job id {edge:?}: {error}")))?;
            // What lies beyond the nearest edge is not known to be complete.
            page.searched_to = Some(match page.searched_to {
                Some(other) if upwards => other.min(edge),
                Some(other) => other.max(edge),
                None => edge,
            });
        }
        page.lines.extend(lines);
    }
    page.lines.sort_unstable_by(|(a, _), (b, _)| b.id_text().cmp(a.id_text()));
    if let Some(edge) = page.searched_to.map(|edge| edge.to_string()) {
        page.lines.retain(|(job, _)| if upwards { job.id_text() <= &*edge } else { job.id_text() >= &*edge });
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if page.lines.len() >= limit {
        page.searched_to = None;
        let surplus = page.lines.len() - limit;
        if upwards {
            page.lines.drain(..surplus);
        } else {
            page.lines.truncate(limit);
        }
    }
    Ok(page)
}

/// Puts a range and the page keys on a boxed query. A macro, because the type of a boxed query is nobody's to write.
macro_rules! within {
    ($query:ident, $filter:ident, $range:ident, $jobs:ident, $state:expr, $is_not_completed:ident) => {
        match $range {
            Range::Area(area) => $query = $query.filter($jobs::area_id.eq(area.0)),
            Range::User(user) => $query = $query.filter($jobs::user_id.eq(user.0)),
            // As the partial index has it, so that the planner sees that it may be used.
            Range::AtRest(state) => {
                $query = $query.filter($state.eq(state.as_str())).filter($is_not_completed);
            }
            Range::Held(ids) => $query = $query.filter($jobs::id.eq_any(ids)),
            Range::All => {}
        }
        if let Some(before) = $filter.before {
            $query = $query.filter($jobs::id.lt(before.to_string()));
        }
        if let Some(after) = $filter.after {
            $query = $query.filter($jobs::id.gt(after.to_string()));
        }
    };
}

/// The last row of a range that a search looks at; none where it looks at all of them.
fn edge(conn: &mut Conn<'_>, filter: &JobFilter, range: Range<'_>) -> Result<Option<String>, StoreError> {
    let by_state = matches!(range, Range::AtRest(_));
    if matches!(range, Range::Held(_)) || (!filter.searches() && (filter.states.is_empty() || by_state)) {
        return Ok(None);
    }
    on_backend!(conn, |c| {
        let mut query = job_rows::table.select(job_rows::id).offset(WINDOW).limit(1).into_boxed();
        within!(query, filter, range, job_rows, job_rows::state, IsNotCompletedRow);
        let upwards = filter.after.is_some();
        let query = if upwards { query.order(job_rows::id.asc()) } else { query.order(job_rows::id.desc()) };
        Ok(query.first(c).optional()?)
    })
}

fn lines(
    conn: &mut Conn<'_>,
    filter: &JobFilter,
    range: Range<'_>,
    edge: Option<&str>,
    limit: i64,
) -> Result<Vec<JobLine>, StoreError> {
    use crate::schema::areas;
    let upwards = filter.after.is_some();
    on_backend!(conn, |c| {
        let mut query = jobs::table
            .left_join(areas::table)
            .select((columns::<Job>(), areas::full_path.nullable()))
            .limit(limit)
            .into_boxed();
        within!(query, filter, range, jobs, AtRest, IsNotCompleted);
        match edge {
            Some(edge) if upwards => query = query.filter(jobs::id.le(edge)),
            Some(edge) => query = query.filter(jobs::id.ge(edge)),
            None => {}
        }
        if matches!(range, Range::AtRest(State::Queued)) {
            query = query.filter(IsUnheld);
        }
        if !filter.states.is_empty() && !matches!(range, Range::AtRest(_)) {
            // Of rows that are not asked for, no lease is looked up.
            let at_rest = filter.states.iter().map(|state| if state.is_leased() { State::Queued } else { *state });
            let at_rest: Vec<&str> = at_rest.map(State::as_str).collect();
            let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
            query = query.filter(AtRest.eq_any(at_rest)).filter(jobs::state.eq_any(states));
        }
        if let Some(user) = filter.user {
            query = query.filter(jobs::user_id.eq(user.0));
        }
        if let Some(kind) = &filter.kind {
            query = query.filter(jobs::kind.eq(kind));
        }
        if let Some(lane) = filter.lane {
            query = query.filter(jobs::lane.eq(lane.as_str()));
        }
        if let Some(account) = filter.account {
            query = query.filter(jobs::account_id.eq(account.0));
        }
        if let Some(text) = &filter.text {
            let pattern = lower(contains(text));
            query = query.filter(
                lower(areas::full_path.nullable().assume_not_null())
                    .like(pattern.clone())
                    .escape('\\')
                    .or(lower(jobs::kind).like(pattern.clone()).escape('\\'))
                    .or(lower(jobs::payload).like(pattern.clone()).escape('\\'))
                    .or(lower(jobs::error.assume_not_null()).like(pattern).escape('\\')),
            );
        }
        let query = if upwards { query.order(jobs::id.asc()) } else { query.order(jobs::id.desc()) };
        Ok(query.load(c)?)
    })
}

/// Jobs that run now, longest first, at most `limit`.
pub fn running(conn: &mut Conn<'_>, user: Option<UserId>, limit: usize) -> Result<Vec<JobLine>, StoreError> {
    use crate::schema::areas;
    let held = leases::held(conn)?;
    let query = jobs::table
        .left_join(areas::table)
        .filter(jobs::id.eq_any(&held))
        .select((columns::<Job>(), areas::full_path.nullable()))
        .order((jobs::started_at.asc(), jobs::id.asc()));
    let mut lines: Vec<JobLine> = on_backend!(conn, |c| query.load(c))?;
    // Never many. Asked for one person's, a planner would rather look at all that this person ever had.
    lines.retain(|(job, _)| job.worker.is_some() && user.is_none_or(|user| job.user_id == Some(user.0)));
    lines.truncate(limit);
    Ok(lines)
}

/// Jobs that have failed since `since`, the last one first, at most `limit`.
pub fn failed_since(
    conn: &mut Conn<'_>,
    user: Option<UserId>,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Job>, StoreError> {
    on_backend!(conn, |c| {
        let mut query = jobs::table
            .filter(IsFailed)
            .filter(jobs::finished_at.gt(stored(since)))
            .order(jobs::finished_at.desc())
            .limit(limit)
            .select(columns::<Job>())
            .into_boxed();
        if let Some(user) = user {
            query = query.filter(jobs::user_id.eq(user.0));
        }
        Ok(query.load(c)?)
    })
}

/// Jobs that wait for the same thing at the same GitLab.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// For what.
    pub reason: WaitReason,
    /// Where.
    pub instance: Option<InstanceId>,
    /// How many.
    pub count: i64,
    /// When the first of them wakes by itself.
    pub until: Option<DateTime<Utc>>,
}

/// What jobs wait for.
pub fn waiting(conn: &mut Conn<'_>, user: Option<UserId>) -> Result<Vec<Waiting>, StoreError> {
    type Row = (Option<String>, Option<i64>, i64, Option<Stamp>);
    let rows: Vec<Row> = on_backend!(conn, |c| {
        let mut query = jobs::table
            .filter(IsWaiting)
            .group_by((jobs::wait_reason, jobs::instance_id))
            .select((jobs::wait_reason, jobs::instance_id, diesel::dsl::count_star(), diesel::dsl::min(jobs::run_at)))
            .into_boxed();
        if let Some(user) = user {
            query = query.filter(jobs::user_id.eq(user.0));
        }
        query.load(c)
    })?;
    let waiting = |(reason, instance, count, until): Row| {
        let reason = reason.unwrap_or_default().parse().map_err(StoreError::Corrupt)?;
        let until = until.map(Stamp::and_utc);
        Ok(Waiting { reason, instance: instance.map(InstanceId), count, until })
    };
    rows.into_iter().map(waiting).collect()
}

/// The states of these jobs, of those that are the user's.
pub fn states(conn: &mut Conn<'_>, ids: &[JobId], user: Option<UserId>) -> Result<Vec<Job>, StoreError> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    on_backend!(conn, |c| {
        let mut query = jobs::table.filter(jobs::id.eq_any(ids)).select(columns::<Job>()).into_boxed();
        if let Some(user) = user {
            query = query.filter(jobs::user_id.eq(user.0));
        }
        Ok(query.load(c)?)
    })
}
