//! A worker's report becomes rows: objects, areas, cursor, progress, messages, end of the job and the jobs that follow
//! from it, all in the transaction that the caller is in. Only then is it acknowledged.

use super::{
    Rules,
    plan::{self, Finder},
};
use chrono::{DateTime, Utc};
use std::collections::HashSet;
use trawl_jobs::{
    AccountId, AreaId, Change, ErrorClass, FoundArea, InstanceId, JobError, JobId, JobSpec, Lease, Outcome, Report,
    State, UserId, kind,
};
use trawl_store::{
    Conn, StoreError,
    accounts::{self, AccountState},
    areas, counters, items,
    jobs::{self, Job},
    leases::{self, Advance, Standing},
    messages, now, resources, sync,
};

/// What a report did.
#[derive(Debug, Default)]
pub struct Ingested {
    /// The job as it is now, unless the report was an old one.
    pub job: Option<Job>,
    /// The lease is gone: the worker must drop the job.
    pub gone: bool,
    /// New or changed areas.
    pub areas_changed: bool,
    /// New jobs.
    pub jobs_made: usize,
    /// An account's token was refused.
    pub account_refused: Option<AccountId>,
    /// Objects written.
    pub objects: usize,
}

/// Who reports.
#[derive(Debug, Clone)]
pub struct Reporter {
    /// Name of the worker's life.
    pub worker: String,
    /// It reads with a token of its own, so a refusal says nothing about an account.
    pub own_token: bool,
}

/// Writes reports, in order: all of them or, where one cannot be written, none.
pub fn ingest<'a>(
    conn: &mut Conn<'_>,
    rules: &Rules,
    reports: impl IntoIterator<Item = (&'a Reporter, &'a Report), IntoIter: Clone>,
) -> Result<Vec<Ingested>, StoreError> {
    let reports = reports.into_iter();
    let ids: HashSet<JobId> = reports.clone().map(|(_, report)| report.lease.job).collect();
    let mut jobs = leases::load(conn, &ids.into_iter().collect::<Vec<_>>())?;
    reports.map(|(reporter, report)| one(conn, rules, reporter, report, jobs.get_mut(&report.lease.job))).collect()
}

fn one(
    conn: &mut Conn<'_>,
    rules: &Rules,
    reporter: &Reporter,
    report: &Report,
    job: Option<&mut Job>,
) -> Result<Ingested, StoreError> {
    let (job, standing) = match job {
        Some(job) => {
            let standing = leases::standing(Some(&*job), &reporter.worker, report.lease, report.seq)?;
            (job, standing)
        }
        None => return Ok(Ingested { gone: true, ..Ingested::default() }),
    };
    match standing {
        Standing::Fresh => {}
        Standing::Seen => return Ok(Ingested::default()),
        Standing::Gone => return Ok(Ingested { gone: true, ..Ingested::default() }),
        Standing::Broken => {
            let why = "a report of its crawler was lost";
            if leases::lost(conn, job, why, &rules.retry)? == State::Failed {
                failed_for_good(conn, job, why)?;
            }
            return Ok(Ingested { gone: true, job: Some(job.clone()), ..Ingested::default() });
        }
    }
    let mut done = Ingested::default();
    let (mut progress, mut cursor) = (None, None);
    for change in &report.changes {
        match change {
            Change::Progress(now) => progress = Some(now),
            Change::Cursor(now) => cursor = Some(now.as_str()),
            Change::Message { level, at, text } => messages::add(conn, report.lease.job, *level, *at, text)?,
            Change::Items(list) => items::put(conn, report.lease.job, list)?,
            Change::Discovered(found) => discovered(conn, rules, job, found, &mut done)?,
            Change::Records(records) => {
                let (instance, area) = subject(job)?;
                for record in records {
                    done.objects += usize::from(resources::upsert(conn, instance, area, record)?);
                }
            }
            // Last, whatever its place in the report.
            Change::Finished(_) => {}
        }
    }
    if done.objects > 0 {
        counters::ingested(conn, now(), done.objects)?;
    }
    let advance = Advance { seq: report.seq, progress, cursor };
    match report.outcome() {
        None => leases::advance(conn, job, advance)?,
        Some(outcome) => finish(conn, rules, reporter, job, advance, outcome, &mut done)?,
    }
    done.job = Some(job.clone());
    Ok(done)
}

fn subject(job: &Job) -> Result<(InstanceId, AreaId), StoreError> {
    match (job.instance_id, job.area_id) {
        (Some(instance), Some(area)) => Ok((InstanceId(instance), AreaId(area))),
        _ => Err(StoreError::Corrupt(format!("a {} job reports objects, but is about no area", job.kind))),
    }
}

fn discovered(
    conn: &mut Conn<'_>,
    rules: &Rules,
    job: &Job,
    found: &[FoundArea],
    done: &mut Ingested,
) -> Result<(), StoreError> {
    // What was found was found with this account's token, so this account may see it.
    let (Some(instance), Some(account)) = (job.instance_id, job.served_by.or(job.account_id)) else {
        return Err(StoreError::Corrupt(format!("a {} job found areas, but belongs to no account", job.kind)));
    };
    for area in found {
        let id = areas::discovered(conn, InstanceId(instance), AccountId(account), area)?;
        let area = areas::get(conn, id)?.ok_or(StoreError::NotFound)?;
        let finder =
            Finder { user: job.user_id.map(UserId), account: Some(AccountId(account)), parent: Some(job.id()?) };
        done.jobs_made += plan::handle_new_area(conn, rules, &area, finder)?;
        done.areas_changed = true;
    }
    Ok(())
}

fn finish(
    conn: &mut Conn<'_>,
    rules: &Rules,
    reporter: &Reporter,
    job: &mut Job,
    last: Advance<'_>,
    outcome: &Outcome,
    done: &mut Ingested,
) -> Result<(), StoreError> {
    let blamed;
    let outcome = match outcome {
        // Nobody can give that worker another token: other workers shall try, a bounded number of times.
        Outcome::Failed(error) if error.class == ErrorClass::Credentials && reporter.own_token => {
            blamed = Outcome::Failed(JobError { class: ErrorClass::Transient, ..error.clone() });
            &blamed
        }
        other => other,
    };
    let reader = job.served_by.map(AccountId);
    let state = leases::end(conn, job, Some(last), outcome, &rules.retry, rand::random())?;
    match outcome {
        Outcome::Completed { watermark, incomplete, .. } if state == State::Completed => {
            if let Some(area) = job.area_id {
                pass_completed(conn, job, AreaId(area), reader, *watermark, incomplete.as_deref())?;
            } else if let Some(account) = job.account_id.filter(|_| is_scope(job)) {
                // Since the first attempt: a resumed one has not seen again what an earlier one saw.
                let began = job.created_at();
                accounts::scope_tried(conn, AccountId(account))?;
                // What could not be understood was perhaps still there.
                if incomplete.is_none() {
                    accounts::scope_checked(conn, AccountId(account), began)?;
                }
                done.areas_changed = true;
            }
        }
        Outcome::Failed(error) if error.class == ErrorClass::Credentials => {
            if let Some(account) = reader {
                if accounts::set_state(conn, account, AccountState::Refused)? {
                    done.account_refused = Some(account);
                }
                // Somebody else's token may do.
                let others = job.area_id.map(|area| accounts::serving(conn, area, None)).transpose()?;
                if state == State::Waiting && others.is_some_and(|others| !others.is_empty()) {
                    jobs::wake(conn, job)?;
                }
            }
        }
        Outcome::Failed(error) if state == State::Failed => failed_for_good(conn, job, &error.message)?,
        _ if state == State::Aborted => jobs::stopped(conn, job)?,
        _ => {}
    }
    Ok(())
}

fn pass_completed(
    conn: &mut Conn<'_>,
    job: &Job,
    area: AreaId,
    reader: Option<AccountId>,
    watermark: Option<DateTime<Utc>>,
    incomplete: Option<&str>,
) -> Result<(), StoreError> {
    let access_level = reader.map(|account| accounts::access_level(conn, account, area.0)).transpose()?.flatten();
    // Without a watermark to begin from, it read everything.
    let asked_for_all = matches!(
        JobSpec::parse(&job.kind, &job.payload),
        Ok(JobSpec::Issues(kind::Issues { full: true }) | JobSpec::MergeRequests(kind::MergeRequests { full: true }))
    );
    let full = asked_for_all || sync::watermark(conn, area, &job.kind, access_level)?.is_none();
    sync::completed(conn, area, &job.kind, sync::Pass { watermark, incomplete, full, access_level })
}

/// A job has failed for good: says so where its result is missed, and keeps the schedule from trying at once again.
pub fn failed_for_good(conn: &mut Conn<'_>, job: &Job, why: &str) -> Result<(), StoreError> {
    if let Some(area) = job.area_id {
        sync::failed(conn, AreaId(area), &job.kind, why)?;
    } else if let Some(account) = job.account_id.filter(|_| is_scope(job)) {
        accounts::scope_tried(conn, AccountId(account))?;
    }
    Ok(())
}

fn is_scope(job: &Job) -> bool {
    matches!(JobSpec::parse(&job.kind, &job.payload), Ok(JobSpec::AuthorizationScope(_)))
}

/// A report that cannot be written at all ends its job, rather than being sent again for ever.
pub fn reject(conn: &mut Conn<'_>, rules: &Rules, lease: Lease, why: &StoreError) -> Result<Option<Job>, StoreError> {
    let Some(mut job) = jobs::get(conn, lease.job)? else { return Ok(None) };
    if job.lease_token != lease.token || !job.state()?.is_leased() {
        return Ok(None);
    }
    let error = JobError::permanent(format!("what the job reported cannot be stored: {why}"));
    leases::end(conn, &mut job, None, &Outcome::Failed(error), &rules.retry, 0.0)?;
    failed_for_good(conn, &job, "a report could not be stored")?;
    Ok(Some(job))
}
