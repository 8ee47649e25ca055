//! Where branches and tags lead to, compared with the commits that are mirrored.
//!
//! GitLab finds commits by the time at which they were made. What was made long ago and pushed only now is in no pass over
//! what has changed; but a branch or tag leads to it.

use crate::{Conn, StoreError, conn::on_backend, schema::resources, sync, when::stored};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use std::collections::HashSet;
use trawl_jobs::{AreaId, AreaRef, InstanceId, RecordKind, kind::Commits};

/// Commits that are looked for at once: SQLite takes no more than 32,766 values in a statement.
const AT_ONCE: usize = 10_000;

/// What of a branch's or tag's payload counts here.
#[derive(Deserialize)]
struct Payload {
    commit: Option<Head>,
}

#[derive(Deserialize)]
struct Head {
    id: String,
    committed_date: Option<DateTime<Utc>>,
}

/// Where the next pass over a project's commits begins: at `watermark`, or from the start if a branch or tag was seen since
/// everything was read last that leads to a commit which neither is mirrored nor would be found from there.
pub(crate) fn back_to_pushed_late(
    conn: &mut Conn<'_>,
    (instance, id, area): (InstanceId, AreaId, &AreaRef),
    kind: &str,
    watermark: Option<DateTime<Utc>>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let Some(from) = watermark.filter(|_| kind == "commits") else { return Ok(watermark) };
    let from = from.checked_sub_signed(Commits::PUSHED_LATE).unwrap_or(DateTime::UNIX_EPOCH);
    let full_at = sync::passes(conn, id)?.get(kind).and_then(sync::SyncState::full_at).unwrap_or_default();
    let seen = resources::table
        .filter(resources::area_id.eq(id.0))
        .filter(resources::kind.eq_any([RecordKind::Branch.as_str(), RecordKind::Tag.as_str()]))
        .filter(resources::deleted_at.is_null())
        .filter(resources::written_at.gt(stored(full_at)))
        .select(resources::payload);
    let payloads: Vec<String> = on_backend!(conn, |c| seen.load(c))?;
    let heads = payloads.iter().filter_map(|payload| serde_json::from_str::<Payload>(payload).ok()?.commit);
    let old = heads.filter(|head| head.committed_date.is_some_and(|date| date < from));
    let wanted: HashSet<i64> = old.map(|head| area.named_id(&head.id)).collect();
    let wanted: Vec<i64> = wanted.into_iter().collect();
    for some in wanted.chunks(AT_ONCE) {
        let mirrored = resources::table
            .filter(resources::instance_id.eq(instance.0))
            .filter(resources::kind.eq(RecordKind::Commit.as_str()))
            .filter(resources::gitlab_id.eq_any(some))
            .filter(resources::deleted_at.is_null())
            .count();
        let mirrored: i64 = on_backend!(conn, |c| mirrored.get_result(c))?;
        if usize::try_from(mirrored) != Ok(some.len()) {
            return Ok(None);
        }
    }
    Ok(watermark)
}
