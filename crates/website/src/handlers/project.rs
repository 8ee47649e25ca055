//! One project, and what is mirrored of it.

use crate::{
    answer::{PageError, page},
    app::App,
    freshness::Freshness,
    handlers::explore::{ancestors, description},
    pages::{Frame, ProjectPage, ResourceFilter, ResourceRow, Tab, words},
    session::{PageUser, SignedIn},
};
use actix_web::{
    HttpResponse,
    web::{Data, Path, Query},
};
use chrono::DateTime;
use serde::Deserialize;
use trawl_jobs::{AreaId, AreaKind, RecordKind};
use trawl_store::{
    Conn, StoreError, areas,
    resources::{self, Place, Resource, ResourceFilter as StoreFilter},
};

const PAGE: usize = 50;

/// What the URL says.
#[derive(Debug, Deserialize)]
pub struct ProjectQuery {
    tab: Option<String>,
    state: Option<String>,
    q: Option<String>,
    before: Option<String>,
    after: Option<String>,
}

/// `GET /explore/project/{id}`.
///
/// # Errors
/// No such project for this user.
pub async fn show(
    app: Data<App>,
    user: PageUser,
    id: Path<i64>,
    query: Query<ProjectQuery>,
) -> Result<HttpResponse, PageError> {
    let (frame, id, query) = (user.0.frame(&app), AreaId(id.into_inner()), query.into_inner());
    let loaded = app.db.read(move |conn| load(conn, &user.0, frame, id, query)).await?;
    page(&loaded)
}

fn load(
    conn: &mut Conn<'_>,
    user: &SignedIn,
    frame: Frame,
    id: AreaId,
    query: ProjectQuery,
) -> Result<ProjectPage, StoreError> {
    let visible = areas::visible_one(conn, user.user.id(), id)?.ok_or(StoreError::NotFound)?;
    let freshness = Freshness::load(conn, user.user.id())?;
    let row = freshness.area(id).filter(|row| row.kind == AreaKind::Project).ok_or(StoreError::NotFound)?.clone();
    let filter = ResourceFilter {
        tab: Tab::parse(query.tab.as_deref().unwrap_or_default()),
        state: query.state.filter(|state| !state.is_empty()),
        q: query.q.unwrap_or_default().trim().to_owned(),
    };
    let wanted = StoreFilter {
        area: id,
        kind: filter.tab.kind(),
        state: filter.state.clone(),
        text: Some(filter.q.clone()).filter(|q| !q.is_empty()),
        confidential: visible.may_read_confidential(),
        before: query.before.as_deref().and_then(read_key),
        after: query.after.as_deref().and_then(read_key),
    };
    let counts = Tab::ALL.into_iter().filter(|tab| visible.may_read(tab.kind()));
    let counts = counts.map(|tab| (tab, freshness.count(id, tab.kind()))).collect();
    if !visible.may_read(wanted.kind) {
        return Err(StoreError::NotFound);
    }
    let mut found = resources::list(conn, &wanted, i64::try_from(PAGE + 1).unwrap_or(i64::MAX))?;
    let more = found.len() > PAGE;
    let (has_older, has_newer) = if wanted.after.is_some() {
        if more {
            found.remove(0);
        }
        (true, more)
    } else {
        found.truncate(PAGE);
        (more, wanted.before.is_some())
    };
    let area = visible.area;
    Ok(ProjectPage {
        frame,
        id: id.0,
        name: row.name,
        ancestors: ancestors(&freshness, &area.full_path),
        description: description(conn, id)?,
        visibility: area.visibility,
        archived: area.archived,
        web_url: area.web_url,
        synced_at: row.synced_at,
        completeness: row.completeness,
        counts,
        filter,
        older: found.last().filter(|_| has_older).map(key),
        newer: found.first().filter(|_| has_newer).map(key),
        rows: found.iter().map(resource_row).collect(),
        full_path: area.full_path,
    })
}

/// A row's place in the order: its last change and its id.
fn key(resource: &Resource) -> String {
    let micros = resource.updated_at().map(|time| time.timestamp_micros().to_string());
    format!("{}-{}", micros.unwrap_or_default(), resource.id)
}

/// A key that cannot be read shows the first page.
fn read_key(text: &str) -> Option<Place> {
    let (micros, id) = text.split_once('-')?;
    let time = match micros {
        "" => None,
        micros => Some(DateTime::from_timestamp_micros(micros.parse().ok()?)?),
    };
    Some((time, id.parse().ok()?))
}

fn resource_row(resource: &Resource) -> ResourceRow {
    let payload: serde_json::Value = serde_json::from_str(&resource.payload).unwrap_or_default();
    ResourceRow {
        id: resource.id,
        iid: resource.iid,
        title: if resource.kind == RecordKind::TestReport.as_str() {
            words::tests(&payload)
        } else {
            resource.title.clone()
        },
        author: resource.author.clone(),
        state: resource.state.clone().unwrap_or_default(),
        labels: titles(&payload["labels"]),
        confidential: resource.confidential,
        at: resource.updated_at().or(resource.created_at()),
        web_url: resource.web_url.clone(),
    }
}

/// Titles of labels in a payload.
#[must_use]
pub fn titles(labels: &serde_json::Value) -> Vec<String> {
    let each = labels.as_array().map_or(&[][..], Vec::as_slice).iter();
    each.filter_map(|label| label["title"].as_str()).map(str::to_owned).collect()
}
