//! Mirrored objects by the words in them.
//!
//! Titles count before texts, and what was seen later before what was seen earlier. Of a word that is everywhere only some
//! places are looked at: nobody reads a hundred thousand of them, and everybody waits for them. For the same reason longer
//! words are looked for only where there is little else, and only for the last word: both databases gather all places of
//! a beginning before they give the first. Each has its own way around that.

mod postgres;
mod sqlite;

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    resources::Resource,
    schema::resources,
};
use diesel::{prelude::*, sql_types::BigInt};
use std::collections::{HashMap, HashSet};
use trawl_jobs::{AreaId, Audience, RecordKind};

/// Places of a word that are looked at, in titles and in texts.
const LOOKED_AT: i64 = 2000;
/// With so many objects that have the words themselves, longer words are not looked for.
const ENOUGH: usize = 10;
/// Words beyond these are not searched for.
const WORDS: usize = 12;

/// What is searched for, and among what.
#[derive(Debug, Clone)]
pub struct Search {
    /// What a person has typed.
    pub text: String,
    /// Only objects of this kind.
    pub kind: Option<RecordKind>,
    /// Only in these areas.
    pub among: Vec<AreaId>,
    /// Areas of these in which confidential objects may be read.
    pub confidential: Vec<AreaId>,
    /// For each of [`Audience::RESTRICTED`], areas of these in which what is meant for it may be read.
    pub restricted: [Vec<AreaId>; Audience::RESTRICTED.len()],
}

/// A row of `resources`.
#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// The words of a text as a person typed it: letters and digits, nothing that means something to a database.
#[must_use]
pub fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.take(WORDS).map(str::to_lowercase).collect()
}

/// What has to be where, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pass {
    /// All words in the title.
    Titles,
    /// All words, wherever.
    Texts,
    /// All words, of which the last may be the beginning of one: it is the one that people are still typing.
    Beginning,
}

/// Objects with all of these words, or where there are few, with a word that begins with the last of them, at most `limit`.
pub fn search(conn: &mut Conn<'_>, search: &Search, limit: i64) -> Result<Vec<Resource>, StoreError> {
    let words = words(&search.text);
    if words.is_empty() || search.among.is_empty() {
        return Ok(Vec::new());
    }
    let mut ids = Vec::new();
    let mut seen = HashSet::new();
    let wanted = usize::try_from(limit).unwrap_or(0);
    for pass in [Pass::Titles, Pass::Texts, Pass::Beginning] {
        let enough = if pass == Pass::Beginning { ENOUGH.min(wanted) } else { wanted };
        if ids.len() >= enough {
            break;
        }
        let places = match conn {
            Conn::Sqlite(c) => sqlite::places(c, search, &words, pass, limit)?,
            Conn::Postgres(c) => postgres::places(c, search, &words, pass, limit)?,
        };
        ids.extend(places.into_iter().filter(|id| seen.insert(*id)));
    }
    ids.truncate(wanted);
    let query = resources::table.filter(resources::id.eq_any(&ids)).select(columns::<Resource>());
    let rows: Vec<Resource> = on_backend!(conn, |c| query.load(c))?;
    let mut rows: HashMap<i64, Resource> = rows.into_iter().map(|row| (row.id, row)).collect();
    Ok(ids.into_iter().filter_map(|id| rows.remove(&id)).collect())
}

/// Areas as a database has their ids.
fn ids(areas: &[AreaId]) -> Vec<i64> {
    areas.iter().map(|area| area.0).collect()
}

/// Conditions for kinds that are not for everybody; `among` is the n-th list of areas as the database writes it.
fn restricted(row: &str, among: impl Fn(usize) -> String) -> String {
    let conditions = Audience::RESTRICTED.iter().enumerate().map(|(nth, audience)| {
        let kinds = RecordKind::ALL.iter().filter(|kind| kind.audience() == *audience);
        let kinds: Vec<_> = kinds.map(|kind| format!("'{kind}'")).collect();
        format!(" AND ({row}kind NOT IN ({}) OR {row}area_id {})", kinds.join(", "), among(nth))
    });
    conditions.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_means_something_to_a_database_is_left() {
        assert_eq!(words("Crash: \"NULL\" OR 1=1; -- Größe*"), ["crash", "null", "or", "1", "1", "größe"]);
        assert_eq!(words("  '&|!():* "), [""; 0]);
    }
}
