//! Jobs: submission and lookup; [`lists`] of them for pages, and the [`steps`] that they take without a worker.

pub mod lists;
mod prune;
pub mod steps;
mod submit;

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    literal::IsLive,
    schema::jobs,
    when::Stamp,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use trawl_jobs::{JobId, Lane, Lease, Progress, State};

pub use lists::{JobFilter, JobLine, JobPage, Waiting, children, failed_since, list, running, states, waiting};
pub use prune::prune;
pub(crate) use steps::end_those_about;
pub use steps::{Abort, abort, may_wake, retry, stopped, wake, wake_due, wake_for_credentials};
pub use submit::{NewJob, Submitted, submit, submit_all};

/// Changes a job that nobody holds if it is still in the state, and after the claims, on which the change was decided.
macro_rules! step_job {
    ($conn:expr, $job:expr, $from:expr, $changes:expr) => {{
        let unchanged = job_rows::table
            .filter(job_rows::id.eq($job.id_text()))
            .filter(job_rows::state.eq($from.as_str()))
            .filter(job_rows::lease_token.eq($job.lease_token))
            .filter(IsFree);
        match on_backend!($conn, |c| diesel::update(unchanged).set($changes).execute(c))? {
            0 => Err(StoreError::NotFound),
            _ => Ok(()),
        }
    }};
}
pub(crate) use step_job;

/// A job as it is now.
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
    pub(crate) lane: String,
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
    pub(crate) run_at: Stamp,
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
    pub(crate) created_at: Stamp,
    pub(crate) started_at: Option<Stamp>,
    pub(crate) finished_at: Option<Stamp>,
    pub(crate) updated_at: Stamp,
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
        self.started_at.map(Stamp::and_utc)
    }

    /// End.
    #[must_use]
    pub fn finished_at(&self) -> Option<DateTime<Utc>> {
        self.finished_at.map(Stamp::and_utc)
    }
}

/// The live job that has a key.
pub fn live_with_key(conn: &mut Conn<'_>, key: &str) -> Result<Option<JobId>, StoreError> {
    let query = jobs::table.filter(jobs::dedupe_key.eq(key)).filter(IsLive).select(jobs::id);
    let id: Option<String> = on_backend!(conn, |c| query.get_result(c).optional())?;
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
    Ok(on_backend!(conn, |c| query.get_result(c).optional())?)
}
