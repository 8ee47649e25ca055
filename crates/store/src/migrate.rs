//! Migrations, embedded and run at every start. They only go forward.

use crate::StoreError;
use diesel::backend::Backend;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::collections::HashSet;

pub(crate) const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
pub(crate) const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// How many of our migrations a database has, unless it is ahead of us.
pub(crate) fn known<DB: Backend>(
    conn: &mut impl MigrationHarness<DB>,
    ours: &EmbeddedMigrations,
) -> Result<usize, StoreError> {
    let known: HashSet<String> = diesel::migration::MigrationSource::<DB>::migrations(ours)
        .map_err(failed)?
        .iter()
        .map(|migration| migration.name().version().to_string())
        .collect();
    let applied = conn.applied_migrations().map_err(failed)?;
    match applied.iter().map(ToString::to_string).find(|version| !known.contains(version)) {
        Some(stranger) => Err(StoreError::Newer { migration: stranger }),
        None => Ok(applied.len()),
    }
}

/// Brings a database up to date, unless it is ahead of us, or behind us and not ours to change (`may_change`).
pub(crate) fn run<DB: Backend>(
    conn: &mut impl MigrationHarness<DB>,
    ours: EmbeddedMigrations,
    may_change: bool,
) -> Result<(), StoreError> {
    let applied = known(conn, &ours)?;
    let all = diesel::migration::MigrationSource::<DB>::migrations(&ours).map_err(failed)?.len();
    if applied < all && !may_change {
        return Err(StoreError::Behind);
    }
    conn.run_pending_migrations(ours).map_err(failed)?;
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "it is what map_err gives")]
fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> StoreError {
    StoreError::Migration(error.to_string())
}
