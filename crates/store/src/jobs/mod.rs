//! Jobs: submission and lookup; [`lists`] of them for pages, and the [`steps`] that they take without a worker.

pub mod lists;
mod prune;
pub mod steps;

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    literal::IsLive,
    now,
    schema::jobs,
    statement::statement,
    text::storable,
    turns,
    when::stored,
};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Integer, Nullable, Text, Timestamp},
};
use std::marker::PhantomData;
use trawl_jobs::{AccountId, AreaId, InstanceId, JobId, JobSpec, Lane, Lease, Progress, State, Subject, UserId};

pub use lists::{JobFilter, JobLine, JobPage, Waiting, children, failed_since, list, running, states, waiting};
pub use prune::prune;
pub(crate) use steps::end_those_about;
pub use steps::{Abort, abort, next_run_at, retry, stopped, wake, wake_due, wake_for_credentials};

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
    pub(crate) id: String,
    /// Kind, as submitted: perhaps one that this build does not know.
    pub kind: String,
    /// The kind's options, JSON.
    pub payload: String,
    /// At most one live job has it.
    pub dedupe_key: String,
    pub(crate) state: String,
    /// Why it waits.
    pub wait_reason: Option<String>,
    /// Higher runs first.
    pub priority: i32,
    lane: String,
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
    pub(crate) run_at: NaiveDateTime,
    /// Who holds the lease.
    pub worker: Option<String>,
    /// Whose token it reads with now.
    pub served_by: Option<i64>,
    /// Last report that is committed.
    pub report_seq: i64,
    /// 0 to 1.
    pub progress: f64,
    pub(crate) steps: String,
    /// Where to go on.
    pub cursor: Option<String>,
    /// Figures, JSON.
    pub result: Option<String>,
    /// Of the last failure.
    pub error_class: Option<String>,
    /// Of the last failure, in words.
    pub error: Option<String>,
    pub(crate) created_at: NaiveDateTime,
    pub(crate) started_at: Option<NaiveDateTime>,
    pub(crate) finished_at: Option<NaiveDateTime>,
    pub(crate) updated_at: NaiveDateTime,
    /// Smaller is claimed first within its lane.
    pub rank: i64,
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

    /// The lane that it was put into when it was submitted.
    #[must_use]
    pub fn lane(&self) -> Lane {
        // The database admits no other word.
        self.lane.parse().unwrap_or(Lane::Normal)
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

    /// Start of the attempt that runs, or of the last one.
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
    /// Which GitLab, where it needs one.
    pub instance: Option<InstanceId>,
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

statement! {
    /// A new job, unless a live one has its key.
    Insert {
        "INSERT INTO jobs (id, kind, payload, dedupe_key, state, priority, lane, rank, max_attempts, user_id, account_id, \
         instance_id, area_id, parent_id, run_at, created_at, updated_at) VALUES (", id: &'a str as Text,
        ", ", kind: &'a str as Text,
        ", ", payload: &'a str as Text,
        ", ", dedupe_key: &'a str as Text,
        ", ", state: &'a str as Text,
        ", ", priority: i32 as Integer,
        ", ", lane: &'a str as Text,
        ", ", rank: i64 as BigInt,
        ", ", max_attempts: i32 as Integer,
        ", ", user_id: Option<i64> as Nullable<BigInt>,
        ", ", account_id: Option<i64> as Nullable<BigInt>,
        ", ", instance_id: Option<i64> as Nullable<BigInt>,
        ", ", area_id: Option<i64> as Nullable<BigInt>,
        ", ", parent_id: Option<&'a str> as Nullable<Text>,
        ", ", run_at: NaiveDateTime as Timestamp,
        ", ", created_at: NaiveDateTime as Timestamp,
        ", ", updated_at: NaiveDateTime as Timestamp,
    } ") ON CONFLICT DO NOTHING"
}

/// Submits a job, unless a live one has its key already.
pub fn submit(conn: &mut Conn<'_>, new: &NewJob) -> Result<Submitted, StoreError> {
    let id = JobId::new();
    let at = stored(now());
    let key = storable(&new.spec.dedupe_key(new.subject)).into_owned();
    let priority = new.priority.unwrap_or_else(|| new.spec.default_priority());
    let lane = Lane::of(priority, new.priority_threshold);
    let area_id = match new.subject {
        Subject::Area(AreaId(area)) => Some(area),
        Subject::Account(_) | Subject::User(_) => None,
    };
    let (id_text, payload) = (id.to_string(), new.spec.payload());
    let parent = new.parent.map(|id| id.to_string());
    // The live job may begin or end between two statements on a database with several writers: then it is our turn again.
    loop {
        if let Some(live) = live_with_key(conn, &key)? {
            return Ok(Submitted { id: live, created: false });
        }
        let rank = turns::take(conn, lane, turns::share(new.account, new.user), priority)?;
        let insert = Insert {
            id: &id_text,
            kind: new.spec.kind(),
            payload: &payload,
            dedupe_key: &key,
            state: State::Queued.as_str(),
            priority,
            lane: lane.as_str(),
            rank,
            max_attempts: new.max_attempts,
            user_id: new.user.map(|id| id.0),
            account_id: new.account.map(|id| id.0),
            instance_id: new.instance.map(|id| id.0),
            area_id,
            parent_id: parent.as_deref(),
            run_at: at,
            created_at: at,
            updated_at: at,
            of: PhantomData,
        };
        let inserted = on_backend!(conn, |c| insert.execute(c))?;
        if inserted == 1 {
            return Ok(Submitted { id, created: true });
        }
    }
}

/// The live job that has a key.
pub fn live_with_key(conn: &mut Conn<'_>, key: &str) -> Result<Option<JobId>, StoreError> {
    let query = jobs::table.filter(jobs::dedupe_key.eq(key)).filter(IsLive).select(jobs::id);
    let id: Option<String> = on_backend!(conn, |c| query.first(c).optional())?;
    id.map(|id| id.parse().map_err(|error| StoreError::Corrupt(format!("job id {id:?}: {error}")))).transpose()
}

/// Jobs by their ids; those that do not exist are left out.
pub(crate) fn get_all(conn: &mut Conn<'_>, ids: &[JobId]) -> Result<Vec<Job>, StoreError> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    let query = jobs::table.filter(jobs::id.eq_any(ids)).select(columns::<Job>());
    Ok(on_backend!(conn, |c| query.load(c))?)
}

/// A job.
pub fn get(conn: &mut Conn<'_>, id: JobId) -> Result<Option<Job>, StoreError> {
    let query = jobs::table.find(id.to_string()).select(columns::<Job>());
    Ok(on_backend!(conn, |c| query.first(c).optional())?)
}
