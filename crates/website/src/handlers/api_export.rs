//! Everything of one kind in one file, for other programs.

use crate::{
    answer::ApiError,
    app::App,
    export::{self, Export, ExportError, Sight},
    session::ApiUser,
};
use actix_web::{
    HttpResponse,
    http::header::CONTENT_DISPOSITION,
    web::{Bytes, Data, Path, Query},
};
use futures_util::TryStreamExt as _;
use serde::Deserialize;
use trawl_jobs::AreaId;
use trawl_store::{StoreError, areas};
use utoipa::IntoParams;

/// `GET /api/export/{file}`.
#[derive(Debug, Deserialize, IntoParams)]
pub struct ExportQuery {
    /// Only of this group or project, by our id.
    area: Option<i64>,
}

/// `GET /api/export/{file}`: all objects of a kind that are mine to see, such as `issues.csv` or `merge_requests.parquet`,
/// in the order in which they were first seen. In CSV, text that a spreadsheet would take for a formula begins with an
/// apostrophe.
///
/// # Errors
/// No such kind or format, or an area that is not the user's.
#[utoipa::path(
    get,
    path = "/api/export/{file}",
    operation_id = "export",
    tag = "mirror",
    params(
        ("file" = String, Path, description = "A kind in the plural, and csv, jsonl or parquet: issues.csv"),
        ExportQuery,
    ),
    responses(
        (status = 200, description = "The file", content(
            (String = "text/csv"),
            (String = "application/x-ndjson"),
            (Vec<u8> = "application/vnd.apache.parquet"),
        )),
    ),
)]
pub async fn show(
    app: Data<App>,
    user: ApiUser,
    file: Path<String>,
    query: Query<ExportQuery>,
) -> Result<HttpResponse, ApiError> {
    let (kind, format) = export::parse(&file).map_err(ApiError::Invalid)?;
    let (me, area) = (user.0.user.id(), query.area.map(AreaId));
    if let Some(area) = area {
        let seen = app.db.read(move |conn| areas::visible_one(conn, me, area)).await?;
        seen.filter(|seen| seen.may_read(kind)).ok_or(StoreError::NotFound)?;
    }
    let export = Export::new(app.db.clone(), Sight::Of(me), (kind, format), area)
        .map_err(|error| ApiError::Internal(error.to_string()))?;
    Ok(HttpResponse::Ok()
        .content_type(format.content_type())
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{file}\"")))
        .streaming(export.parts().map_ok(Bytes::from)))
}

/// Ends the connection in the middle, which is how whoever reads learns that the file is not whole.
impl From<ExportError> for actix_web::Error {
    fn from(error: ExportError) -> Self {
        tracing::warn!(%error, "an export ends before its time");
        actix_web::error::ErrorInternalServerError("the export ended before its time")
    }
}
