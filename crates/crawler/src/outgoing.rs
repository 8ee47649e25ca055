//! What a job has to say, cut into reports of a size that commits quickly.

use trawl_jobs::{Change, FoundArea, Item, Outcome, Record, SubOperation};

/// About the largest report, in encoded bytes. A single record that is larger goes alone.
pub(crate) const REPORT_BYTES: usize = 512 << 10;
/// Three numbers and a time as text; a page has a hundred.
const SIGHTING_BYTES: usize = 64;

/// Cuts changes into reports, in order. No report is empty.
pub(crate) fn pack(changes: Vec<Change>, limit: usize) -> Vec<Vec<Change>> {
    let mut reports: Vec<Vec<Change>> = Vec::new();
    let mut room = 0;
    for change in changes.into_iter().flat_map(|change| split(change, limit)) {
        let size = size(&change);
        match reports.last_mut() {
            Some(report) if size <= room => report.push(change),
            _ => {
                reports.push(vec![change]);
                room = limit;
            }
        }
        room = room.saturating_sub(size);
    }
    reports
}

/// A change as several, where it is a long list.
fn split(change: Change, limit: usize) -> Vec<Change> {
    match change {
        Change::Records(records) => chunks(records, record_size, limit).into_iter().map(Change::Records).collect(),
        Change::Children { of, .. } if of.is_empty() => Vec::new(),
        Change::Sightings(_, seen) if seen.is_empty() => Vec::new(),
        Change::Discovered(areas) => chunks(areas, area_size, limit).into_iter().map(Change::Discovered).collect(),
        Change::Items(items) => chunks(items, item_size, limit).into_iter().map(Change::Items).collect(),
        other => vec![other],
    }
}

fn chunks<T>(items: Vec<T>, size: impl Fn(&T) -> usize, limit: usize) -> Vec<Vec<T>> {
    let mut chunks: Vec<Vec<T>> = Vec::new();
    let mut room = 0;
    for item in items {
        let size = size(&item);
        match chunks.last_mut() {
            Some(chunk) if size <= room => chunk.push(item),
            _ => {
                chunks.push(vec![item]);
                room = limit;
            }
        }
        room = room.saturating_sub(size);
    }
    chunks
}

/// Encoded size, a little overestimated rather than encoded twice.
fn size(change: &Change) -> usize {
    8 + match change {
        Change::Progress(progress) => parts_size(progress.parts()),
        Change::Message { text, .. } => 48 + text.len(),
        Change::Discovered(areas) => areas.iter().map(area_size).sum(),
        Change::Records(records) => records.iter().map(record_size).sum(),
        Change::Items(items) => items.iter().map(item_size).sum(),
        Change::Children { of, readers, .. } => 16 + 9 * (of.len() + readers.len()),
        Change::Sightings(_, seen) => 8 + SIGHTING_BYTES * seen.len(),
        Change::Cursor(cursor) => cursor.len(),
        Change::Finished(Outcome::Completed { result, incomplete, .. }) => {
            64 + result.len() + incomplete.as_ref().map_or(0, String::len)
        }
        Change::Finished(Outcome::Failed(error)) => 32 + error.message.len(),
        Change::Finished(Outcome::Aborted | Outcome::HandedBack) => 8,
    }
}

fn parts_size(parts: &[SubOperation]) -> usize {
    parts.iter().map(|part| 43 + part.name.len() + parts_size(&part.parts)).sum()
}

fn item_size(item: &Item) -> usize {
    let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    32 + item.name.len() + optional(&item.verdict) + optional(&item.note) + optional(&item.detail)
}

fn area_size(area: &FoundArea) -> usize {
    let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    64 + area.full_path.len() + area.name.len() + optional(&area.web_url) + optional(&area.visibility)
}

fn record_size(record: &Record) -> usize {
    let optional = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    // Four times as text of up to 36 bytes each, and some numbers.
    192 + record.title.len()
        + record.payload.len()
        + optional(&record.state)
        + optional(&record.author)
        + optional(&record.web_url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Utc;
    use trawl_jobs::{Progress, RecordKind};

    fn record(id: i64, bytes: usize) -> Record {
        Record {
            kind: RecordKind::Issue,
            gitlab_id: id,
            iid: Some(id),
            parent: Some((RecordKind::Issue, i64::MAX)),
            title: "title".to_owned(),
            state: Some("opened".to_owned()),
            author: Some("maria".to_owned()),
            created_at: Some(Utc::now()),
            updated_at: Some(Utc::now()),
            closed_at: Some(Utc::now()),
            merged_at: Some(Utc::now()),
            web_url: Some("https://example.com".to_owned()),
            confidential: true,
            payload: "x".repeat(bytes),
        }
    }

    fn encoded(report: &[Change]) -> usize {
        trawl_protocol::encode(&report).unwrap().len()
    }

    #[test]
    fn reports_stay_below_the_limit_and_keep_the_order() {
        let records: Vec<_> = (0..100).map(|id| record(id, 300 + 37 * usize::try_from(id).unwrap())).collect();
        let changes = vec![Change::Records(records.clone()), Change::Cursor("c".to_owned())];
        let reports = pack(changes, 10_000);
        assert!(reports.len() > 10 && reports.iter().all(|report| encoded(report) <= 10_000));
        let seen: Vec<_> = reports.iter().flatten().collect();
        let Some((Change::Cursor(_), before)) = seen.split_last() else { panic!("the cursor is not the last word") };
        let ids = before.iter().flat_map(|change| match change {
            Change::Records(records) => records.iter().map(|record| record.gitlab_id).collect(),
            _ => Vec::new(),
        });
        assert!(ids.eq(records.iter().map(|record| record.gitlab_id)));
    }

    #[test]
    fn what_is_too_large_goes_alone() {
        let changes = vec![Change::Records(vec![record(1, 10), record(2, 5000), record(3, 10)])];
        let sizes: Vec<_> = pack(changes, 1000).iter().map(Vec::len).collect();
        assert_eq!(sizes, [1, 1, 1]);
    }

    #[test]
    fn nothing_makes_no_report() {
        assert!(pack(Vec::new(), 1000).is_empty());
        assert!(pack(vec![Change::Records(Vec::new())], 1000).is_empty());
    }

    #[test]
    fn small_things_share_a_report() {
        let changes = vec![Change::Progress(Progress::new(&[("a", 1.0)])), Change::Cursor("c".to_owned())];
        assert_eq!(pack(changes, 1000).len(), 1);
    }
}
