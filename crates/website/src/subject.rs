//! What a job is about, in words.

use crate::session::SignedIn;
use std::collections::HashMap;
use trawl_jobs::{AreaId, JobSpec, WaitReason};
use trawl_store::{
    Conn, StoreError,
    accounts::{self, Account},
    areas,
    jobs::Job,
};

/// Names of accounts, for pages that show jobs.
#[derive(Debug)]
pub struct Subjects(HashMap<i64, String>);

impl Subjects {
    /// Those of this user; for administrators all.
    ///
    /// # Errors
    /// The database.
    pub fn load(conn: &mut Conn<'_>, user: &SignedIn) -> Result<Self, StoreError> {
        Ok(Self(
            accounts::list(conn, user.job_scope())?.iter().map(|account| (account.id().0, label(account))).collect(),
        ))
    }

    /// The account behind a job.
    #[must_use]
    pub fn account(&self, job: &Job) -> Option<String> {
        job.served_by.or(job.account_id).and_then(|id| self.0.get(&id)).cloned()
    }

    /// The area's path, else the account, else what the options name.
    #[must_use]
    pub fn of(&self, job: &Job, path: Option<String>) -> String {
        let account = || job.account_id.and_then(|id| self.0.get(&id)).cloned();
        path.or_else(account).or_else(|| aim(job)).unwrap_or_else(|| "–".to_owned())
    }
}

fn aim(job: &Job) -> Option<String> {
    let spec = JobSpec::parse(&job.kind, &job.payload).ok()?;
    Some(spec.aim()).filter(|aim| !aim.is_empty())
}

/// The path of a job's area, where this user may know it: a job stays when its area can no longer be reached.
///
/// # Errors
/// The database.
pub fn path_for(
    conn: &mut Conn<'_>,
    user: &SignedIn,
    job: &Job,
    path: Option<String>,
) -> Result<Option<String>, StoreError> {
    let Some(area) = job.area_id.filter(|_| !user.user.is_admin) else { return Ok(path) };
    Ok(areas::visible_one(conn, user.user.id(), AreaId(area))?.map(|seen| seen.area.full_path))
}

/// Such as `maria @ gitlab.example.com`.
#[must_use]
pub fn label(account: &Account) -> String {
    let host = account.instance_url.split_once("://").map_or(account.instance_url.as_str(), |(_, host)| host);
    format!("{} @ {host}", account.username)
}

/// What went wrong, or what a job waits for, in words.
#[must_use]
pub fn note(job: &Job) -> Option<String> {
    match job.wait_reason.as_deref().and_then(|reason| reason.parse().ok()) {
        Some(WaitReason::Credentials) => Some("waits for a token that works".to_owned()),
        Some(WaitReason::RateLimited) => Some("waits because GitLab asked for patience".to_owned()),
        Some(WaitReason::Paused) => Some("waits because it is paused".to_owned()),
        Some(WaitReason::Retry) | None => job.error.clone(),
    }
}

/// Things done, things to do and things per second of a running job, by its first part that counts.
#[must_use]
pub fn pace(job: &Job) -> (Option<u64>, Option<u64>, Option<f64>) {
    let steps = job.steps();
    let Some(part) = steps.parts().iter().find(|part| part.count.is_some()) else { return (None, None, None) };
    let seconds = job.started_at().map(|start| (trawl_store::now() - start).as_seconds_f64());
    // A resumed attempt has not done all of it in its own time.
    #[expect(clippy::cast_precision_loss, reason = "a rate for people needs no 53 bits")]
    let rate = match (part.count, seconds) {
        (Some(count), Some(seconds)) if job.lease_token == 1 && seconds > 0.5 && count > 0 => {
            Some(count as f64 / seconds)
        }
        _ => None,
    };
    (part.count, part.total, rate)
}

/// Seconds until a count reaches its total.
#[must_use]
pub fn seconds_left(count: Option<u64>, total: Option<u64>, rate: Option<f64>) -> Option<i64> {
    let (count, total, rate) = (count?, total?, rate?);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "an estimate for people, far below the limits"
    )]
    let seconds = (total.saturating_sub(count) as f64 / rate).ceil() as i64;
    Some(seconds)
}
