//! Everything of one kind in one file, for other programs.
//!
//! It is sent as it is read, some rows at a time and each time with what may be seen at that moment, so that its length
//! costs no memory here.

mod csv;
mod json_lines;
mod parquet;
mod row;

use self::row::Row;
use futures_util::{Stream, stream};
use std::collections::HashMap;
use trawl_jobs::{AreaId, RecordKind, UserId};
use trawl_store::{
    Db, StoreError,
    areas::{self, VisibleArea},
    resources::{self, Resource},
};

/// Rows that are read at once.
const CHUNK: i64 = 500;
/// Rows of a group in Parquet, whose columns are compressed together.
const GROUP: i64 = 4000;
/// A group has fewer where they are long. Bytes of what GitLab has said.
const GROUP_BYTES: usize = 16 * 1024 * 1024;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For spreadsheets.
    Csv,
    /// An object a line.
    JsonLines,
    /// Columns with types.
    Parquet,
}

impl Format {
    /// All of them, by the ending of their files.
    pub const ALL: [(&'static str, Self); 3] =
        [("csv", Self::Csv), ("jsonl", Self::JsonLines), ("parquet", Self::Parquet)];

    /// Its media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::JsonLines => "application/x-ndjson",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }
}

/// Reads the name of a file: a kind in the plural and a format, such as `issues.csv`.
///
/// # Errors
/// What there is, where it is none.
pub fn parse(file: &str) -> Result<(RecordKind, Format), String> {
    let found = file.split_once('.').and_then(|(name, ending)| {
        let kind = RecordKind::ALL.iter().copied().find(|kind| kind.table() == name)?;
        Some((kind, Format::ALL.into_iter().find(|(word, _)| *word == ending)?.1))
    });
    found.ok_or_else(|| {
        let kinds: Vec<_> = RecordKind::ALL.iter().map(|kind| kind.table()).collect();
        format!("there is no file {file:?}; use one of {} and .csv, .jsonl or .parquet", kinds.join(", "))
    })
}

/// Whose eyes a file is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Whoever may open the database sees all there is.
    Everything,
    /// What a user may see.
    Of(UserId),
}

/// Why a file ends before its time.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something in it is not what it should be.
    #[error("a row cannot be written: {0}")]
    Row(String),
}

/// What is still to be written.
pub struct Export {
    db: Db,
    sight: Sight,
    kind: RecordKind,
    format: Format,
    area: Option<AreaId>,
    /// The last row that was written.
    after: Option<i64>,
    /// Rows that are read next.
    limit: i64,
    parquet: Option<parquet::File>,
}

impl Export {
    /// A file, of one group or project alone where that is wished.
    ///
    /// # Errors
    /// Never, in formats that this build knows.
    pub fn new(
        db: Db,
        sight: Sight,
        (kind, format): (RecordKind, Format),
        area: Option<AreaId>,
    ) -> Result<Self, ExportError> {
        let parquet = (format == Format::Parquet).then(parquet::File::new).transpose()?;
        Ok(Self { db, sight, kind, format, area, after: None, limit: CHUNK, parquet })
    }

    /// The file, part by part.
    pub fn parts(self) -> impl Stream<Item = Result<Vec<u8>, ExportError>> {
        stream::try_unfold(Some(self), async |export| match export {
            Some(export) => export.next().await.map(Some),
            None => Ok(None),
        })
    }

    /// The next part, and what comes after it.
    async fn next(mut self) -> Result<(Vec<u8>, Option<Self>), ExportError> {
        let (sight, kind, only, after) = (self.sight, self.kind, self.area, self.after);
        let limit = self.limit;
        let read = self.db.read(move |conn| {
            let seen = match sight {
                Sight::Everything => areas::all(conn)?.into_iter().map(VisibleArea::whole).collect(),
                Sight::Of(user) => areas::visible(conn, user)?,
            };
            let seen = seen.into_iter().filter(|seen| only.is_none_or(|only| seen.area.id() == only));
            let seen: HashMap<i64, VisibleArea> =
                seen.filter(|seen| seen.may_read(kind)).map(|seen| (seen.area.id().0, seen)).collect();
            let may_read = |row: &Resource| {
                seen.get(&row.area_id).is_some_and(|seen| !row.confidential || seen.may_read_confidential())
            };
            let (rows, last) = resources::export(conn, kind, may_read, after.unwrap_or(0), limit)?;
            let paths: HashMap<i64, String> = seen.into_iter().map(|(id, seen)| (id, seen.area.full_path)).collect();
            Ok((rows, last, paths))
        });
        let (objects, last, paths) = read.await?;
        let area = |object: &Resource| paths.get(&object.area_id).map_or("", String::as_str);
        let rows: Vec<Row<'_>> = objects.iter().map(|object| Row { object, area: area(object) }).collect();
        let part = match (self.format, &mut self.parquet) {
            (Format::Csv, _) => csv::write(&rows, after.is_none())?,
            (Format::Parquet, Some(file)) => {
                let mut part = file.write(&rows)?;
                if last.is_none() {
                    part.extend(file.end()?);
                }
                part
            }
            (Format::JsonLines, _) | (Format::Parquet, None) => json_lines::write(&rows)?,
        };
        if self.format == Format::Parquet && !objects.is_empty() {
            // As long as these were, the next ones are.
            let each = objects.iter().map(|object| object.payload.len()).sum::<usize>() / objects.len();
            self.limit = i64::try_from(GROUP_BYTES / each.max(1)).unwrap_or(GROUP).clamp(100, GROUP);
        }
        let rest = last.map(|last| Self { after: Some(last), ..self });
        Ok((part, rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_a_kind_and_a_format() {
        assert_eq!(parse("issues.csv"), Ok((RecordKind::Issue, Format::Csv)));
        assert_eq!(parse("merge_requests.jsonl"), Ok((RecordKind::MergeRequest, Format::JsonLines)));
        assert_eq!(parse("commits.parquet"), Ok((RecordKind::Commit, Format::Parquet)));
        for wrong in ["issues", "issues.xls", "frogs.csv", ".csv"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
