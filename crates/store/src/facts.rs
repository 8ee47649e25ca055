//! What the database says about itself.

use crate::{Conn, StoreError, workers};
use diesel::{QueryableByName, RunQueryDsl as _, sql_query};

#[derive(QueryableByName)]
struct Facts {
    #[diesel(sql_type = diesel::sql_types::Text)]
    version: String,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    bytes: i64,
}

/// Version of the engine, and size of the database in bytes.
pub fn engine(conn: &mut Conn<'_>) -> Result<(String, i64), StoreError> {
    let facts: Facts = match conn {
        Conn::Sqlite(c) => sql_query(
            "SELECT sqlite_version() AS version, page_count * page_size AS bytes \
             FROM pragma_page_count(), pragma_page_size()",
        )
        .get_result(*c)?,
        Conn::Postgres(c) => sql_query(
            "SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS bytes",
        )
        .get_result(*c)?,
    };
    Ok((facts.version, facts.bytes))
}

/// Writes something that changes nothing: whether the database takes anything at all.
pub fn probe(conn: &mut Conn<'_>) -> Result<(), StoreError> {
    workers::heard(conn, &[PROBE.to_owned()])
}

/// The name of a worker that nobody is.
const PROBE: &str = "-";
