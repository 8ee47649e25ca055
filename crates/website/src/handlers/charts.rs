//! A project's figures over time, for people and for programs.

use crate::{
    answer::{ApiError, PageError, page},
    app::App,
    freshness::Freshness,
    handlers::explore::{ancestors, description},
    pages::{Chart, ChartsPage, Frame},
    session::{ApiUser, PageUser, SignedIn},
};
use actix_web::{
    HttpResponse,
    web::{Data, Path, Query},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use trawl_jobs::{AreaId, AreaKind};
use trawl_store::{
    Conn, StoreError, areas,
    charts::{self, Figure},
    now,
};
use utoipa::{IntoParams, ToSchema};

/// Weeks that a page shows, and that a program gets if it does not say how many.
const WEEKS: u64 = 26;
/// Weeks that a program may ask for.
const MOST: u64 = 260;

/// `GET /explore/project/{id}/charts`.
///
/// # Errors
/// No such project for this user.
pub async fn show(app: Data<App>, user: PageUser, id: Path<i64>) -> Result<HttpResponse, PageError> {
    let (frame, id) = (user.0.frame(&app), AreaId(id.into_inner()));
    let loaded = app.db.read(move |conn| load(conn, &user.0, frame, id)).await?;
    page(&loaded)
}

fn load(conn: &mut Conn<'_>, user: &SignedIn, frame: Frame, id: AreaId) -> Result<ChartsPage, StoreError> {
    let visible = areas::visible_one(conn, user.user.id(), id)?.ok_or(StoreError::NotFound)?;
    let freshness = Freshness::load(conn, user.user.id())?;
    let row = freshness.area(id).filter(|row| row.kind == AreaKind::Project).ok_or(StoreError::NotFound)?.clone();
    let until = now();
    let chart = |figure| {
        let weeks = charts::weekly(conn, id, figure, WEEKS, until)?;
        let question = charts::question(conn, id, figure, WEEKS, until);
        Ok(Chart { figure, weeks, question })
    };
    let charts = Figure::ALL
        .into_iter()
        .filter(|figure| visible.may_read(figure.kind()))
        .map(chart)
        .collect::<Result<_, StoreError>>()?;
    Ok(ChartsPage {
        frame,
        id: id.0,
        name: row.name,
        ancestors: ancestors(&freshness, &visible.area.full_path),
        description: description(conn, id)?,
        visibility: visible.area.visibility,
        archived: visible.area.archived,
        web_url: visible.area.web_url,
        synced_at: row.synced_at,
        completeness: row.completeness,
        charts,
        full_path: visible.area.full_path,
    })
}

/// `GET /api/areas/{id}/charts`.
#[derive(Debug, Deserialize, IntoParams)]
pub struct ChartsQuery {
    /// How many weeks, this one included.
    weeks: Option<u64>,
}

#[derive(Serialize, ToSchema)]
struct WeekAnswer {
    /// Its Monday.
    week: String,
    /// None where nothing happened of which there could be a figure.
    value: Option<f64>,
}

#[derive(Serialize, ToSchema)]
struct ChartsAnswer {
    /// By the name of the figure, oldest week first.
    figures: BTreeMap<&'static str, Vec<WeekAnswer>>,
}

/// `GET /api/areas/{id}/charts`: a project's figures for each week, such as issues opened and closed, and how long merge
/// requests were open.
///
/// # Errors
/// No such project for this user, or too many weeks.
#[utoipa::path(
    get,
    path = "/api/areas/{id}/charts",
    operation_id = "charts",
    tag = "mirror",
    params(("id" = i64, Path, description = "Id of the project"), ChartsQuery),
    responses(
        (status = 200, description = "Oldest week first", body = ChartsAnswer),
    ),
)]
pub async fn for_programs(
    app: Data<App>,
    user: ApiUser,
    id: Path<i64>,
    query: Query<ChartsQuery>,
) -> Result<HttpResponse, ApiError> {
    let (id, weeks) = (AreaId(id.into_inner()), query.weeks.unwrap_or(WEEKS));
    if !(1..=MOST).contains(&weeks) {
        return Err(ApiError::Invalid(format!("weeks must be between 1 and {MOST}")));
    }
    let figures = app.db.read(move |conn| {
        let visible = areas::visible_one(conn, user.0.user.id(), id)?.ok_or(StoreError::NotFound)?;
        let until = now();
        let each = Figure::ALL.into_iter().filter(|figure| visible.may_read(figure.kind())).map(|figure| {
            let found = charts::weekly(conn, id, figure, weeks, until)?.into_iter();
            let weeks = found.map(|week| WeekAnswer { week: week.monday.to_string(), value: week.value });
            Ok((figure.as_str(), weeks.collect()))
        });
        each.collect::<Result<BTreeMap<_, _>, StoreError>>()
    });
    Ok(HttpResponse::Ok().json(ChartsAnswer { figures: figures.await? }))
}
