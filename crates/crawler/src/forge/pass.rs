//! One pass over a project's issues or merge requests: everything that changed since the last one, page by page,
//! each page with its notes and the place to go on from.

use super::{
    Forge, explain,
    explain::happened,
    listing::{Listing, PageQuery, area, moved},
    notes::{self, Overflow},
    record,
    session::Session,
};
use crate::{Completed, JobControl, JobFailure};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use trawl_gitlab::{Cursor, Error, Page, PageSize};
use trawl_jobs::{AccountId, AreaRef, Record, RecordKind, WholeList};
use trawl_protocol::StartJob;

/// Where a pass stands: what the next attempt needs to go on as if nothing had happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    after: Option<Cursor>,
    /// When the pass began, whichever attempt that was. Microseconds since 1970, UTC.
    pass_started_us: i64,
    /// What it reads: what changed after this; none: everything.
    since_us: Option<i64>,
    seen: u64,
    notes: u64,
    skipped: u64,
    truncated: u64,
    requests: u64,
    /// Accounts that have read it.
    #[serde(default)]
    readers: Vec<AccountId>,
}

impl Position {
    /// The place that an earlier attempt reached, or the start of a new pass.
    fn of(order: &StartJob, full: bool, control: &JobControl) -> Self {
        if let Some(cursor) = &order.cursor {
            match serde_json::from_str(cursor) {
                Ok(position) => return position,
                Err(_) => control.warning("the place where an earlier attempt stopped cannot be read; starting anew"),
            }
        }
        Self {
            after: None,
            pass_started_us: Utc::now().timestamp_micros(),
            since_us: order.watermark_us.filter(|_| !full),
            seen: 0,
            notes: 0,
            skipped: 0,
            truncated: 0,
            requests: 0,
            readers: Vec::new(),
        }
    }

    /// What is going to be read, for the job's log.
    fn in_words(&self, name: &str) -> String {
        let since = self.since_us.and_then(DateTime::from_timestamp_micros);
        match since.map(|time| time.format("%Y-%m-%d %H:%M:%S UTC")) {
            _ if self.after.is_some() => {
                format!("going on after {} {name} that an earlier attempt has read", self.seen)
            }
            Some(since) => format!("reading the {name} that changed since {since}"),
            None => format!("reading all {name}"),
        }
    }
}

/// Runs it.
pub(super) async fn run<L: Listing>(
    full: bool,
    forge: &Forge,
    order: &StartJob,
    control: &JobControl,
) -> Result<Completed, JobFailure> {
    let mut area = area(order)?.clone();
    let mut at = Position::of(order, full, control);
    control.info(at.in_words(L::NAME));
    let steps = control.pipeline([(L::KEY, 1.0)]);
    // Who read before an older version wrote it down is not known.
    let unknown = at.after.is_some() && at.readers.is_empty();
    let mut session = Session::open(forge, order, control, at.requests).await?;
    at.readers.iter().for_each(|account| session.read_by(*account));
    let mut size = PageSize::new(L::PAGE);
    loop {
        let page = fetch::<L>(&mut session, &mut area, &at, &mut size, control).await?;
        // GitLab counts an empty list as well: no list at all is something else.
        let Some(total) = page.total else { return Ok(hidden::<L>(&session)) };
        let next = page.next.clone();
        let records = take::<L>(page, &area, &mut session, control, &mut at).await?;
        at.requests = session.requests();
        at.readers = session.readers().to_vec();
        steps.set_counts(L::KEY, at.seen, Some(total));
        let Some(next) = next else {
            // Without a cursor: if the last word is lost, this page is read again.
            control.records(records).await?;
            break;
        };
        at.after = Some(next);
        control.checkpoint_ahead(json!(at).to_string(), records).await?;
        size.grow();
    }
    steps.set(L::KEY, 1.0);
    Ok(Completed {
        result: json!({ L::KEY: at.seen, "notes": at.notes, "requests": session.requests() }),
        watermark: watermark(at.pass_started_us, forge),
        incomplete: incomplete::<L>(&at),
        whole: if unknown { Vec::new() } else { whole::<L>(&at) },
        readers: at.readers,
    })
}

/// What was read to the end, where this pass was about everything.
fn whole<L: Listing>(at: &Position) -> Vec<WholeList> {
    if at.since_us.is_some() || at.skipped > 0 {
        return Vec::new();
    }
    let notes = WholeList { kind: RecordKind::Note, parent: Some(L::KIND), seen: Some(at.notes), sure: true };
    vec![WholeList { kind: L::KIND, parent: None, seen: Some(at.seen), sure: true }, notes]
}

/// The next page, as large as this GitLab can make it.
async fn fetch<L: Listing>(
    session: &mut Session<'_>,
    area: &mut AreaRef,
    at: &Position,
    size: &mut PageSize,
    control: &JobControl,
) -> Result<Page<L::Item>, JobFailure> {
    loop {
        let query = PageQuery {
            after: at.after.clone(),
            first: size.current(),
            updated_after: at.since_us.and_then(DateTime::from_timestamp_micros),
        };
        let (query, path) = (&query, area.full_path.as_str());
        let answer = session.call(|client| async move { L::page(&client, path, query).await }).await;
        let what = format!("the {} of {}", L::NAME, area.full_path);
        let elsewhere = match &answer {
            Ok(page) => page.items.iter().any(|item| L::project_id(item).is_some_and(|id| id != area.gitlab_id)),
            Err(error) => *error == Error::NotFound,
        };
        if elsewhere && session.follow(area).await.map_err(|error| explain(&error, &what))? {
            continue;
        }
        match answer {
            Ok(page) => return Ok(page),
            Err(error) if error.wants_smaller_page() && size.shrink() => {
                control.warning(format!("{}; asking for {} {} at a time", happened(&error), size.current(), L::NAME));
            }
            Err(error) => return Err(explain(&error, &what).into()),
        }
    }
}

/// A page as records, with all notes of its items.
async fn take<L: Listing>(
    page: Page<L::Item>,
    area: &AreaRef,
    session: &mut Session<'_>,
    control: &JobControl,
    at: &mut Position,
) -> Result<Vec<Record>, JobFailure> {
    let (mut records, mut overflow) = (Vec::new(), Vec::new());
    for why in &page.skipped {
        control.warning(format!("one of the {} was left out: {why}", L::NAME));
    }
    at.skipped += page.skipped.len() as u64;
    at.seen += page.items.len() as u64;
    for mut item in page.items {
        if L::project_id(&item).is_some_and(|project| project != area.gitlab_id) {
            return Err(moved(&format!("project {}", area.full_path)).into());
        }
        at.truncated += u64::from(!L::truncated(&item).is_empty());
        let record = L::record(&item);
        let (parent, confidential) = ((L::KIND, record.gitlab_id), record.confidential);
        records.push(record);
        let notes = L::notes(&mut item);
        for why in &notes.skipped {
            control.warning(format!("a note was left out: {why}"));
        }
        at.skipped += notes.skipped.len() as u64;
        at.notes += notes.items.len() as u64;
        records.extend(notes.items.iter().map(|note| record::note(note, parent, confidential)));
        if let Some(after) = notes.next {
            overflow.push(Overflow { iid: L::iid(&item), parent, confidential, after });
        }
    }
    let read = notes::read::<L>(overflow, &area.full_path, session, control, &mut records).await?;
    at.notes += read.notes;
    at.skipped += read.skipped;
    Ok(records)
}

/// Where the next pass begins: where this one began, less the overlap.
pub(super) fn watermark(pass_started_us: i64, forge: &Forge) -> Option<DateTime<Utc>> {
    let overlap = TimeDelta::from_std(forge.overlap).unwrap_or(TimeDelta::MAX);
    DateTime::from_timestamp_micros(pass_started_us)?.checked_sub_signed(overlap)
}

fn incomplete<L: Listing>(at: &Position) -> Option<String> {
    let mut parts = Vec::new();
    if at.skipped > 0 {
        parts.push(format!("{} {} or notes could not be understood and were left out", at.skipped, L::NAME));
    }
    if at.truncated > 0 {
        parts.push(format!("{} {} have more labels or people than are mirrored", at.truncated, L::NAME));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// There is no list: nothing was read, so nothing counts as seen.
fn hidden<L: Listing>(session: &Session<'_>) -> Completed {
    Completed {
        result: json!({ L::KEY: 0, "notes": 0, "requests": session.requests() }),
        watermark: None,
        incomplete: Some(format!("{} are switched off here, or hidden from the account", L::NAME)),
        whole: vec![WholeList { kind: L::KIND, parent: None, seen: None, sure: false }],
        readers: session.readers().to_vec(),
    }
}
