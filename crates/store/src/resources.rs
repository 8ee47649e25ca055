//! Mirrored objects.

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    now,
    schema::resources,
    text::{contains, lower, storable},
    when::stored,
};
use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use trawl_jobs::{AreaId, InstanceId, Record, RecordKind};

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
    created_at: Option<NaiveDateTime>,
    updated_at: Option<NaiveDateTime>,
    closed_at: Option<NaiveDateTime>,
    merged_at: Option<NaiveDateTime>,
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
        self.created_at.map(|time| time.and_utc())
    }

    /// Changed.
    #[must_use]
    pub fn updated_at(&self) -> Option<DateTime<Utc>> {
        self.updated_at.map(|time| time.and_utc())
    }

    /// Closed.
    #[must_use]
    pub fn closed_at(&self) -> Option<DateTime<Utc>> {
        self.closed_at.map(|time| time.and_utc())
    }

    /// Merged.
    #[must_use]
    pub fn merged_at(&self) -> Option<DateTime<Utc>> {
        self.merged_at.map(|time| time.and_utc())
    }
}

/// Writes an object if it is new, or no older than what is there. Returns whether anything was written.
pub fn upsert(conn: &mut Conn<'_>, instance: InstanceId, area: AreaId, record: &Record) -> Result<bool, StoreError> {
    use diesel::upsert::excluded;
    let at = stored(now());
    let values = (
        (
            resources::instance_id.eq(instance.0),
            resources::kind.eq(record.kind.as_str()),
            resources::gitlab_id.eq(record.gitlab_id),
            resources::area_id.eq(area.0),
            resources::iid.eq(record.iid),
            resources::parent_kind.eq(record.parent.map(|(kind, _)| kind.as_str())),
            resources::parent_id.eq(record.parent.map(|(_, id)| id)),
            resources::title.eq(storable(&record.title)),
            resources::state.eq(record.state.as_deref().map(storable)),
            resources::author.eq(record.author.as_deref().map(storable)),
        ),
        (
            resources::created_at.eq(record.created_at.map(stored)),
            resources::updated_at.eq(record.updated_at.map(stored)),
            resources::closed_at.eq(record.closed_at.map(stored)),
            resources::merged_at.eq(record.merged_at.map(stored)),
            resources::web_url.eq(record.web_url.as_deref().map(storable)),
            resources::confidential.eq(record.confidential),
            resources::payload.eq(storable(&record.payload)),
            resources::written_at.eq(at),
        ),
    );
    let changes = (
        (
            resources::area_id.eq(excluded(resources::area_id)),
            resources::iid.eq(excluded(resources::iid)),
            resources::parent_kind.eq(excluded(resources::parent_kind)),
            resources::parent_id.eq(excluded(resources::parent_id)),
            resources::title.eq(excluded(resources::title)),
            resources::state.eq(excluded(resources::state)),
            resources::author.eq(excluded(resources::author)),
            resources::created_at.eq(excluded(resources::created_at)),
        ),
        (
            resources::updated_at.eq(excluded(resources::updated_at)),
            resources::closed_at.eq(excluded(resources::closed_at)),
            resources::merged_at.eq(excluded(resources::merged_at)),
            resources::web_url.eq(excluded(resources::web_url)),
            resources::confidential.eq(excluded(resources::confidential)),
            resources::payload.eq(excluded(resources::payload)),
            resources::written_at.eq(excluded(resources::written_at)),
            resources::deleted_at.eq(None::<NaiveDateTime>),
        ),
    );
    let no_older = resources::updated_at
        .is_null()
        .or(excluded(resources::updated_at).is_null())
        .or(resources::updated_at.le(excluded(resources::updated_at)));
    let statement = diesel::insert_into(resources::table)
        .values(values)
        .on_conflict((resources::instance_id, resources::kind, resources::gitlab_id))
        .do_update()
        .set(changes);
    // By its full name: the statement is no query, and QueryDsl's `filter` is in scope.
    let statement = diesel::query_dsl::methods::FilterDsl::filter(statement, no_older);
    let written = on_backend!(conn, |c| statement.execute(c))?;
    Ok(written > 0)
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
    pub before: Option<(DateTime<Utc>, i64)>,
    /// Newer than this: of a page's first.
    pub after: Option<(DateTime<Utc>, i64)>,
}

/// Objects by their last change, newest first, at most `limit`.
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
        if let Some((time, id)) = filter.before {
            let time = Some(stored(time));
            query = query.filter(
                resources::updated_at
                    .lt(time)
                    .or(resources::updated_at.eq(time).and(resources::id.lt(id)))
                    .assume_not_null(),
            );
        }
        if let Some((time, id)) = filter.after {
            let time = Some(stored(time));
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
        query.limit(limit).load(c)
    })?;
    if filter.after.is_some() {
        rows.reverse();
    }
    Ok(rows)
}

/// One object, by its row.
pub fn get(conn: &mut Conn<'_>, id: i64) -> Result<Option<Resource>, StoreError> {
    let query = resources::table.find(id).filter(resources::deleted_at.is_null()).select(columns::<Resource>());
    Ok(on_backend!(conn, |c| query.first(c).optional())?)
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
