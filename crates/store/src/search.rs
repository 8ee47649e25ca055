//! Mirrored objects by the words in them.
//!
//! Titles count before texts, and what was seen later before what was seen earlier. Of a word that is everywhere only some
//! places are looked at: nobody reads a hundred thousand of them, and everybody waits for them. For the same reason longer
//! words are looked for only where there is little else, and only for the last word: both databases gather all places of
//! a beginning before they give the first. SQLite is asked for the words that begin so, and then for some of them.

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    resources::Resource,
    schema::resources,
};
use diesel::{
    pg::Pg,
    prelude::*,
    query_builder::BoxedSqlQuery,
    sql_query,
    sql_types::{Array, BigInt, Nullable, Text},
    sqlite::Sqlite,
};
use std::collections::{HashMap, HashSet};
use trawl_jobs::{AreaId, Audience, RecordKind};

/// Places of a word that are looked at, in titles and in texts.
const LOOKED_AT: i64 = 2000;
/// With so many objects that have the words themselves, longer words are not looked for.
const ENOUGH: usize = 10;
/// Words beyond these are not searched for.
const WORDS: usize = 12;
/// Words with the same beginning that are looked for one by one, in the order of their letters.
const LONGER: usize = 100;

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
    for pass in [Pass::Titles, Pass::Texts, Pass::Beginning] {
        if pass == Pass::Beginning && ids.len() >= ENOUGH {
            break;
        }
        for found in places(conn, search, &words, pass, limit)? {
            if seen.insert(found.id) && i64::try_from(ids.len()).is_ok_and(|n| n < limit) {
                ids.push(found.id);
            }
        }
    }
    let query = resources::table.filter(resources::id.eq_any(&ids)).select(columns::<Resource>());
    let rows: Vec<Resource> = on_backend!(conn, |c| query.load(c))?;
    let mut rows: HashMap<i64, Resource> = rows.into_iter().map(|row| (row.id, row)).collect();
    Ok(ids.into_iter().filter_map(|id| rows.remove(&id)).collect())
}

fn places(
    conn: &mut Conn<'_>,
    search: &Search,
    words: &[String],
    pass: Pass,
    limit: i64,
) -> Result<Vec<Found>, StoreError> {
    let kind = search.kind.map(RecordKind::as_str);
    let ids = |areas: &[AreaId]| areas.iter().map(|area| area.0).collect::<Vec<_>>();
    let (among, confidential) = (ids(&search.among), ids(&search.confidential));
    Ok(match conn {
        Conn::Sqlite(c) => {
            let all: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
            let wanted = match (pass, all.split_last()) {
                (Pass::Titles, _) => format!("title : ({})", all.join(" AND ")),
                (Pass::Beginning, Some((last, others))) => {
                    let longer = longer(c, &words[others.len()])?;
                    // Of one word some places will do; of several, what they have in common is to be found.
                    let known = !longer.is_empty() && (others.is_empty() || longer.len() <= LONGER);
                    let longer = if known { longer.join(" OR ") } else { format!("{last}*") };
                    others.iter().fold(format!("({longer})"), |wanted, other| format!("{other} AND {wanted}"))
                }
                _ => all.join(" AND "),
            };
            let list = |ids: &[i64]| serde_json::to_string(ids).unwrap_or_default();
            let restricted = restricted("r.", |_| "IN (SELECT value FROM json_each(?))".to_owned());
            let query = sql_query(format!(
                "SELECT r.id AS id FROM (SELECT rowid AS id FROM resources_words WHERE resources_words MATCH ? \
                 ORDER BY rowid DESC LIMIT ?) AS found CROSS JOIN resources r ON r.id = found.id \
                 WHERE r.deleted_at IS NULL AND r.area_id IN (SELECT value FROM json_each(?)) \
                 AND (NOT r.confidential OR r.area_id IN (SELECT value FROM json_each(?))) \
                 AND r.kind = coalesce(?, r.kind){restricted} ORDER BY r.id DESC LIMIT {limit}"
            ))
            .into_boxed::<Sqlite>()
            .bind::<Text, _>(wanted)
            .bind::<BigInt, _>(LOOKED_AT)
            .bind::<Text, _>(list(&among))
            .bind::<Text, _>(list(&confidential))
            .bind::<Nullable<Text>, _>(kind);
            let areas = search.restricted.iter().map(|areas| list(&ids(areas)));
            areas.fold(query, BoxedSqlQuery::bind::<Text, _>).load(*c)?
        }
        Conn::Postgres(c) => {
            let (wanted, query) = match pass {
                // As the index has words of titles.
                Pass::Titles => (format!("'={}'", words.join("' & '=")), "$1::tsquery"),
                Pass::Texts => (words.join(" & "), "to_tsquery('simple', $1)"),
                Pass::Beginning => (format!("{}:*", words.join(" & ")), "to_tsquery('simple', $1)"),
            };
            // Of one word that is everywhere some places will do; of several, what they have in common is to be found.
            let places = if words.len() == 1 { 4 * LOOKED_AT } else { 0 };
            sql_query(format!("SET LOCAL gin_fuzzy_search_limit = {places}")).execute(*c)?;
            let restricted = restricted("", |nth| format!("= ANY(${})", 6 + nth));
            let query = sql_query(format!(
                "SELECT id FROM (SELECT id FROM resources WHERE words @@ {query} \
                 AND deleted_at IS NULL AND area_id = ANY($3) AND (NOT confidential OR area_id = ANY($4)) \
                 AND kind = coalesce($5, kind){restricted} LIMIT $2) AS found ORDER BY id DESC LIMIT {limit}"
            ))
            .into_boxed::<Pg>()
            .bind::<Text, _>(wanted)
            .bind::<BigInt, _>(LOOKED_AT)
            .bind::<Array<BigInt>, _>(among)
            .bind::<Array<BigInt>, _>(confidential)
            .bind::<Nullable<Text>, _>(kind);
            let areas = search.restricted.iter().map(|areas| ids(areas));
            areas.fold(query, BoxedSqlQuery::bind::<Array<BigInt>, _>).load(*c)?
        }
    })
}

/// The words of SQLite's index that begin like this, each in quotes: all, or some more than [`LONGER`]; none where they are
/// not found so.
fn longer(conn: &mut SqliteConnection, beginning: &str) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Longer {
        #[diesel(sql_type = Text)]
        term: String,
    }
    // Others may stand there in another form, without their accents.
    if !beginning.is_ascii() {
        return Ok(Vec::new());
    }
    // From each word to the next: the table has a row for every place, and reading all of those is what takes long.
    let query = sql_query(
        "WITH RECURSIVE longer (term) AS (SELECT (SELECT term FROM resources_terms WHERE term >= ?1 LIMIT 1) \
         UNION ALL SELECT (SELECT term FROM resources_terms WHERE term >= longer.term || char(1) LIMIT 1) FROM longer \
         WHERE longer.term < ?1 || char(1114111) LIMIT ?2) \
         SELECT term FROM longer WHERE term < ?1 || char(1114111)",
    );
    let limit = i64::try_from(LONGER + 1).unwrap_or(i64::MAX);
    let longer: Vec<Longer> = query.bind::<Text, _>(beginning).bind::<BigInt, _>(limit).load(conn)?;
    Ok(longer.into_iter().map(|Longer { term }| format!("\"{term}\"")).collect())
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
