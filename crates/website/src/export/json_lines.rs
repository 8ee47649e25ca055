//! JSON Lines: an object a line, and what GitLab has said as part of it.

use super::{
    ExportError,
    row::{Row, time},
};
use serde::Serialize;
use serde_json::value::RawValue;

#[derive(Serialize)]
struct Line<'a> {
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

pub(super) fn write(rows: &[Row<'_>]) -> Result<Vec<u8>, ExportError> {
    let mut out = Vec::new();
    for Row { object, area } in rows {
        let wrong = |error: serde_json::Error| ExportError::Row(error.to_string());
        let line = Line {
            id: object.id,
            area_id: object.area_id,
            area,
            gitlab_id: object.gitlab_id,
            iid: object.iid,
            title: &object.title,
            state: object.state.as_deref(),
            author: object.author.as_deref(),
            created_at: time(object.created_at()),
            updated_at: time(object.updated_at()),
            closed_at: time(object.closed_at()),
            merged_at: time(object.merged_at()),
            confidential: object.confidential,
            web_url: object.web_url.as_deref(),
            payload: serde_json::from_str(&object.payload).map_err(wrong)?,
        };
        serde_json::to_writer(&mut out, &line).map_err(wrong)?;
        out.push(b'\n');
    }
    Ok(out)
}
