//! Through a GIN index, which gathers all places of words before it gives the first, in no order that anybody wants.
//!
//! What is everywhere is among the newest rows as well, so these are read first, and the index is asked for what is seldom.

use super::{Found, LOOKED_AT, Pass, Search, ids, restricted};
use diesel::{
    pg::Pg,
    prelude::*,
    query_builder::BoxedSqlQuery,
    sql_query,
    sql_types::{Array, BigInt, Nullable, Text},
};
use trawl_jobs::RecordKind;

/// Rows that are read without the index.
const NEWEST: i64 = 10_000;
/// Places of words that the index is to give about, where some will do.
const PLACES: i64 = 4 * LOOKED_AT;

/// Where words are looked for.
#[derive(Debug, Clone, Copy)]
enum Among<'a> {
    /// In the newest rows.
    Newest,
    /// In all rows, by the index.
    All,
    /// In rows that have these words, which the index gives.
    With(&'a str),
}

/// Objects with these words, the newest first, at most about `limit`.
pub(super) fn places(
    conn: &mut PgConnection,
    search: &Search,
    words: &[String],
    pass: Pass,
    limit: i64,
) -> QueryResult<Vec<i64>> {
    let Some((last, others)) = words.split_last() else { return Ok(Vec::new()) };
    let wanted = match pass {
        // As the index has words of titles.
        Pass::Titles => format!("'={}'", words.join("' & '=")),
        Pass::Texts => words.join(" & "),
        Pass::Beginning => format!("{}:*", words.join(" & ")),
    };
    let mut found = matching(conn, search, pass, &wanted, Among::Newest, limit)?;
    if i64::try_from(found.len()).is_ok_and(|n| n >= limit) {
        return Ok(found);
    }
    let with = others.join(" & ");
    let seldom = pass == Pass::Beginning && !others.is_empty() && is_seldom(conn, &with, &format!("{last}:*"))?;
    // Of one word that is everywhere some places will do; of several, what they have in common is to be found.
    let by_index = if seldom { others.len() } else { words.len() };
    let places = if by_index == 1 { PLACES } else { 0 };
    sql_query(format!("SET LOCAL gin_fuzzy_search_limit = {places}")).execute(conn)?;
    let among = if seldom { Among::With(&with) } else { Among::All };
    found.extend(matching(conn, search, pass, &wanted, among, limit)?);
    Ok(found)
}

fn matching(
    conn: &mut PgConnection,
    search: &Search,
    pass: Pass,
    wanted: &str,
    among: Among<'_>,
    limit: i64,
) -> QueryResult<Vec<i64>> {
    let query = if pass == Pass::Titles { "$1::tsquery" } else { "to_tsquery('simple', $1)" };
    let restricted = restricted("", |nth| format!("= ANY(${})", 5 + nth));
    let fits = format!(
        "words @@ {query} AND deleted_at IS NULL AND area_id = ANY($2) AND (NOT confidential OR area_id = ANY($3)) \
         AND kind = coalesce($4, kind){restricted}"
    );
    let next = 5 + search.restricted.len();
    let rows = match among {
        Among::Newest => {
            format!("(SELECT * FROM resources ORDER BY id DESC LIMIT {NEWEST}) AS newest WHERE {fits}")
        }
        Among::All => format!("(SELECT id FROM resources WHERE {fits} LIMIT {LOOKED_AT}) AS places"),
        // The limit also keeps the index from being asked for the beginning.
        Among::With(_) => format!(
            "(SELECT * FROM resources WHERE words @@ to_tsquery('simple', ${next}) LIMIT {PLACES}) AS places WHERE {fits}"
        ),
    };
    let query = sql_query(format!("SELECT id FROM {rows} ORDER BY id DESC LIMIT {limit}"))
        .into_boxed::<Pg>()
        .bind::<Text, _>(wanted)
        .bind::<Array<BigInt>, _>(ids(&search.among))
        .bind::<Array<BigInt>, _>(ids(&search.confidential))
        .bind::<Nullable<Text>, _>(search.kind.map(RecordKind::as_str));
    let query = search.restricted.iter().fold(query, |query, areas| query.bind::<Array<BigInt>, _>(ids(areas)));
    let found: Vec<Found> = match among {
        Among::With(words) => BoxedSqlQuery::bind::<Text, _>(query, words).load(conn)?,
        Among::Newest | Among::All => query.load(conn)?,
    };
    Ok(found.into_iter().map(|Found { id }| id).collect())
}

/// Whether words are in no more of the newest rows than the beginning of a word.
fn is_seldom(conn: &mut PgConnection, words: &str, beginning: &str) -> QueryResult<bool> {
    #[derive(QueryableByName)]
    struct Seldom {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        seldom: bool,
    }
    let query = sql_query(format!(
        "SELECT count(*) FILTER (WHERE words @@ to_tsquery('simple', $1)) \
         <= count(*) FILTER (WHERE words @@ to_tsquery('simple', $2)) AS seldom \
         FROM (SELECT words FROM resources ORDER BY id DESC LIMIT {NEWEST}) AS newest"
    ));
    let Seldom { seldom } = query.bind::<Text, _>(words).bind::<Text, _>(beginning).get_result(conn)?;
    Ok(seldom)
}
