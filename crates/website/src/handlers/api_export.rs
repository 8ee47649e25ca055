//! Everything of one kind in one file, for other programs.
//!
//! It is sent as it is read, some rows at a time and each time with what the user may see at that moment, so that its
//! length costs no memory here.

use crate::{answer::ApiError, app::App, session::ApiUser};
use actix_web::{
    HttpResponse,
    http::header::CONTENT_DISPOSITION,
    web::{Bytes, Data, Path, Query},
};
use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::HashMap;
use trawl_jobs::{AreaId, RecordKind, UserId};
use trawl_store::{
    Db, StoreError,
    areas::{self, VisibleArea},
    resources::{self, Resource},
};
use utoipa::IntoParams;

/// Rows that are read at once.
const CHUNK: i64 = 500;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Csv,
    JsonLines,
}

/// `GET /api/export/{file}`.
#[derive(Debug, Deserialize, IntoParams)]
pub struct ExportQuery {
    /// Only of this group or project, by our id.
    area: Option<i64>,
}

/// A row of the file.
#[derive(Serialize)]
struct Row<'a> {
    id: i64,
    area_id: i64,
    area: &'a str,
    gitlab_id: i64,
    iid: Option<i64>,
    title: &'a str,
    state: Option<&'a str>,
    author: Option<&'a str>,
    created_at: Option<String>,
    updated_at: Option<String>,
    closed_at: Option<String>,
    merged_at: Option<String>,
    confidential: bool,
    web_url: Option<&'a str>,
    payload: &'a RawValue,
}

const COLUMNS: [&str; 15] = [
    "id",
    "area_id",
    "area",
    "gitlab_id",
    "iid",
    "title",
    "state",
    "author",
    "created_at",
    "updated_at",
    "closed_at",
    "merged_at",
    "confidential",
    "web_url",
    "payload",
];

/// `GET /api/export/{file}`: all objects of a kind that are mine to see, such as `issues.csv` or `merge_requests.jsonl`, in
/// the order in which they were first seen. In CSV, text that a spreadsheet would take for a formula begins with an
/// apostrophe.
///
/// # Errors
/// No such kind or format, or an area that is not the user's.
#[utoipa::path(
    get,
    path = "/api/export/{file}",
    operation_id = "export",
    tag = "mirror",
    params(("file" = String, Path, description = "A kind in the plural, and csv or jsonl: issues.csv"), ExportQuery),
    responses(
        (status = 200, description = "The file", content(
            (String = "text/csv"),
            (String = "application/x-ndjson"),
        )),
    ),
)]
pub async fn show(
    app: Data<App>,
    user: ApiUser,
    file: Path<String>,
    query: Query<ExportQuery>,
) -> Result<HttpResponse, ApiError> {
    let (kind, format) = parse(&file)?;
    let (me, area) = (user.0.user.id(), query.area.map(AreaId));
    if let Some(area) = area {
        let seen = app.db.read(move |conn| areas::visible_one(conn, me, area)).await?;
        seen.filter(|seen| seen.may_read(kind)).ok_or(StoreError::NotFound)?;
    }
    let content_type = match format {
        Format::Csv => "text/csv; charset=utf-8",
        Format::JsonLines => "application/x-ndjson",
    };
    let export = Export { db: app.db.clone(), me, kind, format, area, after: None };
    Ok(HttpResponse::Ok()
        .content_type(content_type)
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{file}\"")))
        .streaming(stream::try_unfold(Some(export), async |export| match export {
            Some(export) => export.next().await.map(Some),
            None => Ok::<_, ExportError>(None),
        })))
}

fn parse(file: &str) -> Result<(RecordKind, Format), ApiError> {
    let formats = [("csv", Format::Csv), ("jsonl", Format::JsonLines)];
    let found = file.split_once('.').and_then(|(name, ending)| {
        let kind = RecordKind::ALL.iter().copied().find(|kind| kind.table() == name)?;
        Some((kind, formats.into_iter().find(|(word, _)| *word == ending)?.1))
    });
    found.ok_or_else(|| {
        let kinds: Vec<_> = RecordKind::ALL.iter().map(|kind| kind.table()).collect();
        ApiError::Invalid(format!("there is no file {file:?}; use one of {} and .csv or .jsonl", kinds.join(", ")))
    })
}

/// Ends the connection in the middle, which is how whoever reads learns that the file is not whole.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a row cannot be written: {0}")]
    Row(String),
}

impl From<ExportError> for actix_web::Error {
    fn from(error: ExportError) -> Self {
        tracing::warn!(%error, "an export ends before its time");
        actix_web::error::ErrorInternalServerError("the export ended before its time")
    }
}

/// What is still to be sent.
struct Export {
    db: Db,
    me: UserId,
    kind: RecordKind,
    format: Format,
    area: Option<AreaId>,
    /// The last row that was sent.
    after: Option<i64>,
}

impl Export {
    /// The next part of the file, and what comes after it.
    async fn next(self) -> Result<(Bytes, Option<Self>), ExportError> {
        let (me, kind, only, after) = (self.me, self.kind, self.area, self.after);
        let read = self.db.read(move |conn| {
            let mut visible = areas::visible(conn, me)?;
            visible.retain(|seen| only.is_none_or(|only| seen.area.id() == only) && seen.may_read(kind));
            let seen: HashMap<i64, VisibleArea> = visible.into_iter().map(|seen| (seen.area.id().0, seen)).collect();
            let may_read = |row: &Resource| {
                seen.get(&row.area_id).is_some_and(|seen| !row.confidential || seen.may_read_confidential())
            };
            let (rows, last) = resources::export(conn, kind, may_read, after.unwrap_or(0), CHUNK)?;
            let paths: HashMap<i64, String> = seen.into_iter().map(|(id, seen)| (id, seen.area.full_path)).collect();
            Ok((rows, last, paths))
        });
        let (rows, last, paths) = read.await?;
        let path = |row: &Resource| paths.get(&row.area_id).map_or("", String::as_str).to_owned();
        let part = match self.format {
            Format::Csv => csv(&rows, path, after.is_none())?,
            Format::JsonLines => json_lines(&rows, path)?,
        };
        let rest = last.map(|last| Self { after: Some(last), ..self });
        Ok((part, rest))
    }
}

fn time(time: Option<DateTime<Utc>>) -> Option<String> {
    time.map(|time| time.to_rfc3339_opts(SecondsFormat::Micros, true))
}

fn json_lines(rows: &[Resource], path: impl Fn(&Resource) -> String) -> Result<Bytes, ExportError> {
    let mut out = Vec::new();
    for row in rows {
        let wrong = |error: serde_json::Error| ExportError::Row(error.to_string());
        let line = Row {
            id: row.id,
            area_id: row.area_id,
            area: &path(row),
            gitlab_id: row.gitlab_id,
            iid: row.iid,
            title: &row.title,
            state: row.state.as_deref(),
            author: row.author.as_deref(),
            created_at: time(row.created_at()),
            updated_at: time(row.updated_at()),
            closed_at: time(row.closed_at()),
            merged_at: time(row.merged_at()),
            confidential: row.confidential,
            web_url: row.web_url.as_deref(),
            payload: serde_json::from_str(&row.payload).map_err(wrong)?,
        };
        serde_json::to_writer(&mut out, &line).map_err(wrong)?;
        out.push(b'\n');
    }
    Ok(out.into())
}

fn csv(rows: &[Resource], path: impl Fn(&Resource) -> String, first: bool) -> Result<Bytes, ExportError> {
    let wrong = |error: csv::Error| ExportError::Row(error.to_string());
    let mut out = csv::Writer::from_writer(Vec::new());
    if first {
        out.write_record(COLUMNS).map_err(wrong)?;
    }
    for row in rows {
        let number = |number: Option<i64>| number.map_or_else(String::new, |number| number.to_string());
        out.write_record([
            row.id.to_string(),
            row.area_id.to_string(),
            cell(&path(row)),
            row.gitlab_id.to_string(),
            number(row.iid),
            cell(&row.title),
            cell(row.state.as_deref().unwrap_or_default()),
            cell(row.author.as_deref().unwrap_or_default()),
            time(row.created_at()).unwrap_or_default(),
            time(row.updated_at()).unwrap_or_default(),
            time(row.closed_at()).unwrap_or_default(),
            time(row.merged_at()).unwrap_or_default(),
            row.confidential.to_string(),
            cell(row.web_url.as_deref().unwrap_or_default()),
            row.payload.clone(),
        ])
        .map_err(wrong)?;
    }
    out.into_inner().map(Bytes::from).map_err(|error| ExportError::Row(error.to_string()))
}

/// Text as a spreadsheet takes it for text, whoever wrote it.
fn cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_kind_and_a_format() {
        assert_eq!(parse("issues.csv").unwrap(), (RecordKind::Issue, Format::Csv));
        assert_eq!(parse("merge_requests.jsonl").unwrap(), (RecordKind::MergeRequest, Format::JsonLines));
        for wrong in ["issues", "issues.xls", "frogs.csv", ".csv"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_looks_like_a_formula_is_text() {
        assert_eq!(cell("=HYPERLINK(\"https://example.com\")"), "'=HYPERLINK(\"https://example.com\")");
        assert_eq!(cell("a = b"), "a = b");
    }
}
