//! Groups and projects, and who may see them.

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    now,
    schema::{accounts, area_authorizations, areas},
    text::storable,
    when::{Stamp, stored},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use trawl_jobs::{
    AccountId, AreaId, AreaKind, AreaRef, Audience, FoundArea, InstanceId, RecordKind, UserId, plan::AreaTraits,
};

/// A group or project.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = areas)]
pub struct Area {
    id: i64,
    instance_id: i64,
    kind: String,
    /// GitLab's id.
    pub gitlab_id: i64,
    /// Such as `platform/infra/gateway`.
    pub full_path: String,
    /// Display name.
    pub name: String,
    /// Address in GitLab.
    pub web_url: Option<String>,
    /// `public`, `internal` or `private`.
    pub visibility: Option<String>,
    /// Mirrored once, not refreshed.
    pub archived: bool,
    /// The project's issue tracker is on.
    pub issues_enabled: bool,
    /// The project accepts merge requests.
    pub merge_requests_enabled: bool,
    seen_at: Stamp,
}

impl Area {
    /// Identity.
    #[must_use]
    pub const fn id(&self) -> AreaId {
        AreaId(self.id)
    }

    /// Where.
    #[must_use]
    pub const fn instance(&self) -> InstanceId {
        InstanceId(self.instance_id)
    }

    /// Group or project.
    #[must_use]
    pub fn kind(&self) -> AreaKind {
        if self.kind == "group" { AreaKind::Group } else { AreaKind::Project }
    }

    /// When an account last came across it.
    #[must_use]
    pub const fn seen_at(&self) -> DateTime<Utc> {
        self.seen_at.and_utc()
    }

    /// What planning needs to know.
    #[must_use]
    pub fn traits(&self) -> AreaTraits {
        AreaTraits {
            kind: self.kind(),
            issues_enabled: self.issues_enabled,
            merge_requests_enabled: self.merge_requests_enabled,
        }
    }

    /// What a worker needs to find it.
    #[must_use]
    pub fn reference(&self) -> AreaRef {
        AreaRef { kind: self.kind(), gitlab_id: self.gitlab_id, full_path: self.full_path.clone() }
    }
}

/// An account has come across an area: writes it down, under its newest path, and that the account may see it.
pub fn discovered(
    conn: &mut Conn<'_>,
    instance: InstanceId,
    account: AccountId,
    found: &FoundArea,
) -> Result<AreaId, StoreError> {
    let at = stored(now());
    let changes = (
        areas::full_path.eq(storable(&found.full_path)),
        areas::name.eq(storable(&found.name)),
        areas::web_url.eq(found.web_url.as_deref().map(storable)),
        areas::visibility.eq(found.visibility.as_deref().map(storable)),
        areas::archived.eq(found.archived),
        areas::issues_enabled.eq(found.issues_enabled),
        areas::merge_requests_enabled.eq(found.merge_requests_enabled),
        areas::seen_at.eq(at),
    );
    let values = (
        areas::instance_id.eq(instance.0),
        areas::kind.eq(found.kind.as_str()),
        areas::gitlab_id.eq(found.gitlab_id),
        areas::first_seen_at.eq(at),
        changes.clone(),
    );
    let id: i64 = on_backend!(conn, |c| diesel::insert_into(areas::table)
        .values(values)
        .on_conflict((areas::instance_id, areas::kind, areas::gitlab_id))
        .do_update()
        .set(changes)
        .returning(areas::id)
        .get_result(c))?;
    let may_see = (area_authorizations::access_level.eq(found.access_level), area_authorizations::seen_at.eq(at));
    let row = (area_authorizations::account_id.eq(account.0), area_authorizations::area_id.eq(id), may_see);
    on_backend!(conn, |c| diesel::insert_into(area_authorizations::table)
        .values(row)
        .on_conflict((area_authorizations::account_id, area_authorizations::area_id))
        .do_update()
        .set(may_see)
        .execute(c))?;
    Ok(AreaId(id))
}

/// An area, whoever asks.
pub fn get(conn: &mut Conn<'_>, area: AreaId) -> Result<Option<Area>, StoreError> {
    let query = areas::table.find(area.0).select(columns::<Area>());
    Ok(on_backend!(conn, |c| query.get_result(c).optional())?)
}

/// The area that GitLab knows by this number.
pub fn by_gitlab_id(
    conn: &mut Conn<'_>,
    instance: InstanceId,
    kind: AreaKind,
    gitlab_id: i64,
) -> Result<Option<Area>, StoreError> {
    let query = areas::table
        .filter(areas::instance_id.eq(instance.0))
        .filter(areas::kind.eq(kind.as_str()))
        .filter(areas::gitlab_id.eq(gitlab_id))
        .select(columns::<Area>());
    Ok(on_backend!(conn, |c| query.get_result(c).optional())?)
}

/// All there are, by id.
pub fn all(conn: &mut Conn<'_>) -> Result<Vec<Area>, StoreError> {
    Ok(on_backend!(conn, |c| areas::table.select(columns::<Area>()).order(areas::id).load(c))?)
}

/// All areas that are to be kept fresh.
pub fn refreshable(conn: &mut Conn<'_>) -> Result<Vec<Area>, StoreError> {
    let query = areas::table
        .filter(diesel::dsl::exists(
            area_authorizations::table
                .inner_join(accounts::table)
                .filter(area_authorizations::area_id.eq(areas::id))
                .filter(accounts::state.eq("working")),
        ))
        .select(columns::<Area>())
        .order(areas::id);
    Ok(on_backend!(conn, |c| query.load(c))?)
}

/// An area as a user sees it: with the highest access level that any of their accounts has there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VisibleArea {
    /// The area.
    pub area: Area,
    /// GitLab's access level of the user there (10 Guest … 50 Owner); none where GitLab does not say.
    pub access_level: Option<i32>,
}

impl VisibleArea {
    /// As whoever owns everything sees it.
    #[must_use]
    pub const fn whole(area: Area) -> Self {
        Self { area, access_level: Some(50) }
    }

    /// Whether confidential issues and internal notes may be read: for Reporter (20) and above.
    #[must_use]
    pub fn may_read_confidential(&self) -> bool {
        self.access_level.is_some_and(|level| level >= 20)
    }

    /// Whether the user may see objects of this kind at all.
    #[must_use]
    pub fn may_read(&self, kind: RecordKind) -> bool {
        self.is_of(kind.audience())
    }

    /// Whether the user is one of those.
    #[must_use]
    pub fn is_of(&self, audience: Audience) -> bool {
        let is_open = || self.area.visibility.as_deref().is_some_and(|visibility| visibility != "private");
        audience.level().is_none_or(|needed| self.access_level.is_some_and(|level| level >= needed))
            || (audience == Audience::Code && is_open())
    }
}

/// What a user may see: what any of their accounts may, in the order of the paths.
pub fn visible(conn: &mut Conn<'_>, user: UserId) -> Result<Vec<VisibleArea>, StoreError> {
    let query = areas::table
        .inner_join(area_authorizations::table.inner_join(accounts::table))
        .filter(accounts::user_id.eq(user.0))
        .order((areas::full_path, areas::id))
        .select((columns::<Area>(), area_authorizations::access_level));
    let rows: Vec<(Area, Option<i32>)> = on_backend!(conn, |c| query.load(c))?;
    let mut seen: Vec<VisibleArea> = Vec::with_capacity(rows.len());
    for (area, access_level) in rows {
        match seen.last_mut().filter(|last| last.area.id == area.id) {
            Some(last) => last.access_level = last.access_level.max(access_level),
            None => seen.push(VisibleArea { area, access_level }),
        }
    }
    Ok(seen)
}

/// One area, if the user may see it.
pub fn visible_one(conn: &mut Conn<'_>, user: UserId, area: AreaId) -> Result<Option<VisibleArea>, StoreError> {
    let query = areas::table
        .inner_join(area_authorizations::table.inner_join(accounts::table))
        .filter(accounts::user_id.eq(user.0))
        .filter(areas::id.eq(area.0))
        .select((columns::<Area>(), area_authorizations::access_level));
    let rows: Vec<(Area, Option<i32>)> = on_backend!(conn, |c| query.load(c))?;
    let access_level = rows.iter().filter_map(|row| row.1).max();
    Ok(rows.into_iter().next().map(|(area, _)| VisibleArea { area, access_level }))
}
