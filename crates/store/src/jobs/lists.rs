//! Lists of jobs, for pages and programs.

use super::Job;
use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    schema::jobs,
    text::{contains, lower},
    when::stored,
};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use trawl_jobs::{InstanceId, JobId, State, UserId, WaitReason};

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
    /// Only with this text in the area's path, the kind or the error; case does not matter.
    pub text: Option<String>,
    /// Only older than this one (a page's last).
    pub before: Option<JobId>,
    /// Only newer than this one (a page's first).
    pub after: Option<JobId>,
}

/// A line of a list: the job, and the path of its area.
pub type JobLine = (Job, Option<String>);

/// Jobs, newest first, at most `limit`. With `after`, those just above it.
pub fn list(conn: &mut Conn<'_>, filter: &JobFilter, limit: i64) -> Result<Vec<JobLine>, StoreError> {
    use crate::schema::areas;
    let lines: Vec<JobLine> = on_backend!(conn, |c| {
        let mut query =
            jobs::table.left_join(areas::table).select((columns::<Job>(), areas::full_path.nullable())).into_boxed();
        if let Some(user) = filter.user {
            query = query.filter(jobs::user_id.eq(user.0));
        }
        if !filter.states.is_empty() {
            let states: Vec<&str> = filter.states.iter().map(|state| state.as_str()).collect();
            query = query.filter(jobs::state.eq_any(states));
        }
        if let Some(kind) = &filter.kind {
            query = query.filter(jobs::kind.eq(kind));
        }
        if let Some(text) = &filter.text {
            let pattern = lower(contains(text));
            query = query.filter(
                lower(areas::full_path.nullable().assume_not_null())
                    .like(pattern.clone())
                    .escape('\\')
                    .or(lower(jobs::kind).like(pattern.clone()).escape('\\'))
                    .or(lower(jobs::error.assume_not_null()).like(pattern).escape('\\')),
            );
        }
        if let Some(before) = filter.before {
            query = query.filter(jobs::id.lt(before.to_string()));
        }
        match filter.after {
            Some(after) => query.filter(jobs::id.gt(after.to_string())).order(jobs::id.asc()).limit(limit).load(c),
            None => query.order(jobs::id.desc()).limit(limit).load(c),
        }
    })?;
    Ok(if filter.after.is_some() { lines.into_iter().rev().collect() } else { lines })
}

/// Jobs that run now, longest first, at most `limit`.
pub fn running(conn: &mut Conn<'_>, user: Option<UserId>, limit: i64) -> Result<Vec<JobLine>, StoreError> {
    use crate::schema::areas;
    on_backend!(conn, |c| {
        let mut query = jobs::table
            .left_join(areas::table)
            .filter(jobs::state.eq_any([State::Running.as_str(), State::Aborting.as_str()]))
            .select((columns::<Job>(), areas::full_path.nullable()))
            .order((jobs::started_at.asc(), jobs::id.asc()))
            .limit(limit)
            .into_boxed();
        if let Some(user) = user {
            query = query.filter(jobs::user_id.eq(user.0));
        }
        Ok(query.load(c)?)
    })
}

/// Jobs that have failed since `since`, newest first, at most `limit`.
pub fn failed_since(
    conn: &mut Conn<'_>,
    user: Option<UserId>,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Job>, StoreError> {
    on_backend!(conn, |c| {
        let mut query = jobs::table
            .filter(jobs::state.eq(State::Failed.as_str()))
            .filter(jobs::finished_at.gt(stored(since)))
            .order(jobs::id.desc())
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
    type Row = (Option<String>, Option<i64>, i64, Option<NaiveDateTime>);
    let rows: Vec<Row> = on_backend!(conn, |c| {
        let mut query = jobs::table
            .filter(jobs::state.eq(State::Waiting.as_str()))
            .group_by((jobs::wait_reason, jobs::instance_id))
            .select((jobs::wait_reason, jobs::instance_id, diesel::dsl::count_star(), diesel::dsl::min(jobs::run_at)))
            .into_boxed();
        if let Some(user) = user {
            query = query.filter(jobs::user_id.eq(user.0));
        }
        query.load(c)
    })?;
    let waiting = |(reason, instance, count, until): Row| Waiting {
        reason: if reason.as_deref() == Some(WaitReason::RateLimited.as_str()) {
            WaitReason::RateLimited
        } else {
            WaitReason::Credentials
        },
        instance: instance.map(InstanceId),
        count,
        until: until.map(|time| time.and_utc()),
    };
    Ok(rows.into_iter().map(waiting).collect())
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
