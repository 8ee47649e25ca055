//! Claims: from queued to running, for one worker.

use crate::{
    Conn, StoreError, accounts, areas, attempts,
    conn::{columns, on_backend},
    instances,
    jobs::{self as job_rows, Job},
    now,
    schema::jobs,
    sync,
    when::stored,
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use trawl_jobs::{AccountId, AreaId, AreaRef, InstanceId, JobSpec, Lane, State, Step, WaitReason};

/// Who wants work, and how much.
#[derive(Debug, Clone)]
pub struct ClaimRequest {
    /// Name of the worker's life.
    pub worker: String,
    /// Jobs of any lane at most.
    pub any: usize,
    /// Jobs of the normal lane at most.
    pub normal: usize,
    /// Only jobs about this instance: all that the worker has a token for.
    pub instance: Option<InstanceId>,
}

/// A job that is now this worker's, and what it needs to be run.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// The job, as of the claim.
    pub job: Job,
    /// Base URL of its GitLab.
    pub instance_url: String,
    /// Accounts to read with, best first.
    pub accounts: Vec<AccountId>,
    /// The group or project.
    pub area: Option<AreaRef>,
    /// Where an incremental pass begins.
    pub watermark: Option<DateTime<Utc>>,
}

/// What a round of claiming did.
#[derive(Debug, Default, PartialEq)]
pub struct Claims {
    /// To be run.
    pub claimed: Vec<Claimed>,
    /// Set aside or given up instead: no usable account, or a kind that nobody knows.
    pub put_aside: Vec<Job>,
}

/// Claims jobs: urgent ones first, by priority, then by age.
pub fn claim(conn: &mut Conn<'_>, request: &ClaimRequest) -> Result<Claims, StoreError> {
    let mut claims = Claims::default();
    for (lane, limit) in [(Lane::Priority, request.any), (Lane::Normal, request.normal)] {
        let limit = limit.min(request.any.saturating_sub(claims.claimed.len()));
        for job in candidates(conn, lane, request.instance, limit)? {
            match prepare(conn, &job)? {
                Ok(ready) => claims.claimed.push(take(conn, &job, ready, &request.worker)?),
                Err(aside) => {
                    put_aside(conn, &job, &aside)?;
                    claims.put_aside.extend(job_rows::get(conn, job.id()?)?);
                }
            }
        }
    }
    Ok(claims)
}

fn candidates(
    conn: &mut Conn<'_>,
    lane: Lane,
    instance: Option<InstanceId>,
    limit: usize,
) -> Result<Vec<Job>, StoreError> {
    if limit == 0 {
        return Ok(Vec::new());
    }
    on_backend!(conn, |c| {
        let mut query = jobs::table
            .filter(jobs::state.eq(State::Queued.as_str()))
            .filter(jobs::lane.eq(lane.as_str()))
            .filter(jobs::run_at.le(stored(now())))
            .order((jobs::priority.desc(), jobs::run_at.asc(), jobs::id.asc()))
            .limit(i64::try_from(limit).unwrap_or(i64::MAX))
            .select(columns::<Job>())
            .into_boxed();
        if let Some(instance) = instance {
            query = query.filter(jobs::instance_id.eq(instance.0));
        }
        Ok(query.load(c)?)
    })
}

/// What a job needs besides itself.
struct Ready {
    instance_url: String,
    accounts: Vec<AccountId>,
    area: Option<AreaRef>,
    watermark: Option<DateTime<Utc>>,
}

/// Why a job cannot run now.
enum Aside {
    NoAccount,
    Unknown(String),
}

fn prepare(conn: &mut Conn<'_>, job: &Job) -> Result<Result<Ready, Aside>, StoreError> {
    if let Err(unknown) = JobSpec::parse(&job.kind, &job.payload) {
        return Ok(Err(Aside::Unknown(unknown.to_string())));
    }
    let Some(instance) = job.instance_id else {
        return Ok(Err(Aside::Unknown("the job names no GitLab instance".to_owned())));
    };
    let instance_url = instances::url(conn, InstanceId(instance))?;
    let (area, accounts, watermark) = if let Some(id) = job.area_id {
        let area = areas::get(conn, AreaId(id))?.map(|area| area.reference());
        let accounts = accounts::serving(conn, id, job.account_id)?;
        let level = accounts.first().map(|account| accounts::access_level(conn, *account, id)).transpose()?.flatten();
        let watermark = sync::watermark(conn, AreaId(id), &job.kind, level)?;
        (area, accounts, watermark)
    } else {
        let account = job.account_id.map(|id| accounts::get(conn, AccountId(id))).transpose()?.flatten();
        let working = account.filter(|account| account.state() == accounts::AccountState::Working);
        (None, working.into_iter().map(|account| account.id()).collect(), None)
    };
    if accounts.is_empty() {
        return Ok(Err(Aside::NoAccount));
    }
    Ok(Ok(Ready { instance_url, accounts, area, watermark }))
}

fn take(conn: &mut Conn<'_>, job: &Job, ready: Ready, worker: &str) -> Result<Claimed, StoreError> {
    let at = stored(now());
    let changes = (
        jobs::state.eq(job.state()?.after(Step::Claim)?.as_str()),
        jobs::worker.eq(worker),
        jobs::served_by.eq(ready.accounts.first().map(|account| account.0)),
        jobs::heartbeat_at.eq(at),
        jobs::lease_token.eq(job.lease_token + 1),
        jobs::attempt.eq(job.attempt + 1),
        jobs::report_seq.eq(0),
        jobs::started_at.eq(at),
        jobs::updated_at.eq(at),
    );
    job_rows::step_job!(conn, job, State::Queued, changes)?;
    let job = job_rows::get(conn, job.id()?)?.ok_or(StoreError::NotFound)?;
    attempts::begin(conn, job.lease()?, worker, at)?;
    Ok(Claimed {
        job,
        instance_url: ready.instance_url,
        accounts: ready.accounts,
        area: ready.area,
        watermark: ready.watermark,
    })
}

fn put_aside(conn: &mut Conn<'_>, job: &Job, aside: &Aside) -> Result<(), StoreError> {
    let at = stored(now());
    match aside {
        Aside::NoAccount => {
            let changes = (
                jobs::state.eq(State::Queued.after(Step::Park)?.as_str()),
                jobs::wait_reason.eq(WaitReason::Credentials.as_str()),
                jobs::updated_at.eq(at),
            );
            job_rows::step_job!(conn, job, State::Queued, changes)
        }
        Aside::Unknown(why) => {
            let changes = (
                jobs::state.eq(State::Queued.after(Step::Fail)?.as_str()),
                jobs::error_class.eq("permanent"),
                jobs::error.eq(why),
                jobs::finished_at.eq(at),
                jobs::updated_at.eq(at),
            );
            job_rows::step_job!(conn, job, State::Queued, changes)
        }
    }
}
