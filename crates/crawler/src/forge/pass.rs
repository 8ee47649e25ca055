//! One pass over a project's issues or merge requests: what an earlier sweep has missed, by number; everything that
//! changed since the last pass, page by page, each page with its notes and the place to go on from; and, in a sweep, a look
//! at all of them by number and time alone ([`super::sweep`]).

use super::{
    Forge,
    listing::{Listing, PageQuery, area},
    notes::{self, Overflow},
    paging::{self, Named},
    record,
    session::Session,
    sweep,
};
use crate::{Completed, JobControl, JobFailure, control::Steps};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;
use trawl_gitlab::{Client, Cursor, Page, PageSize, SIGHTINGS_PER_PAGE};
use trawl_jobs::{AccountId, AreaRef, Change, Record, RecordKind, WholeList};
use trawl_protocol::StartJob;

/// How much a pass looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// What changed since the last pass.
    Changes,
    /// That, and then everything by number and time alone.
    Sweep,
    /// Everything, with all that there is.
    Full,
}

impl Depth {
    /// As a job's options say.
    pub(super) const fn of(full: bool, sweep: bool) -> Self {
        match (full, sweep) {
            (true, _) => Self::Full,
            (false, true) => Self::Sweep,
            (false, false) => Self::Changes,
        }
    }
}

/// What a pass is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    /// Reading what a sweep has missed.
    Missed,
    /// Reading what changed, or everything.
    #[default]
    Changes,
    /// Looking everything over.
    Sweep,
}

/// Where a pass stands: what the next attempt needs to go on as if nothing had happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    #[serde(default)]
    stage: Stage,
    /// Whether everything is looked over in the end.
    #[serde(default)]
    sweep: bool,
    after: Option<Cursor>,
    /// When the pass began, whichever attempt that was. Microseconds since 1970, UTC.
    pass_started_us: i64,
    /// What it reads: what changed after this; none: everything.
    since_us: Option<i64>,
    seen: u64,
    /// Looked over.
    #[serde(default)]
    sighted: u64,
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
    fn of(order: &StartJob, depth: Depth, control: &JobControl) -> Self {
        if let Some(cursor) = &order.cursor {
            match serde_json::from_str(cursor) {
                Ok(position) => return position,
                Err(_) => control.warning("the place where an earlier attempt stopped cannot be read; starting anew"),
            }
        }
        let since_us = order.watermark_us.filter(|_| depth != Depth::Full);
        Self {
            stage: if since_us.is_some() && !order.missed.is_empty() { Stage::Missed } else { Stage::Changes },
            // Who has read everything has looked it over.
            sweep: since_us.is_some() && depth == Depth::Sweep,
            after: None,
            pass_started_us: Utc::now().timestamp_micros(),
            since_us,
            seen: 0,
            sighted: 0,
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
            _ if self.after.is_some() || self.stage == Stage::Sweep => {
                format!("going on after {} {name} that an earlier attempt has read", self.seen + self.sighted)
            }
            Some(since) => format!("reading the {name} that changed since {since}"),
            None => format!("reading all {name}"),
        }
    }
}

/// Runs it.
pub(super) async fn run<L: Listing>(
    depth: Depth,
    forge: &Forge,
    order: &StartJob,
    control: &JobControl,
) -> Result<Completed, JobFailure> {
    let mut area = area(order)?.clone();
    let mut at = Position::of(order, depth, control);
    control.info(at.in_words(L::NAME));
    let steps = control.pipeline([(L::KEY, 1.0)]);
    // Who read before an older version wrote it down is not known.
    let unknown = at.after.is_some() && at.readers.is_empty();
    let mut session = Session::open(forge, order, control, at.requests).await?;
    at.readers.iter().for_each(|account| session.read_by(*account));
    let mut size = PageSize::new(L::PAGE);
    if at.stage == Stage::Missed {
        for some in order.missed.chunks(L::PAGE as usize) {
            loop {
                let page = fetch::<L>(&mut session, &mut area, &at, Some(some), &mut size, control).await?;
                at.after = page.next.clone();
                let taken = take::<L>(page, &area, &mut session, control, &mut at).await?;
                control.changes(taken).await?;
                if at.after.is_none() {
                    break;
                }
            }
        }
        at.stage = Stage::Changes;
    }
    if at.stage == Stage::Changes {
        loop {
            let page = fetch::<L>(&mut session, &mut area, &at, None, &mut size, control).await?;
            // GitLab counts an empty list as well: no list at all is something else.
            let Some(total) = page.total else { return Ok(hidden::<L>(&session)) };
            let next = page.next.clone();
            let taken = take::<L>(page, &area, &mut session, control, &mut at).await?;
            at.requests = session.requests();
            at.readers = session.readers().to_vec();
            steps.set_counts(L::KEY, at.seen, Some(total));
            let Some(next) = next else {
                // Without a cursor: if the last word is lost, this page is read again.
                control.changes(taken).await?;
                break;
            };
            at.after = Some(next);
            control.changes_ahead(json!(at).to_string(), taken).await?;
            size.grow();
        }
        at.after = None;
    }
    steps.set(L::KEY, 1.0);
    if at.sweep {
        at.stage = Stage::Sweep;
        if !look_over::<L>(&mut session, &mut area, &mut at, &steps, control).await? {
            return Ok(hidden::<L>(&session));
        }
    }
    Ok(Completed {
        result: result::<L>(&at, session.requests()),
        watermark: watermark(at.pass_started_us, forge),
        incomplete: incomplete::<L>(&at),
        whole: if unknown { Vec::new() } else { whole::<L>(&at) },
        readers: at.readers,
    })
}

/// Looks at all of them by number and time. Returns whether there is a list.
async fn look_over<L: Listing>(
    session: &mut Session<'_>,
    area: &mut AreaRef,
    at: &mut Position,
    steps: &Steps,
    control: &JobControl,
) -> Result<bool, JobFailure> {
    steps.add(sweep::STEP, 0.5);
    let mut size = PageSize::new(SIGHTINGS_PER_PAGE);
    loop {
        let page = sweep::page::<L>(session, area, at.after.as_ref(), &mut size, control).await?;
        let Some(total) = page.total else { return Ok(false) };
        at.skipped += page.skipped.len() as u64;
        at.sighted += page.items.len() as u64;
        at.requests = session.requests();
        at.readers = session.readers().to_vec();
        steps.set_counts(sweep::STEP, at.sighted, Some(total));
        let seen = vec![sweep::sightings::<L>(&page)];
        let Some(next) = page.next else {
            control.changes(seen).await?;
            steps.set(sweep::STEP, 1.0);
            return Ok(true);
        };
        at.after = Some(next);
        control.changes_ahead(json!(at).to_string(), seen).await?;
        size.grow();
    }
}

fn result<L: Listing>(at: &Position, requests: u64) -> serde_json::Value {
    let mut result = json!({ L::KEY: at.seen, "notes": at.notes, "requests": requests });
    if at.sweep {
        result[sweep::KEY] = at.sighted.into();
    }
    result
}

/// What was seen to its end, where this pass was about everything.
fn whole<L: Listing>(at: &Position) -> Vec<WholeList> {
    let seen = match at.since_us {
        _ if at.skipped > 0 => None,
        None => Some(at.seen),
        Some(_) => at.sweep.then_some(at.sighted),
    };
    seen.map(|seen| WholeList { kind: L::KIND, seen: Some(seen), sure: true }).into_iter().collect()
}

/// The next page, as large as this GitLab can make it; or those with these numbers.
async fn fetch<L: Listing>(
    session: &mut Session<'_>,
    area: &mut AreaRef,
    at: &Position,
    numbers: Option<&[i64]>,
    size: &mut PageSize,
    control: &JobControl,
) -> Result<Page<L::Item>, JobFailure> {
    let request = |client: Client, path: String, first| async move {
        let query = PageQuery {
            after: at.after.clone(),
            first,
            updated_after: at.since_us.filter(|_| numbers.is_none()).and_then(DateTime::from_timestamp_micros),
            iids: numbers.map(<[i64]>::to_vec),
        };
        L::page(&client, &path, &query).await
    };
    let named = Named { items: L::NAME, list: &format!("the {}", L::NAME) };
    let page = paging::page(session, area, size, control, named, L::project_id, request).await?;
    page.map_err(|error| named.explain(&error, area))
}

/// A page as records, with all notes of its items, and of which items these are all.
async fn take<L: Listing>(
    page: Page<L::Item>,
    area: &AreaRef,
    session: &mut Session<'_>,
    control: &JobControl,
    at: &mut Position,
) -> Result<Vec<Change>, JobFailure> {
    let (mut records, mut overflow): (Vec<Record>, _) = (Vec::new(), Vec::new());
    let (mut of, mut timed) = (BTreeSet::new(), Vec::new());
    for why in &page.skipped {
        control.warning(format!("one of the {} was left out: {why}", L::NAME));
    }
    at.skipped += page.skipped.len() as u64;
    at.seen += page.items.len() as u64;
    for mut item in page.items {
        at.truncated += u64::from(!L::truncated(&item).is_empty());
        let record = L::record(&item);
        let (parent, confidential) = ((L::KIND, record.gitlab_id), record.confidential);
        records.push(record);
        let notes = L::notes(&mut item);
        if notes.skipped.is_empty() {
            of.insert(parent.1);
        }
        records.extend(L::timelogs(&item).iter().map(|timelog| record::timelog(timelog, parent)));
        if !L::truncated(&item).iter().any(|list| list == "timelogs") {
            timed.push(parent.1);
        }
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
    for parent in read.partly {
        of.remove(&parent);
    }
    let children = |kind, of| Change::Children { kind, parent: L::KIND, of, readers: session.readers().to_vec() };
    let notes = children(RecordKind::Note, of.into_iter().collect());
    Ok(vec![Change::Records(records), notes, children(RecordKind::Timelog, timed)])
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
        parts.push(format!("{} {} have more labels, people or logged times than are mirrored", at.truncated, L::NAME));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// There is no list: nothing was read, so nothing counts as seen.
fn hidden<L: Listing>(session: &Session<'_>) -> Completed {
    Completed {
        result: json!({ L::KEY: 0, "notes": 0, "requests": session.requests() }),
        watermark: None,
        incomplete: Some(format!("{} are switched off here, or hidden from the account", L::NAME)),
        whole: vec![WholeList { kind: L::KIND, seen: None, sure: false }],
        readers: session.readers().to_vec(),
    }
}
