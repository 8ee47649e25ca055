//! The database that the settings name.

use trawl_settings::{Settings, Synchronous};
use trawl_store::{Db, DbOptions, StoreError};

/// Opens it; `may_migrate` says whether its tables may be changed.
///
/// # Errors
/// It cannot be opened.
pub async fn open(settings: &Settings, may_migrate: bool) -> Result<Db, StoreError> {
    Db::open(DbOptions {
        url: settings.database_url(),
        full_synchronous: settings.database.synchronous == Synchronous::Full,
        read_connections: settings.database.read_connections,
        busy_timeout_ms: settings.database.busy_timeout_ms,
        may_migrate,
    })
    .await
}
