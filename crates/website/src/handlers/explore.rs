//! The mirror: its groups and projects.

use crate::{
    answer::{PageError, page},
    app::App,
    freshness::Freshness,
    pages::{AreaRow, Crumb, Explore, FoundRow, Frame, GroupPage},
    search,
    session::{PageUser, SignedIn},
};
use actix_web::{
    HttpResponse,
    web::{Data, Path, Query},
};
use serde::Deserialize;
use trawl_jobs::{AreaId, AreaKind, RecordKind};
use trawl_store::{Conn, StoreError, accounts, areas, resources};

/// Areas that a search lists at most.
const FOUND: usize = 200;
/// Objects that a search lists at most.
const OBJECTS: i64 = 50;

/// What the URL says.
#[derive(Debug, Deserialize)]
pub struct ExploreQuery {
    q: Option<String>,
    kind: Option<String>,
}

/// `GET /explore`.
///
/// # Errors
/// The database.
pub async fn show(app: Data<App>, user: PageUser, query: Query<ExploreQuery>) -> Result<HttpResponse, PageError> {
    let ExploreQuery { q, kind } = query.into_inner();
    let (frame, q) = (user.0.frame(&app), q.unwrap_or_default().trim().to_owned());
    let kind = kind.and_then(|kind| kind.parse().ok());
    let loaded = app.db.read(move |conn| load(conn, &user.0, frame, q, kind)).await?;
    page(&loaded)
}

/// `GET /explore/group/{id}`.
///
/// # Errors
/// No such group for this user.
pub async fn group(app: Data<App>, user: PageUser, id: Path<i64>) -> Result<HttpResponse, PageError> {
    let (frame, id) = (user.0.frame(&app), AreaId(id.into_inner()));
    let loaded = app.db.read(move |conn| load_group(conn, &user.0, frame, id)).await?;
    page(&loaded)
}

fn load(
    conn: &mut Conn<'_>,
    user: &SignedIn,
    frame: Frame,
    q: String,
    kind: Option<RecordKind>,
) -> Result<Explore, StoreError> {
    let linked = accounts::list(conn, Some(user.user.id()))?.len();
    let mut areas = Freshness::load(conn, user.user.id())?.areas().to_vec();
    let (mut more, mut objects) = (false, Vec::new());
    if !q.is_empty() {
        for found in search::find(conn, user, &q, kind, OBJECTS)? {
            objects.push(found_row(conn, found)?);
        }
        let wanted = q.to_lowercase();
        areas.retain(|row| row.full_path.to_lowercase().contains(&wanted) || row.name.to_lowercase().contains(&wanted));
        more = areas.len() > FOUND;
        areas.truncate(FOUND);
    }
    let linked_accounts = i64::try_from(linked).unwrap_or(i64::MAX);
    Ok(Explore { frame, linked_accounts, q, areas, more, objects, kind })
}

/// A note leads to what it is a note on, other objects to their own page.
fn found_row(conn: &mut Conn<'_>, found: search::Found) -> Result<FoundRow, StoreError> {
    let search::Found { object, path, excerpt } = found;
    let kind: RecordKind = object.kind.parse().map_err(StoreError::Corrupt)?;
    let page = match kind {
        RecordKind::Issue | RecordKind::MergeRequest => Some((object.kind.clone(), object.id)),
        RecordKind::Note | RecordKind::Timelog => {
            resources::parent(conn, &object)?.map(|parent| (parent.kind, parent.id))
        }
        _ => None,
    };
    let title = match (object.title.is_empty(), object.iid) {
        (false, Some(iid)) if kind == RecordKind::Issue => format!("#{iid} {}", object.title),
        (false, Some(iid)) if kind == RecordKind::MergeRequest => format!("!{iid} {}", object.title),
        (false, _) => object.title.clone(),
        (true, _) => "comment".to_owned(),
    };
    Ok(FoundRow {
        id: object.id,
        kind,
        title,
        href: page.map(|(kind, id)| format!("/explore/{kind}/{id}")),
        at: object.updated_at().or(object.created_at()),
        web_url: object.web_url,
        path,
        author: object.author,
        excerpt,
    })
}

fn load_group(conn: &mut Conn<'_>, user: &SignedIn, frame: Frame, id: AreaId) -> Result<GroupPage, StoreError> {
    let freshness = Freshness::load(conn, user.user.id())?;
    let row = freshness.area(id).filter(|row| row.kind == AreaKind::Group).ok_or(StoreError::NotFound)?.clone();
    let area = areas::get(conn, id)?.ok_or(StoreError::NotFound)?;
    let below = |kind: AreaKind| -> Vec<AreaRow> {
        let rows = freshness.areas().iter();
        rows.filter(|each| each.kind == kind && each.parent_path() == Some(&row.full_path)).cloned().collect()
    };
    let own = [RecordKind::Epic, RecordKind::Iteration, RecordKind::Milestone, RecordKind::Label, RecordKind::Member];
    let own = own.map(|kind| (kind, freshness.count(id, kind))).into_iter().filter(|(_, count)| *count > 0);
    Ok(GroupPage {
        frame,
        own: own.collect(),
        name: row.name.clone(),
        ancestors: ancestors(&freshness, &row.full_path),
        description: description(conn, id)?,
        visibility: area.visibility,
        web_url: area.web_url,
        synced_at: row.synced_at,
        completeness: row.completeness.clone(),
        subgroups: below(AreaKind::Group),
        projects: below(AreaKind::Project),
        full_path: row.full_path,
    })
}

/// The groups above a path that the user may see, outermost first.
#[must_use]
pub fn ancestors(freshness: &Freshness, path: &str) -> Vec<Crumb> {
    let groups = freshness.areas().iter().filter(|row| row.kind == AreaKind::Group);
    let mut above: Vec<&AreaRow> =
        groups.filter(|row| path.strip_prefix(&row.full_path).is_some_and(|rest| rest.starts_with('/'))).collect();
    above.sort_by_key(|row| row.full_path.len());
    above.into_iter().map(|row| Crumb { id: row.id, name: row.name.clone() }).collect()
}

/// What GitLab says about an area.
///
/// # Errors
/// The database.
pub fn description(conn: &mut Conn<'_>, area: AreaId) -> Result<Option<String>, StoreError> {
    let detail = resources::detail(conn, area)?;
    let payload: Option<serde_json::Value> = detail.and_then(|detail| serde_json::from_str(&detail.payload).ok());
    let text = payload.as_ref().and_then(|payload| payload["description"].as_str());
    Ok(text.filter(|text| !text.is_empty()).map(str::to_owned))
}
