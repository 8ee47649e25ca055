//! Claims: from queued to running, for one worker.

use crate::{
    Conn, StoreError, accounts, areas, heads, instances,
    jobs::Job,
    leases, now, pauses, resources, sightings,
    statement::statement,
    sync, turns,
    when::{Stamp, stored},
};
use chrono::{DateTime, Utc};
use diesel::{
    pg::Pg,
    prelude::*,
    query_builder::Query,
    sql_types::{BigInt, Double, Integer, Nullable, Text, Timestamp},
    sqlite::Sqlite,
};
use std::{collections::HashMap, marker::PhantomData};
use trawl_jobs::{
    AccountId, AreaId, AreaRef, ErrorClass, InstanceId, JobError, JobSpec, Lane, State, Step, WaitReason,
    kind::{About, BULK_ACTION},
    rank,
};

/// Who runs jobs: each kind is run by one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runner {
    /// All kinds but those of the website.
    Crawler,
    /// Kinds that need nothing but the database.
    Website,
}

/// Who wants work, and how much.
#[derive(Debug, Clone)]
pub struct ClaimRequest {
    /// Name of the worker's life.
    pub worker: String,
    /// Jobs of any lane at most.
    pub any: usize,
    /// Jobs of the normal lane at most.
    pub normal: usize,
    /// Only jobs about this instance, which is all that the worker has a token for, and those that need none.
    pub instance: Option<InstanceId>,
    /// What sort of worker it is.
    pub runner: Runner,
}

/// A job that is now this worker's, and what it needs to be run.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// The job, as of the claim.
    pub job: Job,
    /// Base URL of its GitLab, where it needs one.
    pub instance_url: Option<String>,
    /// Accounts to read with, best first.
    pub accounts: Vec<AccountId>,
    /// The group or project.
    pub area: Option<AreaRef>,
    /// Where an incremental pass begins.
    pub watermark: Option<DateTime<Utc>>,
    /// Numbers of what is to be read whatever its time.
    pub missed: Vec<i64>,
}

/// What a round of claiming did.
#[derive(Debug, Default, PartialEq)]
pub struct Claims {
    /// To be run.
    pub claimed: Vec<Claimed>,
    /// Set aside or given up instead: paused, no usable account, or a kind that nobody knows.
    pub put_aside: Vec<Job>,
}

/// Claims jobs, urgent ones first, each lane in the order of its ranks.
pub fn claim(conn: &mut Conn<'_>, request: &ClaimRequest) -> Result<Claims, StoreError> {
    let mut claims = Claims::default();
    let mut urls = HashMap::new();
    let pauses = pauses::list(conn)?;
    for (lane, limit) in [(Lane::Priority, request.any), (Lane::Normal, request.normal)] {
        let limit = limit.min(request.any.saturating_sub(claims.claimed.len()));
        if limit == 0 {
            continue;
        }
        let mut taken = take(conn, lane, request, limit)?;
        taken.sort_unstable_by(|a, b| (a.rank, a.id_text()).cmp(&(b.rank, b.id_text())));
        if let Some(turn) = taken.iter().map(|job| rank::turn_of(job.rank, job.priority)).max() {
            turns::served(conn, lane, turn)?;
        }
        for mut job in taken {
            if pauses::of(&job, &pauses).is_some() {
                leases::park(conn, &mut job, WaitReason::Paused)?;
                claims.put_aside.push(job);
                continue;
            }
            match prepare(conn, &mut job, &mut urls)? {
                Ok(needs) => claims.claimed.push(needs.hand(job)),
                Err(why) => {
                    leases::put_aside(conn, &mut job, why)?;
                    claims.put_aside.push(job);
                }
            }
        }
    }
    Ok(claims)
}

/// What a claim does not set itself.
#[derive(Queryable)]
struct Taken {
    id: String,
    kind: String,
    payload: String,
    dedupe_key: String,
    priority: i32,
    user_id: Option<i64>,
    account_id: Option<i64>,
    instance_id: Option<i64>,
    area_id: Option<i64>,
    parent_id: Option<String>,
    attempt: i32,
    max_attempts: i32,
    crashes: i32,
    lease_token: i64,
    run_at: Stamp,
    progress: f64,
    steps: String,
    cursor: Option<String>,
    error_class: Option<String>,
    error: Option<String>,
    created_at: Stamp,
    rank: i64,
}

/// Columns in the order of [`Taken`].
macro_rules! taken_columns {
    () => {
        "id, kind, payload, dedupe_key, priority, user_id, account_id, instance_id, area_id, parent_id, attempt, \
         max_attempts, crashes, lease_token, run_at, progress, steps, cursor, error_class, error, created_at, rank"
    };
}

type TakenColumns = (
    Text,
    Text,
    Text,
    Text,
    Integer,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<BigInt>,
    Nullable<Text>,
    Integer,
    Integer,
    Integer,
    BigInt,
    Timestamp,
    Double,
    Text,
    Nullable<Text>,
    Nullable<Text>,
    Nullable<Text>,
    Timestamp,
    BigInt,
);

impl Taken {
    /// The job as this claim has left it.
    fn job(self, lane: Lane, worker: &str, at: Stamp) -> Job {
        Job {
            id: self.id,
            kind: self.kind,
            payload: self.payload,
            dedupe_key: self.dedupe_key,
            state: State::Running.as_str().to_owned(),
            wait_reason: None,
            priority: self.priority,
            lane: lane.as_str().to_owned(),
            user_id: self.user_id,
            account_id: self.account_id,
            instance_id: self.instance_id,
            area_id: self.area_id,
            parent_id: self.parent_id,
            attempt: self.attempt + 1,
            max_attempts: self.max_attempts,
            crashes: self.crashes,
            lease_token: self.lease_token + 1,
            run_at: self.run_at,
            worker: Some(worker.to_owned()),
            served_by: None,
            report_seq: 0,
            progress: self.progress,
            steps: self.steps,
            cursor: self.cursor,
            result: None,
            error_class: self.error_class,
            error: self.error,
            created_at: self.created_at,
            started_at: Some(at),
            finished_at: None,
            updated_at: at,
            rank: self.rank,
        }
    }
}

/// The next jobs of a lane, of an instance or of any, of some kinds. Whether one is held is looked up for each: a planner that
/// is free to join may read the whole queue instead, and so may one that takes this for seldom, as it would `IS NULL`.
macro_rules! next {
    ($kinds:literal) => {
        concat!(
            "SELECT ",
            taken_columns!(),
            " FROM job_rows WHERE state = 'queued' AND ",
            $kinds,
            " AND \
             NOT coalesce((SELECT TRUE FROM leases WHERE job_id = job_rows.id), FALSE) AND lane = "
        )
    };
}

/// The statements for some kinds. The two databases differ in how a transaction keeps off what another one is about to
/// claim.
macro_rules! take {
    ($alone:ident, $beside:ident, $kinds:literal) => {
        statement! {
            /// The first jobs of a lane, which nobody else can claim meanwhile.
            on Sqlite: $alone {
                next!($kinds), lane: &'a str as Text,
                " AND (instance_id IS NULL OR instance_id = coalesce(", instance: Option<i64> as Nullable<BigInt>,
                ", instance_id)) ORDER BY rank, id LIMIT ", limit: i64 as BigInt,
                // SQLite would compile a statement anew for each number that stands alone here.
            } " + 0"
        }

        impl Query for $alone<'_> {
            type SqlType = TakenColumns;
        }

        statement! {
            /// The first jobs of a lane are a worker's, beside others who do the same. Nothing is joined with what was
            /// inserted: of either a planner expects one row, and would compare each with each.
            on Pg: $beside {
                concat!("WITH next AS (", next!($kinds)), lane: &'a str as Text,
                " AND (instance_id IS NULL OR instance_id = coalesce(", instance: Option<i64> as Nullable<BigInt>,
                ", instance_id)) ORDER BY rank, id LIMIT ", limit: i64 as BigInt,
                " FOR UPDATE SKIP LOCKED), taken AS (INSERT INTO leases (job_id, token, attempt, worker, started_at, \
updated_at) SELECT id, lease_token + 1, attempt + 1, w.worker, w.at, w.at FROM next, \
(VALUES (", worker: &'a str as Text,
                ", ", at: Stamp as Timestamp,
            } ")) AS w (worker, at)) SELECT * FROM next"
        }

        impl Query for $beside<'_> {
            type SqlType = TakenColumns;
        }
    };
}
take!(TakeAlone, TakeBeside, "kind <> 'bulk_action'");
take!(TakeOwnAlone, TakeOwnBeside, "kind = 'bulk_action'");

statement! {
    /// A job is a worker's.
    on Sqlite: Taking {
        "INSERT INTO leases (job_id, token, attempt, worker, started_at, updated_at) VALUES (", id: &'a str as Text,
        ", ", token: i64 as BigInt,
        ", ", attempt: i32 as Integer,
        ", ", worker: &'a str as Text,
        ", ", started_at: Stamp as Timestamp,
        ", ", updated_at: Stamp as Timestamp,
    } ")"
}

/// Makes the first jobs of a lane the worker's.
fn take(conn: &mut Conn<'_>, lane: Lane, request: &ClaimRequest, limit: usize) -> Result<Vec<Job>, StoreError> {
    debug_assert_eq!(State::Queued.after(Step::Claim), Ok(State::Running), "as the statement has it");
    debug_assert_eq!(BULK_ACTION, "bulk_action", "as the statement has it");
    let at = stored(now());
    let job = |taken: Taken| taken.job(lane, &request.worker, at);
    let instance = request.instance.map(|instance| instance.0);
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let lane = lane.as_str();
    match conn {
        Conn::Sqlite(c) => {
            let taken: Vec<Taken> = match request.runner {
                Runner::Crawler => TakeAlone { lane, instance, limit, of: PhantomData }.get_results(*c)?,
                Runner::Website => TakeOwnAlone { lane, instance, limit, of: PhantomData }.get_results(*c)?,
            };
            let taken: Vec<Job> = taken.into_iter().map(job).collect();
            for job in &taken {
                let taking = Taking {
                    id: job.id_text(),
                    token: job.lease_token,
                    attempt: job.attempt,
                    worker: &request.worker,
                    started_at: at,
                    updated_at: at,
                    of: PhantomData,
                };
                taking.execute(*c)?;
            }
            Ok(taken)
        }
        Conn::Postgres(c) => {
            let worker = &*request.worker;
            let taken: Vec<Taken> = match request.runner {
                Runner::Crawler => TakeBeside { lane, instance, limit, worker, at, of: PhantomData }.get_results(*c)?,
                Runner::Website => {
                    TakeOwnBeside { lane, instance, limit, worker, at, of: PhantomData }.get_results(*c)?
                }
            };
            Ok(taken.into_iter().map(job).collect())
        }
    }
}

/// What a job needs besides itself.
struct Needs {
    instance_url: Option<String>,
    accounts: Vec<AccountId>,
    area: Option<AreaRef>,
    watermark: Option<DateTime<Utc>>,
    missed: Vec<i64>,
}

impl Needs {
    fn hand(self, job: Job) -> Claimed {
        let Self { instance_url, accounts, area, watermark, missed } = self;
        Claimed { job, instance_url, accounts, area, watermark, missed }
    }
}

/// Finds what a job needs, and notes whose token it reads with; or says why it cannot run now.
fn prepare(
    conn: &mut Conn<'_>,
    job: &mut Job,
    urls: &mut HashMap<i64, String>,
) -> Result<Result<Needs, JobError>, StoreError> {
    let spec = match JobSpec::parse(&job.kind, &job.payload) {
        Ok(spec) => spec,
        Err(unknown) => return Ok(Err(JobError::permanent(unknown.to_string()))),
    };
    if spec.about() == About::Options {
        return Ok(Ok(Needs {
            instance_url: None,
            accounts: Vec::new(),
            area: None,
            watermark: None,
            missed: Vec::new(),
        }));
    }
    let Some(instance) = job.instance_id else {
        return Ok(Err(JobError::permanent("the job names no GitLab instance")));
    };
    let instance_url = match urls.get(&instance) {
        Some(url) => url.clone(),
        None => urls.entry(instance).or_insert(instances::url(conn, InstanceId(instance))?).clone(),
    };
    let mut missed = Vec::new();
    let (area, accounts, watermark) = if let Some(id) = job.area_id {
        if spec.with_sweep().is_some() {
            missed = sightings::missed(conn, AreaId(id), &job.kind)?;
        }
        let area = areas::get(conn, AreaId(id))?.map(|area| area.reference());
        let accounts = accounts::serving(conn, id, job.account_id)?;
        let level = accounts.first().map(|account| accounts::access_level(conn, *account, id)).transpose()?.flatten();
        let watermark = sync::watermark(conn, AreaId(id), &job.kind, level)?;
        let mut watermark = resources::back_to_unfinished(conn, AreaId(id), &job.kind, watermark)?;
        if let Some(area) = &area {
            let place = (InstanceId(instance), AreaId(id), area);
            watermark = heads::back_to_pushed_late(conn, place, &job.kind, watermark)?;
        }
        (area, accounts, watermark)
    } else {
        let account = job.account_id.map(|id| accounts::get(conn, AccountId(id))).transpose()?.flatten();
        let working = account.filter(|account| account.state() == accounts::AccountState::Working);
        (None, working.into_iter().map(|account| account.id()).collect(), None)
    };
    let Some(reader) = accounts.first() else {
        return Ok(Err(JobError::new(ErrorClass::Credentials, "no linked account may read this")));
    };
    leases::serve(conn, job, *reader)?;
    Ok(Ok(Needs { instance_url: Some(instance_url), accounts, area, watermark, missed }))
}
