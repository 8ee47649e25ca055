//! CSV. Text that a spreadsheet would take for a formula begins with an apostrophe.

use super::{
    ExportError,
    row::{COLUMNS, Row, time},
};

/// Rows, with the names of the columns before the first ones.
pub(super) fn write(rows: &[Row<'_>], first: bool) -> Result<Vec<u8>, ExportError> {
    let wrong = |error: csv::Error| ExportError::Row(error.to_string());
    let mut out = csv::Writer::from_writer(Vec::new());
    if first {
        out.write_record(COLUMNS).map_err(wrong)?;
    }
    for Row { object, area } in rows {
        let number = |number: Option<i64>| number.map_or_else(String::new, |number| number.to_string());
        out.write_record([
            object.id.to_string(),
            object.area_id.to_string(),
            cell(area),
            object.gitlab_id.to_string(),
            number(object.iid),
            cell(&object.title),
            cell(object.state.as_deref().unwrap_or_default()),
            cell(object.author.as_deref().unwrap_or_default()),
            time(object.created_at()).unwrap_or_default(),
            time(object.updated_at()).unwrap_or_default(),
            time(object.closed_at()).unwrap_or_default(),
            time(object.merged_at()).unwrap_or_default(),
            object.confidential.to_string(),
            cell(object.web_url.as_deref().unwrap_or_default()),
            object.payload.clone(),
        ])
        .map_err(wrong)?;
    }
    out.into_inner().map_err(|error| ExportError::Row(error.to_string()))
}

/// Text as a spreadsheet takes it for text, whoever wrote it.
fn cell(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_formula_is_text() {
        assert_eq!(cell("=HYPERLINK(\"https://example.com\")"), "'=HYPERLINK(\"https://example.com\")");
        assert_eq!(cell("a = b"), "a = b");
    }
}
