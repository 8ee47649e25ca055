//! Mirrored objects.

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    now,
    schema::{areas, resources},
    statement::statement,
    text::{contains, lower, storable},
    when::{Stamp, stored},
};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Bool, Nullable, Text, Timestamp},
};
use std::marker::PhantomData;
use trawl_jobs::{AreaId, InstanceId, Record, RecordKind, WholeList};

/// A mirrored object.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = resources)]
pub struct Resource {
    /// Row.
    pub id: i64,
    instance_id: i64,
    /// What it is.
    pub kind: String,
    /// GitLab's id.
    pub gitlab_id: i64,
    /// The group or project that it belongs to.
    pub area_id: i64,
    /// Number within the project.
    pub iid: Option<i64>,
    /// Title or name.
    pub title: String,
    /// GitLab's word.
    pub state: Option<String>,
    /// Username.
    pub author: Option<String>,
    created_at: Option<Stamp>,
    updated_at: Option<Stamp>,
    closed_at: Option<Stamp>,
    merged_at: Option<Stamp>,
    /// Address in GitLab.
    pub web_url: Option<String>,
    /// Not for everybody.
    pub confidential: bool,
    /// The whole object, JSON.
    pub payload: String,
}

impl Resource {
    /// Which GitLab.
    #[must_use]
    pub const fn instance(&self) -> InstanceId {
        InstanceId(self.instance_id)
    }

    /// Made.
    #[must_use]
    pub fn created_at(&self) -> Option<DateTime<Utc>> {
        self.created_at.map(Stamp::and_utc)
    }

    /// Changed.
    #[must_use]
    pub fn updated_at(&self) -> Option<DateTime<Utc>> {
        self.updated_at.map(Stamp::and_utc)
    }

    /// Closed.
    #[must_use]
    pub fn closed_at(&self) -> Option<DateTime<Utc>> {
        self.closed_at.map(Stamp::and_utc)
    }

    /// Merged.
    #[must_use]
    pub fn merged_at(&self) -> Option<DateTime<Utc>> {
        self.merged_at.map(Stamp::and_utc)
    }
}

statement! {
    /// An object as GitLab has it now; an older one does not replace a newer one, and one that was deleted is back.
    Put {
        "INSERT INTO resources (instance_id, kind, gitlab_id, area_id, iid, parent_kind, parent_id, title, state, author, \
         created_at, updated_at, closed_at, merged_at, web_url, confidential, payload, written_at, seen_generation) VALUES (",
        instance_id: i64 as BigInt,
        ", ", kind: &'a str as Text,
        ", ", gitlab_id: i64 as BigInt,
        ", ", area_id: i64 as BigInt,
        ", ", iid: Option<i64> as Nullable<BigInt>,
        ", ", parent_kind: Option<&'a str> as Nullable<Text>,
        ", ", parent_id: Option<i64> as Nullable<BigInt>,
        ", ", title: &'a str as Text,
        ", ", state: Option<&'a str> as Nullable<Text>,
        ", ", author: Option<&'a str> as Nullable<Text>,
        ", ", created_at: Option<Stamp> as Nullable<Timestamp>,
        ", ", updated_at: Option<Stamp> as Nullable<Timestamp>,
        ", ", closed_at: Option<Stamp> as Nullable<Timestamp>,
        ", ", merged_at: Option<Stamp> as Nullable<Timestamp>,
        ", ", web_url: Option<&'a str> as Nullable<Text>,
        ", ", confidential: bool as Bool,
        ", ", payload: &'a str as Text,
        ", ", written_at: Stamp as Timestamp,
        ", ", seen_generation: i64 as BigInt,
    } ") ON CONFLICT (instance_id, kind, gitlab_id) DO UPDATE SET area_id = excluded.area_id, iid = excluded.iid, \
       parent_kind = excluded.parent_kind, parent_id = excluded.parent_id, title = excluded.title, \
       state = excluded.state, author = excluded.author, created_at = excluded.created_at, \
       updated_at = excluded.updated_at, closed_at = excluded.closed_at, merged_at = excluded.merged_at, \
       web_url = excluded.web_url, confidential = excluded.confidential, payload = excluded.payload, \
       written_at = excluded.written_at, seen_generation = excluded.seen_generation, deleted_at = NULL \
       WHERE resources.updated_at IS NULL OR excluded.updated_at IS NULL \
       OR resources.updated_at <= excluded.updated_at"
}

/// Writes an object if it is new, or no older than what is there. Returns whether anything was written. `pass` is the number
/// of the pass that has seen it ([`crate::sync::pass`]).
pub fn upsert(
    conn: &mut Conn<'_>,
    instance: InstanceId,
    area: AreaId,
    record: &Record,
    pass: i64,
) -> Result<bool, StoreError> {
    let (title, payload) = (storable(&record.title), storable(&record.payload));
    let optional = |text: &Option<String>| text.as_deref().map(|text| storable(text).into_owned());
    let (state, author, web_url) = (optional(&record.state), optional(&record.author), optional(&record.web_url));
    let put = Put {
        instance_id: instance.0,
        kind: record.kind.as_str(),
        gitlab_id: record.gitlab_id,
        area_id: area.0,
        iid: record.iid,
        parent_kind: record.parent.map(|(kind, _)| kind.as_str()),
        parent_id: record.parent.map(|(_, id)| id),
        title: &title,
        state: state.as_deref(),
        author: author.as_deref(),
        created_at: record.created_at.map(stored),
        updated_at: record.updated_at.map(stored),
        closed_at: record.closed_at.map(stored),
        merged_at: record.merged_at.map(stored),
        web_url: web_url.as_deref(),
        confidential: record.confidential,
        payload: &payload,
        written_at: stored(now()),
        seen_generation: pass,
        of: PhantomData,
    };
    if on_backend!(conn, |c| put.execute(c))? > 0 {
        return Ok(true);
    }
    // Older than what is there, such as from a backup that was put back; but it is there.
    let row = resources::table
        .filter(resources::instance_id.eq(instance.0))
        .filter(resources::kind.eq(record.kind.as_str()))
        .filter(resources::gitlab_id.eq(record.gitlab_id));
    let seen = (resources::seen_generation.eq(pass), resources::deleted_at.eq(None::<Stamp>));
    on_backend!(conn, |c| diesel::update(row).set(seen).execute(c))?;
    Ok(false)
}

/// What of a list that was read whole was seen by no pass of this number or a later one is gone in GitLab, with all that
/// hung on it. Returns how much of the list that was. Confidential objects are only missed where whoever read may see them.
pub fn sweep(
    conn: &mut Conn<'_>,
    area: AreaId,
    list: WholeList,
    pass: i64,
    confidential: bool,
) -> Result<usize, StoreError> {
    let gone: Vec<(i64, i64)> = on_backend!(conn, |c| {
        let mut rows = resources::table
            .filter(resources::area_id.eq(area.0))
            .filter(resources::kind.eq(list.kind.as_str()))
            .filter(resources::deleted_at.is_null())
            .filter(resources::seen_generation.lt(pass))
            .select((resources::id, resources::gitlab_id))
            .into_boxed();
        if !confidential {
            rows = rows.filter(resources::confidential.eq(false));
        }
        rows.load(c)?
    });
    let (ids, gitlab_ids): (Vec<i64>, Vec<i64>) = gone.into_iter().unzip();
    are_gone(conn, &ids)?;
    for some in gitlab_ids.chunks(500) {
        // As the index on parents has it.
        let instance = areas::table.find(area.0).select(areas::instance_id);
        let children: Vec<i64> = on_backend!(conn, |c| resources::table
            .filter(resources::instance_id.eq_any(instance))
            .filter(resources::parent_kind.eq(list.kind.as_str()))
            .filter(resources::parent_id.eq_any(some))
            .filter(resources::deleted_at.is_null())
            .select(resources::id)
            .load(c))?;
        are_gone(conn, &children)?;
    }
    Ok(ids.len())
}

/// These rows are gone in GitLab; they stay, marked.
pub(crate) fn are_gone(conn: &mut Conn<'_>, rows: &[i64]) -> Result<(), StoreError> {
    let at = stored(now());
    for some in rows.chunks(1000) {
        let rows = resources::table.filter(resources::id.eq_any(some));
        let gone = (resources::deleted_at.eq(at), resources::written_at.eq(at));
        on_backend!(conn, |c| diesel::update(rows).set(gone).execute(c))?;
    }
    Ok(())
}

/// Which objects of an area to list.
#[derive(Debug, Clone)]
pub struct ResourceFilter {
    /// Of which area.
    pub area: AreaId,
    /// Of which kind.
    pub kind: RecordKind,
    /// With GitLab's word.
    pub state: Option<String>,
    /// With this in the title, or with this number.
    pub text: Option<String>,
    /// Confidential ones too.
    pub confidential: bool,
    /// Older than this: time of the last change and row of a page's last.
    pub before: Option<Place>,
    /// Newer than this: of a page's first.
    pub after: Option<Place>,
}

/// A place in a list of objects: the time of the last change, where GitLab tells it, and the row.
pub type Place = (Option<DateTime<Utc>>, i64);

/// Objects by their last change, newest first, at most `limit`; those of a kind without such a time by their rows.
pub fn list(conn: &mut Conn<'_>, filter: &ResourceFilter, limit: i64) -> Result<Vec<Resource>, StoreError> {
    let mut rows: Vec<Resource> = on_backend!(conn, |c| {
        let mut query = resources::table
            .filter(resources::area_id.eq(filter.area.0))
            .filter(resources::kind.eq(filter.kind.as_str()))
            .filter(resources::deleted_at.is_null())
            .select(columns::<Resource>())
            .into_boxed();
        if let Some(state) = &filter.state {
            query = query.filter(resources::state.eq(state));
        }
        if let Some(text) = &filter.text {
            // `#12` and `!12` are how GitLab writes a number.
            let number: Option<i64> = text.trim_start_matches(['#', '!']).parse().ok();
            query = query.filter(
                lower(resources::title)
                    .like(lower(contains(text)))
                    .escape('\\')
                    .or(resources::iid.eq(number).assume_not_null()),
            );
        }
        if !filter.confidential {
            query = query.filter(resources::confidential.eq(false));
        }
        if filter.kind.is_dated() {
            if let Some((time, id)) = filter.before {
                let time = time.map(stored);
                query = query.filter(
                    resources::updated_at
                        .lt(time)
                        .or(resources::updated_at.eq(time).and(resources::id.lt(id)))
                        .assume_not_null(),
                );
            }
            if let Some((time, id)) = filter.after {
                let time = time.map(stored);
                query = query
                    .filter(
                        resources::updated_at
                            .gt(time)
                            .or(resources::updated_at.eq(time).and(resources::id.gt(id)))
                            .assume_not_null(),
                    )
                    .order((resources::updated_at.asc(), resources::id.asc()));
            } else {
                query = query.order((resources::updated_at.desc(), resources::id.desc()));
            }
        } else {
            if let Some((_, id)) = filter.before {
                query = query.filter(resources::id.lt(id));
            }
            query = match filter.after {
                Some((_, id)) => query.filter(resources::id.gt(id)).order(resources::id.asc()),
                None => query.order(resources::id.desc()),
            };
        }
        query.limit(limit).load(c)
    })?;
    if filter.after.is_some() {
        rows.reverse();
    }
    Ok(rows)
}

/// Those of the next `limit` objects of a kind, in the order of their rows from after `after` on, that may be read; and the
/// last row that was looked at, where there may be more.
pub fn export(
    conn: &mut Conn<'_>,
    kind: RecordKind,
    may_read: impl Fn(&Resource) -> bool,
    after: i64,
    limit: i64,
) -> Result<(Vec<Resource>, Option<i64>), StoreError> {
    let query = resources::table
        .filter(resources::id.gt(after))
        .filter(resources::kind.eq(kind.as_str()))
        .filter(resources::deleted_at.is_null())
        .order(resources::id)
        .limit(limit)
        .select(columns::<Resource>());
    let mut rows: Vec<Resource> = on_backend!(conn, |c| query.load(c))?;
    let last = rows.last().map(|row| row.id).filter(|_| i64::try_from(rows.len()).is_ok_and(|found| found >= limit));
    // Here, since there may be more areas than a statement takes values.
    rows.retain(may_read);
    Ok((rows, last))
}

/// Jobs of pipelines that have not ended; one that waits for a person may wait for ever.
const UNFINISHED: [&str; 7] =
    ["created", "waiting_for_resource", "preparing", "waiting_for_callback", "pending", "running", "scheduled"];
/// Of what is older, the passes over everything tell.
const UNFINISHED_MATTERS: TimeDelta = TimeDelta::days(7);

/// Where a pass over what changed has to begin, given where the last one did: GitLab does not tell of jobs of pipelines that
/// have changed, so a pass goes back to the oldest one that had not ended.
pub(crate) fn back_to_unfinished(
    conn: &mut Conn<'_>,
    area: AreaId,
    kind: &str,
    watermark: Option<DateTime<Utc>>,
) -> Result<Option<DateTime<Utc>>, StoreError> {
    let Some(watermark) = watermark.filter(|_| kind == "pipeline_jobs") else { return Ok(watermark) };
    let since = stored(now() - UNFINISHED_MATTERS);
    let query = resources::table
        .filter(resources::area_id.eq(area.0))
        .filter(resources::kind.eq(RecordKind::PipelineJob.as_str()))
        // It changes when it begins, and not after that until it ends.
        .filter(resources::updated_at.gt(since))
        .filter(resources::created_at.gt(since))
        .filter(resources::state.eq_any(UNFINISHED))
        .filter(resources::deleted_at.is_null())
        .select(diesel::dsl::min(resources::created_at));
    let oldest: Option<Stamp> = on_backend!(conn, |c| query.get_result(c))?;
    Ok(Some(oldest.map_or(watermark, |oldest| oldest.and_utc().min(watermark))))
}

/// One object, by its row.
pub fn get(conn: &mut Conn<'_>, id: i64) -> Result<Option<Resource>, StoreError> {
    let query = resources::table.find(id).filter(resources::deleted_at.is_null()).select(columns::<Resource>());
    Ok(on_backend!(conn, |c| query.get_result(c).optional())?)
}

/// The object that an object hangs on.
pub fn parent(conn: &mut Conn<'_>, child: &Resource) -> Result<Option<Resource>, StoreError> {
    let hangs = resources::table.find(child.id).select((resources::parent_kind, resources::parent_id));
    let (kind, id): (Option<String>, Option<i64>) = on_backend!(conn, |c| hangs.get_result(c))?;
    let (Some(kind), Some(id)) = (kind, id) else { return Ok(None) };
    let query = resources::table
        .filter(resources::instance_id.eq(child.instance_id))
        .filter(resources::kind.eq(kind))
        .filter(resources::gitlab_id.eq(id))
        .filter(resources::deleted_at.is_null())
        .select(columns::<Resource>());
    Ok(on_backend!(conn, |c| query.get_result(c).optional())?)
}

/// The details of a group or project.
pub fn detail(conn: &mut Conn<'_>, area: AreaId) -> Result<Option<Resource>, StoreError> {
    let query = resources::table
        .filter(resources::area_id.eq(area.0))
        .filter(resources::kind.eq_any([RecordKind::Group.as_str(), RecordKind::Project.as_str()]))
        .select(columns::<Resource>());
    Ok(on_backend!(conn, |c| query.first(c).optional())?)
}

/// What hangs on an object, oldest first, at most `limit`.
pub fn children(
    conn: &mut Conn<'_>,
    parent: &Resource,
    confidential: bool,
    limit: i64,
) -> Result<Vec<Resource>, StoreError> {
    on_backend!(conn, |c| {
        let mut query = resources::table
            .filter(resources::instance_id.eq(parent.instance_id))
            .filter(resources::parent_kind.eq(&parent.kind))
            .filter(resources::parent_id.eq(parent.gitlab_id))
            .filter(resources::deleted_at.is_null())
            .order((resources::created_at.asc(), resources::gitlab_id.asc()))
            .limit(limit)
            .select(columns::<Resource>())
            .into_boxed();
        if !confidential {
            query = query.filter(resources::confidential.eq(false));
        }
        Ok(query.load(c)?)
    })
}
