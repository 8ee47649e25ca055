//! A row of a REST list, and what can be read from it.

use super::super::record::plain;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use trawl_gitlab::rest::Row;
use trawl_jobs::{AreaRef, Record, RecordKind};

/// What GraphQL has told, as a row.
pub(super) fn of(object: &impl Serialize) -> Row {
    match serde_json::to_value(object) {
        Ok(Value::Object(row)) => row,
        _ => unreachable!("plain structs with text keys always serialize as objects"),
    }
}

/// A row and where it was found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    pub(super) area: &'a AreaRef,
    pub(super) row: &'a Row,
}

impl Fields<'_> {
    /// A number that has to be there.
    pub(super) fn number(&self, key: &str) -> Result<i64, String> {
        self.row.get(key).and_then(Value::as_i64).ok_or_else(|| format!("it has no {key}"))
    }

    /// A text that has to be there.
    pub(super) fn need(&self, key: &str) -> Result<String, String> {
        self.text(key).ok_or_else(|| format!("it has no {key}"))
    }

    /// A text; a key with points leads inwards.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        self.get(path)?.as_str().map(str::to_owned)
    }

    /// A number further inside; a key with points leads there.
    pub(super) fn inner(&self, path: &str) -> Option<i64> {
        self.get(path)?.as_i64()
    }

    /// Yes or no.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        self.get(key)?.as_bool()
    }

    /// A time.
    pub(super) fn time(&self, path: &str) -> Option<DateTime<Utc>> {
        let time = DateTime::parse_from_rfc3339(self.get(path)?.as_str()?).ok()?;
        Some(time.to_utc())
    }

    fn get(&self, path: &str) -> Option<&Value> {
        let mut keys = path.split('.');
        let first = self.row.get(keys.next()?)?;
        keys.try_fold(first, |value, key| value.get(key))
    }

    /// A record with this id, of which nothing else is said yet.
    pub(super) fn record(&self, kind: RecordKind, gitlab_id: i64) -> Record {
        plain(kind, gitlab_id, self.row)
    }

    /// The same for what GitLab knows by a name alone, unique within the group or project.
    pub(super) fn named(&self, kind: RecordKind, name: &str) -> Record {
        self.record(kind, self.area.named_id(name))
    }
}

/// Takes out what opens doors: tokens of runners and triggers, passwords in addresses of mirrors.
pub(super) fn strip(row: &mut Row) {
    row.retain(|key, _| !["token", "secret", "password"].iter().any(|word| key.contains(word)) && key != "import_url");
    for value in row.values_mut() {
        match value {
            Value::Object(inner) => strip(inner),
            Value::Array(rows) => rows.iter_mut().filter_map(Value::as_object_mut).for_each(strip),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_opens_doors_is_left_out() {
        let mut row = json!({
            "id": 1,
            "runners_token": "GR1348941",
            "import_url": "https://me:pw@example.com",
            "project": { "ci_job_token_scope_enabled": true, "name": "hammer" },
            "triggers": [{ "token": "x", "id": 2 }],
        });
        let row = row.as_object_mut().unwrap();
        strip(row);
        assert_eq!(json!(row), json!({ "id": 1, "project": { "name": "hammer" }, "triggers": [{ "id": 2 }] }));
    }
}
