//! Notes beyond those that come inside an issue or merge request.

use super::{explain, explain::happened, listing::Listing, record, session::Session};
use crate::{JobControl, JobFailure};
use std::collections::VecDeque;
use trawl_gitlab::{Cursor, NOTES_PER_BATCH, NotesQuery, Page};
use trawl_jobs::{Record, RecordKind};

/// Records that are held back for a common report.
const HELD_RECORDS: usize = 1000;

/// An issue or merge request with more notes to read.
#[derive(Debug)]
pub(super) struct Overflow {
    pub(super) iid: i64,
    pub(super) parent: (RecordKind, i64),
    pub(super) confidential: bool,
    pub(super) after: Cursor,
}

/// What came of it.
#[derive(Debug, Default, Clone)]
pub(super) struct Read {
    pub(super) notes: u64,
    pub(super) skipped: u64,
    /// GitLab's ids of what not all notes came of.
    pub(super) partly: Vec<i64>,
}

/// Reads all of it, several per request. Records go to `records`, or out where they become many.
pub(super) async fn read<L: Listing>(
    overflow: Vec<Overflow>,
    project_path: &str,
    session: &mut Session<'_>,
    control: &JobControl,
    records: &mut Vec<Record>,
) -> Result<Read, JobFailure> {
    let mut todo = VecDeque::from(overflow);
    let mut at_once = NOTES_PER_BATCH;
    let mut read = Read::default();
    while !todo.is_empty() {
        let batch: Vec<Overflow> = todo.drain(..at_once.min(todo.len())).collect();
        let queries: Vec<NotesQuery> =
            batch.iter().map(|item| NotesQuery { iid: item.iid, after: Some(item.after.clone()) }).collect();
        let queries = &queries;
        let answer =
            session.call(|client| async move { client.notes_batch(L::NOTES_OF, project_path, queries).await }).await;
        let pages = match answer {
            Ok(pages) => pages,
            Err(error) if error.wants_smaller_page() && at_once > 1 => {
                at_once /= 2;
                control.warning(format!(
                    "{}; asking for the notes of {at_once} {} at a time",
                    happened(&error),
                    L::NAME
                ));
                batch.into_iter().rev().for_each(|item| todo.push_front(item));
                continue;
            }
            Err(error) => return Err(explain(&error, &format!("the notes on {} of {project_path}", L::NAME)).into()),
        };
        for (mut item, page) in batch.into_iter().zip(pages) {
            // None: gone since its page was read. What we have of it stays until its absence is noticed.
            let Some(Page { items, next, skipped, .. }) = page else {
                read.partly.push(item.parent.1);
                continue;
            };
            if !skipped.is_empty() {
                read.partly.push(item.parent.1);
            }
            read.notes += items.len() as u64;
            read.skipped += skipped.len() as u64;
            for why in skipped {
                control.warning(format!("a note was left out: {why}"));
            }
            records.extend(items.iter().map(|note| record::note(note, item.parent, item.confidential)));
            if let Some(next) = next {
                item.after = next;
                todo.push_back(item);
            }
        }
        if records.len() >= HELD_RECORDS {
            control.records(std::mem::take(records)).await?;
        }
    }
    Ok(read)
}
