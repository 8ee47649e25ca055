//! Items: what jobs have worked through, one by one.

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    now,
    schema::job_items,
    text::storable,
    when::{Stamp, stored},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use sha2::{Digest as _, Sha256};
use trawl_jobs::{Item, ItemState, JobId, text::clip};

/// Longer notes are cut. Bytes.
pub const TEXT_LIMIT: usize = 4096;
/// Longer names are cut, and get a digest of the whole so that they stay apart. Bytes; an index of PostgreSQL takes no
/// more than 2704.
pub const NAME_LIMIT: usize = 1200;
/// Longer verdicts are cut. Bytes.
const VERDICT_LIMIT: usize = 100;

/// An item as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = job_items)]
pub struct JobItem {
    /// Unique within the job.
    pub name: String,
    state: String,
    /// The kind's own word for how it went.
    pub verdict: Option<String>,
    /// The reason in words.
    pub note: Option<String>,
    /// More of it, JSON.
    pub detail: Option<String>,
    updated_at: Stamp,
}

impl JobItem {
    /// Where it stands.
    #[must_use]
    pub fn state(&self) -> ItemState {
        self.state.parse().unwrap_or(ItemState::Failed)
    }

    /// When it was last reported.
    #[must_use]
    pub const fn updated_at(&self) -> DateTime<Utc> {
        self.updated_at.and_utc()
    }
}

/// Writes items; one that is there already is replaced, but for a detail that is not said again.
pub fn put(conn: &mut Conn<'_>, job: JobId, items: &[Item]) -> Result<(), StoreError> {
    let (job, at) = (job.to_string(), stored(now()));
    let short = |text: &Option<String>| text.as_ref().map(|text| clip(&storable(text), TEXT_LIMIT));
    for item in items {
        let changes = (
            job_items::state.eq(item.state.as_str()),
            job_items::verdict.eq(item.verdict.as_ref().map(|text| clip(&storable(text), VERDICT_LIMIT))),
            job_items::note.eq(short(&item.note)),
            item.detail.as_deref().map(|detail| job_items::detail.eq(storable(detail))),
            job_items::updated_at.eq(at),
        );
        let values = (job_items::job_id.eq(&job), job_items::name.eq(name(&item.name)), changes.clone());
        on_backend!(conn, |c| diesel::insert_into(job_items::table)
            .values(values)
            .on_conflict((job_items::job_id, job_items::name))
            .do_update()
            .set(changes)
            .execute(c))?;
    }
    Ok(())
}

fn name(whole: &str) -> String {
    let whole = storable(whole);
    if whole.len() <= NAME_LIMIT {
        return whole.into_owned();
    }
    let digest = Sha256::digest(whole.as_bytes());
    let digest = u64::from_be_bytes(digest[..8].try_into().unwrap_or_default());
    format!("{} {digest:016x}", clip(&whole, NAME_LIMIT - 17))
}

/// Which items to list.
#[derive(Debug, Clone, Default)]
pub struct ItemFilter {
    /// Only in this state.
    pub state: Option<ItemState>,
    /// Only with this verdict.
    pub verdict: Option<String>,
    /// Only those after this name (a page's last).
    pub after: Option<String>,
}

/// Items of a job in the order of their names, at most `limit`.
pub fn list(conn: &mut Conn<'_>, job: JobId, filter: &ItemFilter, limit: i64) -> Result<Vec<JobItem>, StoreError> {
    on_backend!(conn, |c| {
        let mut query = job_items::table
            .filter(job_items::job_id.eq(job.to_string()))
            .order(job_items::name)
            .limit(limit)
            .select(columns::<JobItem>())
            .into_boxed();
        if let Some(state) = filter.state {
            query = query.filter(job_items::state.eq(state.as_str()));
        }
        if let Some(verdict) = &filter.verdict {
            query = query.filter(job_items::verdict.eq(verdict));
        }
        if let Some(after) = &filter.after {
            query = query.filter(job_items::name.gt(after));
        }
        Ok(query.load(c)?)
    })
}

/// How many items of a job stand where: `(state, verdict, how many)`.
pub fn count(conn: &mut Conn<'_>, job: JobId) -> Result<Vec<(ItemState, Option<String>, i64)>, StoreError> {
    let query = job_items::table
        .filter(job_items::job_id.eq(job.to_string()))
        .group_by((job_items::state, job_items::verdict))
        .select((job_items::state, job_items::verdict, diesel::dsl::count_star()));
    let rows: Vec<(String, Option<String>, i64)> = on_backend!(conn, |c| query.load(c))?;
    let mut counts = rows
        .into_iter()
        .map(|(state, verdict, n)| Ok((state.parse().map_err(StoreError::Corrupt)?, verdict, n)))
        .collect::<Result<Vec<(ItemState, _, _)>, StoreError>>()?;
    counts.sort_by_key(|(state, verdict, _)| (ItemState::ALL.iter().position(|each| each == state), verdict.clone()));
    Ok(counts)
}
