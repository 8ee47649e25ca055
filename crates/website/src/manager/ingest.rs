//! A worker's report becomes rows: objects, areas, cursor, progress, messages, end of the job and the jobs that follow
//! from it, all in the transaction that the caller is in. Only then is it acknowledged.

use super::{
    Rules,
    plan::{self, Finder},
};
use chrono::{DateTime, Utc};
use std::collections::{HashMap, HashSet};
use trawl_jobs::{
    AccountId, AreaId, Change, ErrorClass, FoundArea, InstanceId, JobError, JobId, JobSpec, Lease, Level, Outcome,
    RecordKind, Report, Sighting, State, UserId, WholeList,
};
use trawl_store::{
    Conn, StoreError, accounts, areas, counters, items,
    jobs::{self, Job},
    leases::{self, Advance, Ending, Standing},
    messages, now,
    renewals::{self, Refusal},
    resources, sightings, sync,
};

/// GitLab's level from which on confidential objects are seen.
const REPORTER: i32 = 20;

/// What a report did.
#[derive(Debug, Default)]
pub struct Ingested {
    /// The job as it is now: with the last of the reports that came together about it, unless they were old ones.
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

/// Jobs as they were written last.
pub type Known = HashMap<JobId, Job>;

/// Writes reports, in order: all of them or, where one cannot be written, none. Jobs that are `known` are not read again.
///
/// # Errors
/// [`StoreError::NotFound`] where a known job is not in the database as it is known.
pub fn ingest<'a>(
    conn: &mut Conn<'_>,
    rules: &Rules,
    reports: impl IntoIterator<Item = (&'a Reporter, &'a Report), IntoIter: Clone>,
    known: Known,
) -> Result<Vec<Ingested>, StoreError> {
    let reports = reports.into_iter();
    let unknown: HashSet<JobId> =
        reports.clone().map(|(_, report)| report.lease.job).filter(|id| !known.contains_key(id)).collect();
    let mut batch = Batch { conn, rules, jobs: known, endings: Vec::new() };
    if !unknown.is_empty() {
        batch.jobs.extend(leases::load(batch.conn, &unknown.into_iter().collect::<Vec<_>>())?);
    }
    let mut done = Vec::new();
    let mut last = HashMap::new();
    for (index, (reporter, report)) in reports.enumerate() {
        let one = batch.report(reporter, report)?;
        if one.changed {
            last.insert(report.lease.job, index);
        }
        done.push(one.done);
    }
    batch.write_endings()?;
    for (id, index) in last {
        done[index].job = batch.jobs.remove(&id);
    }
    Ok(done)
}

/// Reports that are written together.
struct Batch<'a, 'c> {
    conn: &'a mut Conn<'c>,
    rules: &'a Rules,
    jobs: HashMap<JobId, Job>,
    /// Decided, and written at the end, since that is cheaper than one by one.
    endings: Vec<(JobId, Ending)>,
}

#[derive(Default)]
struct One {
    done: Ingested,
    /// Whether the job is another than before.
    changed: bool,
}

impl Batch<'_, '_> {
    fn report(&mut self, reporter: &Reporter, report: &Report) -> Result<One, StoreError> {
        let gone = || One { done: Ingested { gone: true, ..Ingested::default() }, changed: false };
        let Some(mut job) = self.jobs.remove(&report.lease.job) else { return Ok(gone()) };
        let standing = leases::standing(Some(&job), &reporter.worker, report.lease, report.seq)?;
        let one = match standing {
            Standing::Fresh => One { done: self.fresh(reporter, report, &mut job)?, changed: true },
            Standing::Seen => One::default(),
            Standing::Gone => gone(),
            Standing::Broken => {
                let why = "a report of its crawler was lost";
                if leases::lost(self.conn, &mut job, why, &self.rules.retry)? == State::Failed {
                    failed_for_good(self.conn, &job, why)?;
                }
                One { changed: true, ..gone() }
            }
        };
        self.jobs.insert(report.lease.job, job);
        Ok(one)
    }

    fn fresh(&mut self, reporter: &Reporter, report: &Report, job: &mut Job) -> Result<Ingested, StoreError> {
        let conn = &mut *self.conn;
        let mut done = Ingested::default();
        let (mut progress, mut cursor) = (None, None);
        for change in &report.changes {
            match change {
                Change::Progress(now) => progress = Some(now),
                Change::Cursor(now) => cursor = Some(now.as_str()),
                Change::Message { level, at, text } => messages::add(conn, report.lease.job, *level, *at, text)?,
                Change::Items(list) => items::put(conn, report.lease.job, list)?,
                Change::Discovered(found) => discovered(conn, self.rules, job, found, &mut done)?,
                Change::Records(records) => {
                    let (instance, area) = subject(job)?;
                    let pass = sync::pass(conn, area, &job.kind)?;
                    for record in records {
                        let veiled = self.rules.pseudonyms.map(|pseudonyms| pseudonyms.veil(record));
                        let record = veiled.as_ref().unwrap_or(record);
                        done.objects += usize::from(resources::upsert(conn, instance, area, record, pass)?);
                    }
                }
                Change::Children { kind, parent, of, readers } => {
                    let (instance, area) = subject(job)?;
                    let pass = sync::pass(conn, area, &job.kind)?;
                    let confidential = !reporter.own_token && is_reporter(least_level(conn, readers, area)?);
                    let kinds = (*kind, *parent);
                    sightings::children_are_these(conn, instance, kinds, of, pass, confidential)?;
                }
                Change::Sightings(kind, seen) => sighted(conn, job, *kind, seen)?,
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
            Some(outcome) => self.finish(reporter, job, advance, outcome, &mut done)?,
        }
        Ok(done)
    }

    fn finish(
        &mut self,
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
        let ending = Ending::decide(job, Some(last), outcome, &self.rules.retry, rand::random())?;
        let (conn, state) = (&mut *self.conn, job.state()?);
        match outcome {
            Outcome::Completed { watermark, incomplete, whole, readers, .. } if state == State::Completed => {
                let pass = Pass {
                    watermark: *watermark,
                    incomplete: incomplete.as_deref(),
                    // What a worker's own token sees is not known.
                    whole: if reporter.own_token { &[] } else { whole },
                    readers: if readers.is_empty() { reader.as_slice() } else { readers },
                    reader: match readers.as_slice() {
                        [one] => Some(*one),
                        _ => None,
                    },
                };
                completed(conn, job, pass, done)?;
            }
            Outcome::Failed(error) if error.class == ErrorClass::Credentials => {
                // At once, since it may be woken here.
                leases::write_endings(conn, &[(&ending, job)])?;
                return refused(conn, job, reader, done);
            }
            Outcome::Failed(error) if state == State::Failed => failed_for_good(conn, job, &error.message)?,
            _ if state == State::Aborted => jobs::stopped(conn, job)?,
            _ => {}
        }
        self.endings.push((job.id()?, ending));
        Ok(())
    }

    fn write_endings(&mut self) -> Result<(), StoreError> {
        let endings: Vec<_> =
            self.endings.iter().filter_map(|(id, ending)| Some((ending, self.jobs.get(id)?))).collect();
        leases::write_endings(self.conn, &endings)
    }
}

/// GitLab's access level that all of these accounts have in an area.
fn least_level(conn: &mut Conn<'_>, readers: &[AccountId], area: AreaId) -> Result<Option<i32>, StoreError> {
    let levels = readers.iter().map(|account| accounts::access_level(conn, *account, area.0));
    Ok(levels.collect::<Result<Vec<_>, _>>()?.into_iter().min().flatten())
}

/// Whether what is confidential is seen with this level.
fn is_reporter(level: Option<i32>) -> bool {
    level.is_some_and(|level| level >= REPORTER)
}

/// A sweep has seen these: what is not mirrored like that is read by its number, soon.
fn sighted(conn: &mut Conn<'_>, job: &Job, kind: RecordKind, seen: &[Sighting]) -> Result<(), StoreError> {
    let (instance, area) = subject(job)?;
    let pass = sync::pass(conn, area, &job.kind)?;
    let missed = sightings::compare(conn, (instance, area), kind, seen, pass)?;
    if !missed.is_empty() {
        let text =
            format!("{} {} are mirrored otherwise or not at all; they are read next", missed.len(), kind.plural());
        messages::add(conn, job.id()?, Level::Info, now(), &text)?;
        sightings::miss(conn, area, &job.kind, &missed)?;
        sync::want(conn, area, &[&job.kind])?;
    }
    Ok(())
}

/// What a completed job says that it has read.
#[derive(Debug, Clone, Copy)]
struct Pass<'a> {
    watermark: Option<DateTime<Utc>>,
    incomplete: Option<&'a str>,
    whole: &'a [WholeList],
    /// With whose tokens, as far as is known.
    readers: &'a [AccountId],
    /// With whose alone, where that is certain.
    reader: Option<AccountId>,
}

/// A job is completed: what it has seen is up to date.
fn completed(conn: &mut Conn<'_>, job: &Job, pass: Pass<'_>, done: &mut Ingested) -> Result<(), StoreError> {
    if let Some(area) = job.area_id {
        pass_completed(conn, job, AreaId(area), pass)?;
    } else if let Some(account) = job.account_id.filter(|_| is_scope(job)) {
        // Since the first attempt: a resumed one has not seen again what an earlier one saw.
        let began = job.created_at();
        accounts::scope_tried(conn, AccountId(account))?;
        // What could not be understood was perhaps still there.
        if pass.incomplete.is_none() {
            accounts::scope_checked(conn, AccountId(account), began)?;
        }
        done.areas_changed = true;
    }
    Ok(())
}

/// GitLab has refused the token of the account that a job read with.
fn refused(
    conn: &mut Conn<'_>,
    job: &mut Job,
    reader: Option<AccountId>,
    done: &mut Ingested,
) -> Result<(), StoreError> {
    let Some(account) = reader else { return Ok(()) };
    let refusal = renewals::refused(conn, account)?;
    if refusal == Refusal::Waits {
        done.account_refused = Some(account);
    }
    // The token that replaces it, or somebody else's, may do.
    let others = job.area_id.map(|area| accounts::serving(conn, area, None)).transpose()?;
    let served = refusal == Refusal::Late || others.is_some_and(|others| !others.is_empty());
    if job.state()? == State::Waiting && served {
        jobs::wake(conn, job)?;
    }
    Ok(())
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

fn pass_completed(conn: &mut Conn<'_>, job: &Job, area: AreaId, pass: Pass<'_>) -> Result<(), StoreError> {
    let Pass { watermark, incomplete, whole, readers, reader } = pass;
    let access_level = least_level(conn, readers, area)?;
    // Without a watermark to begin from, it read everything.
    let spec = JobSpec::parse(&job.kind, &job.payload);
    let asked_for_all = spec.is_ok_and(|spec| spec.is_about_everything());
    let full = asked_for_all || sync::watermark(conn, area, &job.kind, access_level)?.is_none();
    // What is not shown is no pass to compare the next one with.
    let reader = reader.filter(|_| !whole.is_empty() && whole.iter().all(|list| list.seen.is_some()));
    let kept = sweep(conn, job, area, (reader, access_level), whole)?;
    let mut incomplete = incomplete.or(kept);
    // Of a job that was taken up again it is not known when it looked first.
    let began = job.started_at().filter(|_| job.lease_token == 1).unwrap_or_else(|| job.created_at());
    sync::heeded(conn, area, &job.kind, began)?;
    if sightings::heeded(conn, area, &job.kind, began)? > sightings::MISSED_LIMIT {
        sightings::forget(conn, area, &job.kind)?;
        incomplete = Some(MUCH_MISSED);
    }
    sync::completed(conn, area, &job.kind, sync::Pass { watermark, incomplete, full, access_level, reader })
}

/// Why nothing was taken for deleted although nothing came.
const SUDDENLY_EMPTY: &str = "GitLab shows nothing where there was something; if it stays so, it counts as deleted";
/// What leads to a pass over everything.
const MUCH_MISSED: &str =
    "much of it is mirrored otherwise than GitLab shows it; everything is read again at its next turn";
/// The same, where it does not even show the list.
const HIDDEN: &str = "GitLab does not show this list any more, or not to this account; what was mirrored is kept";

/// What did not come with lists that were read whole is gone, unless there is another explanation: somebody else read than
/// the last time, who may see less; the list is switched off, which looks like an empty one; it has moved while it was
/// read. Says what was kept, and why.
fn sweep(
    conn: &mut Conn<'_>,
    job: &Job,
    area: AreaId,
    (reader, access_level): (Option<AccountId>, Option<i32>),
    whole: &[WholeList],
) -> Result<Option<&'static str>, StoreError> {
    let Some(before) = sync::last_full(conn, area, &job.kind)? else { return Ok(None) };
    let counts = counters::of_area(conn, area)?;
    let missed = |list: &WholeList| counts.get(list.kind.as_str()).is_some_and(|n| *n > 0);
    if let Some(first) = whole.first().filter(|list| missed(list)) {
        match first.seen {
            None => return Ok(Some(HIDDEN)),
            Some(0) if before.incomplete.as_deref() != Some(SUDDENLY_EMPTY) => return Ok(Some(SUDDENLY_EMPTY)),
            Some(_) => {}
        }
    }
    let same_reader = reader.is_some_and(|reader| before.reader == Some(reader.0));
    // A job that a person has taken up again may be older than a pass that has ended meanwhile: then what it saw first
    // has the number of another one.
    let is_next = before.completed_at().is_none_or(|completed| completed < job.created_at());
    if !same_reader || !is_next {
        return Ok(None);
    }
    let this = sync::pass(conn, area, &job.kind)?;
    for list in whole.iter().filter(|list| list.seen.is_some()) {
        let Some(since) = (if list.sure { Some(this) } else { before.generation }) else { continue };
        let gone = resources::sweep(conn, area, *list, since, is_reporter(access_level))?;
        if gone > 0 {
            let text = format!("{gone} {} are gone in GitLab", list.kind.plural());
            messages::add(conn, job.id()?, Level::Info, now(), &text)?;
        }
    }
    Ok(None)
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
