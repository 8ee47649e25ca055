//! Through FTS5, which gives the newest places of words first, one after the other.
//!
//! It gathers all places of a beginning, though. So it is asked for the words that begin so, and then for some of them; where
//! there are many beside another word, the newest texts with that one are looked at first.

use super::{Found, LOOKED_AT, Pass, Search, ids, restricted};
use diesel::{
    prelude::*,
    query_builder::BoxedSqlQuery,
    sql_query,
    sql_types::{BigInt, Nullable, Text},
    sqlite::Sqlite,
};
use trawl_jobs::{AreaId, RecordKind};

/// Words with the same beginning that are looked for one by one, in the order of their letters.
const LONGER: usize = 100;

/// Words of titles, and these with those of texts.
const TITLES: &str = "resources_titles";
const WORDS: &str = "resources_words";

/// Objects with these words, the newest first, at most about `limit`.
pub(super) fn places(
    conn: &mut SqliteConnection,
    search: &Search,
    words: &[String],
    pass: Pass,
    limit: i64,
) -> QueryResult<Vec<i64>> {
    let all: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
    let (Some((last, others)), Some(beginning)) = (all.split_last(), words.last()) else { return Ok(Vec::new()) };
    let index = match pass {
        Pass::Titles => TITLES,
        Pass::Texts => WORDS,
        Pass::Beginning => return beginnings(conn, search, beginning, last, others, limit),
    };
    matching(conn, search, index, &all.join(" AND "), None, limit)
}

fn beginnings(
    conn: &mut SqliteConnection,
    search: &Search,
    beginning: &str,
    last: &str,
    others: &[String],
    limit: i64,
) -> QueryResult<Vec<i64>> {
    let beside = |last: String| others.iter().cloned().chain([last]).collect::<Vec<_>>().join(" AND ");
    let longer = longer(conn, beginning)?;
    // Of one word some places will do; of several, what they have in common is to be found.
    if !longer.is_empty() && (others.is_empty() || longer.len() <= LONGER) {
        return matching(conn, search, WORDS, &beside(format!("({})", longer.join(" OR "))), None, limit);
    }
    let mut found = Vec::new();
    if !longer.is_empty() {
        found = matching(conn, search, WORDS, &others.join(" AND "), Some(beginning), limit)?;
    }
    if i64::try_from(found.len()).is_ok_and(|n| n < limit) {
        found.extend(matching(conn, search, WORDS, &beside(format!("{last}*")), None, limit)?);
    }
    Ok(found)
}

/// Objects that FTS5 finds by `wanted`; if `beginning` is there, those of them in whose text a word begins so.
fn matching(
    conn: &mut SqliteConnection,
    search: &Search,
    index: &str,
    wanted: &str,
    beginning: Option<&str>,
    limit: i64,
) -> QueryResult<Vec<i64>> {
    let list = |areas: &[AreaId]| serde_json::to_string(&ids(areas)).unwrap_or_default();
    let restricted = restricted("r.", |_| "IN (SELECT value FROM json_each(?))".to_owned());
    let begins = beginning.map_or("", |_| {
        " AND EXISTS (SELECT 1 FROM resources_texts t WHERE t.id = r.id AND lower(' ' || t.title || ' ' || t.body) GLOB ?)"
    });
    let query = sql_query(format!(
        "SELECT r.id AS id FROM (SELECT rowid AS id FROM {index} WHERE {index} MATCH ? \
         ORDER BY rowid DESC LIMIT ?) AS found CROSS JOIN resources r ON r.id = found.id \
         WHERE r.deleted_at IS NULL AND r.area_id IN (SELECT value FROM json_each(?)) \
         AND (NOT r.confidential OR r.area_id IN (SELECT value FROM json_each(?))) \
         AND r.kind = coalesce(?, r.kind){restricted}{begins} ORDER BY r.id DESC LIMIT {limit}"
    ))
    .into_boxed::<Sqlite>()
    .bind::<Text, _>(wanted)
    .bind::<BigInt, _>(LOOKED_AT)
    .bind::<Text, _>(list(&search.among))
    .bind::<Text, _>(list(&search.confidential))
    .bind::<Nullable<Text>, _>(search.kind.map(RecordKind::as_str));
    let query = search.restricted.iter().fold(query, |query, areas| query.bind::<Text, _>(list(areas)));
    // What is not of ASCII may be a letter or not, so that a word behind it is left to the index.
    let begins = beginning.map(|beginning| format!("*[^0-9a-z\u{80}-\u{10ffff}]{beginning}*"));
    let found: Vec<Found> = begins.into_iter().fold(query, BoxedSqlQuery::bind::<Text, _>).load(conn)?;
    Ok(found.into_iter().map(|Found { id }| id).collect())
}

/// The words of the index that begin like this, each in quotes: all, or some more than [`LONGER`]; none where they are
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
