//! Jobs: submission, lookup, and what a person does to them.

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    now,
    schema::jobs,
    text::lower,
    when::stored,
};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use trawl_jobs::{
    AccountId, AreaId, InstanceId, JobId, JobSpec, Lane, Lease, Progress, State, Step, Subject, UserId, WaitReason,
};

/// Changes a job if it is still in the state, and under the lease, on which the change was decided.
macro_rules! step_job {
    ($conn:expr, $job:expr, $from:expr, $changes:expr) => {{
        let unchanged = jobs::table
            .filter(jobs::id.eq($job.id_text()))
            .filter(jobs::state.eq($from.as_str()))
            .filter(jobs::lease_token.eq($job.lease_token));
        match on_backend!($conn, |c| diesel::update(unchanged).set($changes).execute(c))? {
            0 => Err(StoreError::NotFound),
            _ => Ok(()),
        }
    }};
}
pub(crate) use step_job;

/// A job as it is stored.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = jobs)]
pub struct Job {
    id: String,
    /// Kind, as submitted: perhaps one that this build does not know.
    pub kind: String,
    /// The kind's options, JSON.
    pub payload: String,
    /// At most one live job has it.
    pub dedupe_key: String,
    state: String,
    /// Why it waits.
    pub wait_reason: Option<String>,
    /// Higher runs first.
    pub priority: i32,
    /// `priority` or `normal`.
    pub lane: String,
    /// Who asked.
    pub user_id: Option<i64>,
    /// Whose account.
    pub account_id: Option<i64>,
    /// Which GitLab.
    pub instance_id: Option<i64>,
    /// About what.
    pub area_id: Option<i64>,
    /// Spawned by what.
    pub parent_id: Option<String>,
    /// Attempts that count.
    pub attempt: i32,
    /// How many there may be.
    pub max_attempts: i32,
    /// Workers that died over it.
    pub crashes: i32,
    /// Claims of any kind.
    pub lease_token: i64,
    run_at: NaiveDateTime,
    /// Who holds the lease.
    pub worker: Option<String>,
    /// Whose token it reads with now.
    pub served_by: Option<i64>,
    heartbeat_at: Option<NaiveDateTime>,
    /// Last report that is committed.
    pub report_seq: i64,
    /// 0 to 1.
    pub progress: f64,
    steps: String,
    /// Where to go on.
    pub cursor: Option<String>,
    /// Figures, JSON.
    pub result: Option<String>,
    /// Of the last failure.
    pub error_class: Option<String>,
    /// Of the last failure, in words.
    pub error: Option<String>,
    created_at: NaiveDateTime,
    started_at: Option<NaiveDateTime>,
    finished_at: Option<NaiveDateTime>,
    updated_at: NaiveDateTime,
}

impl Job {
    /// Identity.
    ///
    /// # Errors
    /// The stored text is no id.
    pub fn id(&self) -> Result<JobId, StoreError> {
        self.id.parse().map_err(|error| StoreError::Corrupt(format!("job id {:?}: {error}", self.id)))
    }

    /// Identity as text.
    #[must_use]
    pub fn id_text(&self) -> &str {
        &self.id
    }

    /// Where it stands.
    ///
    /// # Errors
    /// The stored word is no state.
    pub fn state(&self) -> Result<State, StoreError> {
        self.state.parse().map_err(StoreError::Corrupt)
    }

    /// The right to report about it, as of the last claim.
    ///
    /// # Errors
    /// The stored text is no id.
    pub fn lease(&self) -> Result<Lease, StoreError> {
        Ok(Lease { job: self.id()?, token: self.lease_token })
    }

    /// How far its parts are.
    #[must_use]
    pub fn steps(&self) -> Progress {
        serde_json::from_str(&self.steps).unwrap_or_default()
    }

    /// Not to start before.
    #[must_use]
    pub const fn run_at(&self) -> DateTime<Utc> {
        self.run_at.and_utc()
    }

    /// Submitted.
    #[must_use]
    pub const fn created_at(&self) -> DateTime<Utc> {
        self.created_at.and_utc()
    }

    /// First or latest start.
    #[must_use]
    pub fn started_at(&self) -> Option<DateTime<Utc>> {
        self.started_at.map(|time| time.and_utc())
    }

    /// End.
    #[must_use]
    pub fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.finished_at.map(|time| time.and_utc())
    }
}

/// A job to be submitted.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// What to do.
    pub spec: JobSpec,
    /// About what.
    pub subject: Subject,
    /// Which GitLab.
    pub instance: InstanceId,
    /// Who asks.
    pub user: Option<UserId>,
    /// With whose account.
    pub account: Option<AccountId>,
    /// Spawned by.
    pub parent: Option<JobId>,
    /// Higher runs first; none: as the kind says.
    pub priority: Option<i32>,
    /// From here on it is urgent.
    pub priority_threshold: i32,
    /// How often it may be tried.
    pub max_attempts: i32,
}

/// What became of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submitted {
    /// The job: the new one, or the live one that has the same key.
    pub id: JobId,
    /// Whether it is new.
    pub created: bool,
}

/// Submits a job, unless a live one has its key already.
pub fn submit(conn: &mut Conn<'_>, new: &NewJob) -> Result<Submitted, StoreError> {
    let id = JobId::new();
    let at = stored(now());
    let key = new.spec.dedupe_key(new.subject);
    let priority = new.priority.unwrap_or_else(|| new.spec.default_priority());
    let area = match new.subject {
        Subject::Area(AreaId(area)) => Some(area),
        Subject::Account(_) => None,
    };
    let values = (
        (
            jobs::id.eq(id.to_string()),
            jobs::kind.eq(new.spec.kind()),
            jobs::payload.eq(new.spec.payload()),
            jobs::dedupe_key.eq(&key),
            jobs::state.eq(State::Queued.as_str()),
            jobs::priority.eq(priority),
            jobs::lane.eq(Lane::of(priority, new.priority_threshold).as_str()),
            jobs::max_attempts.eq(new.max_attempts),
        ),
        (
            jobs::user_id.eq(new.user.map(|id| id.0)),
            jobs::account_id.eq(new.account.map(|id| id.0)),
            jobs::instance_id.eq(new.instance.0),
            jobs::area_id.eq(area),
            jobs::parent_id.eq(new.parent.map(|id| id.to_string())),
            jobs::run_at.eq(at),
            jobs::created_at.eq(at),
            jobs::updated_at.eq(at),
        ),
    );
    // The live job may end between the two statements on a database with several writers: then it is our turn.
    loop {
        let inserted = on_backend!(conn, |c| diesel::insert_into(jobs::table)
            .values(&values)
            .on_conflict_do_nothing()
            .execute(c))?;
        if inserted == 1 {
            return Ok(Submitted { id, created: true });
        }
        if let Some(live) = live_with_key(conn, &key)? {
            return Ok(Submitted { id: live, created: false });
        }
    }
}

/// The live job that has a key.
pub fn live_with_key(conn: &mut Conn<'_>, key: &str) -> Result<Option<JobId>, StoreError> {
    let live: Vec<&str> = State::ALL.into_iter().filter(|state| state.is_live()).map(State::as_str).collect();
    let query = jobs::table.filter(jobs::dedupe_key.eq(key)).filter(jobs::state.eq_any(live)).select(jobs::id);
    let id: Option<String> = on_backend!(conn, |c| query.first(c).optional())?;
    id.map(|id| id.parse().map_err(|error| StoreError::Corrupt(format!("job id {id:?}: {error}")))).transpose()
}

/// A job.
pub fn get(conn: &mut Conn<'_>, id: JobId) -> Result<Option<Job>, StoreError> {
    let query = jobs::table.find(id.to_string()).select(columns::<Job>());
    Ok(on_backend!(conn, |c| query.first(c).optional())?)
}

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

/// A LIKE pattern for text anywhere in a column.
pub(crate) fn contains(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
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

/// What an abort did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Abort {
    /// It is stopped.
    Stopped,
    /// This worker has to be told.
    Tell(String, Lease),
}

/// A person wants a job stopped. Asking twice is harmless.
///
/// # Errors
/// [`StoreError::Illegal`] where it has ended, [`StoreError::NotFound`].
pub fn abort(conn: &mut Conn<'_>, id: JobId) -> Result<Abort, StoreError> {
    let job = get(conn, id)?.ok_or(StoreError::NotFound)?;
    let from = job.state()?;
    if from == State::Aborting {
        return Ok(Abort::Tell(job.worker.clone().unwrap_or_default(), job.lease()?));
    }
    let to = from.after(Step::Abort)?;
    let at = stored(now());
    let finished = (!to.is_live()).then_some(at);
    let changes = (
        jobs::state.eq(to.as_str()),
        jobs::wait_reason.eq(None::<String>),
        jobs::finished_at.eq(finished),
        jobs::updated_at.eq(at),
    );
    step_job!(conn, job, from, changes)?;
    Ok(match job.worker.clone() {
        Some(worker) if to.is_leased() => Abort::Tell(worker, job.lease()?),
        _ => Abort::Stopped,
    })
}

/// A person wants a job that has failed or was aborted run again, from where it was. The attempts begin anew; its
/// history stays.
///
/// # Errors
/// [`StoreError::Illegal`] where it has not ended so, [`StoreError::NotFound`]; a duplicate
/// ([`StoreError::is_duplicate`]) where another live job does the same.
pub fn retry(conn: &mut Conn<'_>, id: JobId) -> Result<(), StoreError> {
    let job = get(conn, id)?.ok_or(StoreError::NotFound)?;
    let from = job.state()?;
    let to = from.after(Step::Retry)?;
    let at = stored(now());
    let changes = (
        jobs::state.eq(to.as_str()),
        jobs::attempt.eq(0),
        jobs::crashes.eq(0),
        jobs::error_class.eq(None::<String>),
        jobs::error.eq(None::<String>),
        jobs::finished_at.eq(None::<NaiveDateTime>),
        jobs::run_at.eq(at),
        jobs::updated_at.eq(at),
    );
    step_job!(conn, job, from, changes)
}

/// Wakes jobs whose time to wait is over.
pub fn wake_due(conn: &mut Conn<'_>) -> Result<usize, StoreError> {
    let at = stored(now());
    let due = jobs::table
        .filter(jobs::state.eq(State::Waiting.as_str()))
        .filter(jobs::wait_reason.ne("credentials"))
        .filter(jobs::run_at.le(at));
    let changes =
        (jobs::state.eq(State::Queued.as_str()), jobs::wait_reason.eq(None::<String>), jobs::updated_at.eq(at));
    Ok(on_backend!(conn, |c| diesel::update(due).set(changes).execute(c))?)
}

/// Wakes the jobs of an instance that wait for credentials: an account has been linked there.
pub fn wake_for_credentials(conn: &mut Conn<'_>, instance: InstanceId) -> Result<usize, StoreError> {
    let at = stored(now());
    let waiting = jobs::table
        .filter(jobs::state.eq(State::Waiting.as_str()))
        .filter(jobs::wait_reason.eq("credentials"))
        .filter(jobs::instance_id.eq(instance.0));
    let changes = (
        jobs::state.eq(State::Queued.as_str()),
        jobs::wait_reason.eq(None::<String>),
        jobs::run_at.eq(at),
        jobs::updated_at.eq(at),
    );
    Ok(on_backend!(conn, |c| diesel::update(waiting).set(changes).execute(c))?)
}

/// Wakes one waiting job.
pub fn wake(conn: &mut Conn<'_>, job: &Job) -> Result<(), StoreError> {
    let at = stored(now());
    let changes = (
        jobs::state.eq(State::Waiting.after(Step::Wake)?.as_str()),
        jobs::wait_reason.eq(None::<String>),
        jobs::run_at.eq(at),
        jobs::updated_at.eq(at),
    );
    step_job!(conn, job, State::Waiting, changes)
}

/// When the next queued or waiting job may start, of those that may not yet.
pub fn next_run_at(conn: &mut Conn<'_>) -> Result<Option<DateTime<Utc>>, StoreError> {
    let query = jobs::table
        .filter(jobs::state.eq_any([State::Queued.as_str(), State::Waiting.as_str()]))
        .filter(jobs::run_at.gt(stored(now())))
        .select(diesel::dsl::min(jobs::run_at));
    let next: Option<NaiveDateTime> = on_backend!(conn, |c| query.first(c))?;
    Ok(next.map(|time| time.and_utc()))
}
