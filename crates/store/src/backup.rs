//! A copy of an SQLite database as of one moment, made while others read and write it.

use crate::{StoreError, migrate};
use diesel::{
    Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection, connection::SimpleConnection as _, sql_query,
    sql_types::Text,
};
use std::path::Path;

#[derive(QueryableByName)]
struct Verdict {
    #[diesel(sql_type = Text)]
    quick_check: String,
}

/// Copies a database to a file that is empty or not there, without what was deleted from it. Blocks.
///
/// # Errors
/// It cannot be read or written, or the copy is not whole.
pub fn copy(from: &Path, to: &Path, busy_timeout_ms: u32) -> Result<(), StoreError> {
    let mut conn = open(from)?;
    conn.batch_execute(&format!("PRAGMA busy_timeout = {busy_timeout_ms}"))?;
    sql_query("VACUUM INTO ?").bind::<Text, _>(to.display().to_string()).execute(&mut conn)?;
    drop(conn);
    check(to)
}

/// Whether a file is a database of ours, whole, and not newer than this build. Blocks.
///
/// # Errors
/// What is wrong with it.
pub fn check(path: &Path) -> Result<(), StoreError> {
    let mut conn = open(path)?;
    let verdict: Verdict = sql_query("PRAGMA quick_check(1)").get_result(&mut conn)?;
    if verdict.quick_check != "ok" {
        return Err(StoreError::Corrupt(verdict.quick_check));
    }
    if migrate::known(&mut conn, &migrate::SQLITE)? == 0 {
        return Err(StoreError::Corrupt("it is not a database of Trawl".to_owned()));
    }
    Ok(())
}

fn open(path: &Path) -> Result<SqliteConnection, StoreError> {
    let failed = |reason: String| StoreError::Open { url: path.display().to_string(), reason };
    // Else it would be made.
    if !path.is_file() {
        return Err(failed("there is no such file".to_owned()));
    }
    SqliteConnection::establish(&path.display().to_string()).map_err(|error| failed(error.to_string()))
}
