//! The same done to many jobs: all that a filter finds, a few hundred in each transaction, so that nobody waits long for
//! the writer.

use super::{BULK_ACTION, BulkAction, Change, Job, JobError, JobId, Outcome, Said, UserId, counters, jobs, now, users};
use crate::bulk::{self, Tally};
use serde::{Deserialize, Serialize};
use trawl_jobs::{Level, Progress, kind::BulkVerb};
use trawl_store::{Conn, StoreError, audit, jobs::JobFilter};

/// Jobs that share a transaction.
const CHUNK: i64 = 500;
/// The one part of the work.
const PART: &str = "jobs";

/// Where the next piece goes on.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Cursor {
    /// Only jobs that are older than this one are left.
    before: JobId,
    done: u64,
    skipped: u64,
    /// Jobs that it is about in all, where that is known without a search.
    total: Option<u64>,
}

pub(super) fn piece(conn: &mut Conn<'_>, options: &BulkAction, job: &Job) -> Result<Said, StoreError> {
    let user = job.user_id.map(|id| users::get(conn, UserId(id))).transpose()?.flatten();
    let Some(user) = user else {
        return Ok(Said::last(Outcome::Failed(JobError::permanent("whoever wanted this is no user any more"))));
    };
    // What they may see now, not what they could see when they asked.
    let scope = (!user.is_admin).then(|| user.id());
    let mut filter = JobFilter {
        user: scope,
        states: bulk::states(options.action, &options.states),
        kind: options.kind.clone(),
        lane: options.lane,
        area: options.area,
        account: options.account,
        text: options.q.clone().filter(|text| !text.is_empty()),
        before: None,
        after: None,
    };
    let cursor = job.cursor.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let mut at = match cursor {
        Some(at) => at,
        // What is submitted later was not meant, and neither is this job itself.
        None => Cursor { before: job.id()?, done: 0, skipped: 0, total: total(conn, &filter)? },
    };
    filter.before = Some(at.before);
    let page = if filter.states.is_empty() { jobs::JobPage::default() } else { jobs::list(conn, &filter, CHUNK)? };
    let all = page.lines.iter().map(|(job, _)| job.id()).collect::<Result<Vec<_>, _>>()?;
    // Whatever is changed, the next page is further back, so this ends.
    let full = i64::try_from(all.len()).is_ok_and(|found| found >= CHUNK);
    let next = all.last().copied().filter(|_| full).or(page.searched_to);
    // To take up again what does the same to many is nobody's wish, unless they say so.
    let meant = |job: &Job| options.action == BulkVerb::Abort || options.kind.is_some() || job.kind != BULK_ACTION;
    let meant = page.lines.iter().filter(|(job, _)| meant(job));
    let ids = meant.map(|(job, _)| job.id()).collect::<Result<Vec<_>, _>>()?;
    let (Tally { done, skipped }, told) = bulk::apply(conn, options.action, ids)?;
    (at.done, at.skipped) = (at.done + done, at.skipped + skipped);
    let mut progress: Progress = job.steps();
    let counted = at.done + at.skipped;
    progress.set_counts(&[PART], counted, at.total.map(|total| total.max(counted)), now());
    let mut changes = Vec::new();
    if let Some(next) = next {
        at.before = next;
        changes.push(Change::Progress(progress));
        changes.push(Change::Cursor(serde_json::to_string(&at).unwrap_or_default()));
    } else {
        progress.set(&[PART], 1.0, now());
        let sentence = at.sentence(options);
        audit::record(conn, Some(user.id()), bulk::title(options.action), &sentence)?;
        let result = serde_json::json!({ "done": at.done, "skipped": at.skipped }).to_string();
        changes.push(Change::Progress(progress));
        changes.push(Change::Message { level: Level::Info, at: now(), text: sentence });
        changes.push(Change::Finished(Outcome::Completed {
            result,
            watermark: None,
            incomplete: None,
            whole: Vec::new(),
            readers: Vec::new(),
        }));
    }
    Ok(Said { changes, told })
}

/// How many jobs a filter finds, where the counters know.
fn total(conn: &mut Conn<'_>, filter: &JobFilter) -> Result<Option<u64>, StoreError> {
    if filter.lane.is_some() || filter.area.is_some() || filter.account.is_some() || filter.text.is_some() {
        return Ok(None);
    }
    let counts = counters::jobs(conn, filter.user)?.into_iter();
    let found = counts
        .filter(|(kind, state, _)| filter.states.contains(state) && filter.kind.as_ref().is_none_or(|of| of == kind));
    Ok(u64::try_from(found.map(|(.., n)| n).sum::<i64>()).ok())
}

impl Cursor {
    fn sentence(self, options: &BulkAction) -> String {
        let what = bulk::past(options.action);
        match self.skipped {
            0 => format!("{} jobs {what}", self.done),
            skipped => format!("{} jobs {what}; {skipped} left as they are", self.done),
        }
    }
}
