//! Access from asynchronous code: reads from a pool, writes one after the other, on both databases.

use crate::{
    Backend, Conn, StoreError,
    checkpoints::Checkpoints,
    migrate,
    news::{self, News},
    writer::{Transact, Writer},
};
use diesel::{
    Connection as _, PgConnection, RunQueryDsl as _, SqliteConnection,
    connection::SimpleConnection as _,
    r2d2::{ConnectionManager, CustomizeConnection, Pool},
};
use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, task::spawn_blocking};

/// How long to wait for a free connection.
const POOL_TIMEOUT: Duration = Duration::from_secs(10);

/// How to open a database.
#[derive(Debug, Clone)]
pub struct DbOptions {
    /// `sqlite://path` or `postgres://…`.
    pub url: String,
    /// SQLite: whether a commit survives a power cut.
    pub full_synchronous: bool,
    /// Connections to read with.
    pub read_connections: u32,
    /// SQLite: milliseconds to wait for another program's lock.
    pub busy_timeout_ms: u32,
    /// Whether tables that an earlier version has left may be changed now: not while that version works with them.
    pub may_migrate: bool,
}

/// A database. Cheap to clone.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

enum Inner {
    Sqlite { writer: Writer, readers: Pool<ConnectionManager<SqliteConnection>>, path: PathBuf },
    Postgres { writer: Writer, readers: Pool<ConnectionManager<PgConnection>>, url: String },
}

impl Db {
    /// Opens a database and brings it up to date.
    ///
    /// # Errors
    /// It cannot be opened, or was written by a newer version.
    pub async fn open(options: DbOptions) -> Result<Self, StoreError> {
        spawn_blocking(move || Self::open_blocking(&options)).await.map_err(|_| StoreError::Closed)?
    }

    fn open_blocking(options: &DbOptions) -> Result<Self, StoreError> {
        match options.url.strip_prefix("sqlite://") {
            Some(path) => open_sqlite(options, PathBuf::from(path)),
            None => open_postgres(options),
        }
        .map(|inner| Self(Arc::new(inner)))
    }

    /// Which database it is.
    #[must_use]
    pub fn backend(&self) -> Backend {
        match &*self.0 {
            Inner::Sqlite { .. } => Backend::Sqlite,
            Inner::Postgres { .. } => Backend::Postgres,
        }
    }

    /// What other nodes on this database tell; none where it is nobody else's.
    #[must_use]
    pub fn listen(&self) -> Option<mpsc::Receiver<News>> {
        match &*self.0 {
            Inner::Sqlite { .. } => None,
            Inner::Postgres { url, .. } => news::listen(url.clone()).ok(),
        }
    }

    /// Where SQLite keeps it.
    #[must_use]
    pub fn path(&self) -> Option<&std::path::Path> {
        match &*self.0 {
            Inner::Sqlite { path, .. } => Some(path),
            Inner::Postgres { .. } => None,
        }
    }

    /// Runs queries that write nothing, on one snapshot of the data, on a thread of their own.
    ///
    /// # Errors
    /// What `work` returns, or no connection.
    pub async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let this = self.clone();
        spawn_blocking(move || match &*this.0 {
            Inner::Sqlite { readers, .. } => {
                let mut conn = readers.get().map_err(|error| no_connection(&error))?;
                conn.transaction(|conn| work(&mut Conn::Sqlite(conn)))
            }
            Inner::Postgres { readers, .. } => {
                let mut conn = readers.get().map_err(|error| no_connection(&error))?;
                conn.build_transaction().repeatable_read().read_only().run(|conn| work(&mut Conn::Postgres(conn)))
            }
        })
        .await
        .map_err(|_| StoreError::Closed)?
    }

    /// Runs `work` in a transaction; when this returns it is committed, or nothing of it is.
    ///
    /// # Errors
    /// What `work` returns (nothing is written then), or the commit's failure.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        match &*self.0 {
            Inner::Sqlite { writer, .. } | Inner::Postgres { writer, .. } => writer.write(work).await,
        }
    }
}

fn no_connection(error: &impl std::fmt::Display) -> StoreError {
    StoreError::Open { url: "the pool".to_owned(), reason: error.to_string() }
}

fn open_postgres(options: &DbOptions) -> Result<Inner, StoreError> {
    // A password in the URL is nobody's business.
    let shown = options.url.rsplit_once('@').map_or(options.url.as_str(), |(_, place)| place).to_owned();
    let failed = |reason: String| StoreError::Open { url: shown.clone(), reason };
    let mut conn = PgConnection::establish(&options.url).map_err(|error| failed(error.to_string()))?;
    // Nodes that start at once take turns. The lock goes with the connection.
    diesel::sql_query("SELECT pg_advisory_lock(7260214001)").execute(&mut conn)?;
    migrate::run(&mut conn, migrate::POSTGRES, options.may_migrate)?;
    drop(conn);
    let pool = |size| {
        Pool::builder()
            .max_size(size)
            .connection_timeout(POOL_TIMEOUT)
            .build(ConnectionManager::<PgConnection>::new(&options.url))
            .map_err(|error| failed(error.to_string()))
    };
    let readers = pool(options.read_connections)?;
    // A pool of one, because it replaces a connection that has broken.
    let only = pool(1)?;
    let transact: Transact = Box::new(move |work| {
        let mut conn = only.get().map_err(|error| no_connection(&error))?;
        conn.transaction(|conn| {
            // Nodes take turns. The lock goes with the transaction.
            diesel::sql_query("SELECT pg_advisory_xact_lock(7260214002)").execute(conn)?;
            work(&mut Conn::Postgres(conn))
        })
    });
    let writer = Writer::start(transact).map_err(|error| failed(error.to_string()))?;
    Ok(Inner::Postgres { writer, readers, url: options.url.clone() })
}

/// What is mirrored is for the owner's eyes: a directory of ours is closed to others, and so is the file, whose mode
/// SQLite gives to the files beside it.
fn make_private(path: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    }
    std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

fn open_sqlite(options: &DbOptions, path: PathBuf) -> Result<Inner, StoreError> {
    let failed = |reason: String| StoreError::Open { url: path.display().to_string(), reason };
    make_private(&path).map_err(|error| failed(error.to_string()))?;
    let file = path.to_str().ok_or_else(|| failed("the path is not UTF-8".to_owned()))?;
    let mut conn = SqliteConnection::establish(file).map_err(|error| failed(error.to_string()))?;
    let pragmas = Pragmas {
        full_synchronous: options.full_synchronous,
        busy_timeout_ms: options.busy_timeout_ms,
        query_only: false,
    };
    pragmas.apply(&mut conn).map_err(|error| failed(error.to_string()))?;
    // Set once; it stays with the file.
    conn.batch_execute("PRAGMA journal_mode = WAL").map_err(|error| failed(error.to_string()))?;
    // A table that is built anew must not take along what refers to it.
    conn.batch_execute("PRAGMA foreign_keys = OFF").map_err(|error| failed(error.to_string()))?;
    migrate::run(&mut conn, migrate::SQLITE, options.may_migrate)?;
    conn.batch_execute("PRAGMA foreign_keys = ON").map_err(|error| failed(error.to_string()))?;
    let readers = Pool::builder()
        .max_size(options.read_connections)
        .connection_timeout(POOL_TIMEOUT)
        .connection_customizer(Box::new(Pragmas { query_only: true, ..pragmas }))
        // A file does not hang up.
        .test_on_check_out(false)
        .build(ConnectionManager::new(file))
        .map_err(|error| failed(error.to_string()))?;
    let mut beside = SqliteConnection::establish(file).map_err(|error| failed(error.to_string()))?;
    pragmas.apply(&mut beside).map_err(|error| failed(error.to_string()))?;
    let mut checkpoints = Checkpoints::start(beside).map_err(|error| failed(error.to_string()))?;
    let transact: Transact = Box::new(move |work| {
        let begun = Instant::now();
        let done = conn.immediate_transaction(|conn| work(&mut Conn::Sqlite(conn)));
        checkpoints.after(begun.elapsed());
        done
    });
    Ok(Inner::Sqlite { writer: Writer::start(transact).map_err(|error| failed(error.to_string()))?, readers, path })
}

/// What every SQLite connection is set to.
#[derive(Debug, Clone, Copy)]
struct Pragmas {
    full_synchronous: bool,
    busy_timeout_ms: u32,
    query_only: bool,
}

impl Pragmas {
    fn apply(self, conn: &mut SqliteConnection) -> diesel::QueryResult<()> {
        let synchronous = if self.full_synchronous { "FULL" } else { "NORMAL" };
        conn.batch_execute(&format!(
            "PRAGMA busy_timeout = {}; PRAGMA foreign_keys = ON; PRAGMA synchronous = {synchronous}; \
             PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192; PRAGMA wal_autocheckpoint = 16000; \
             PRAGMA query_only = {};",
            self.busy_timeout_ms,
            u8::from(self.query_only),
        ))
    }
}

impl CustomizeConnection<SqliteConnection, diesel::r2d2::Error> for Pragmas {
    fn on_acquire(&self, conn: &mut SqliteConnection) -> Result<(), diesel::r2d2::Error> {
        self.apply(conn).map_err(diesel::r2d2::Error::QueryError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users;

    async fn open(dir: &tempfile::TempDir) -> Db {
        let url = format!("sqlite://{}", dir.path().join("a/trawl.db").display());
        Db::open(DbOptions {
            url,
            full_synchronous: true,
            read_connections: 2,
            busy_timeout_ms: 1000,
            may_migrate: true,
        })
        .await
        .unwrap()
    }

    #[tokio::test]
    async fn a_unit_that_fails_leaves_its_neighbours_alone() {
        let dir = tempfile::tempdir().unwrap();
        let db = open(&dir).await;
        let write = |name: &'static str, fail: bool| {
            db.write(move |conn| {
                users::create(conn, name, "x", false)?;
                if fail { Err(StoreError::NotFound) } else { Ok(()) }
            })
        };
        let first = write("first", true).await;
        assert!(matches!(first, Err(StoreError::NotFound)), "{first:?}");
        let (a, b, c) = tokio::join!(write("a", false), write("b", true), write("c", false));
        assert!(a.is_ok() && matches!(b, Err(StoreError::NotFound)) && c.is_ok());
        let names =
            db.read(|conn| ["first", "a", "b"].map(|name| users::by_name(conn, name)).into_iter().collect()).await;
        let names: Vec<_> = names.unwrap();
        assert_eq!(names.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, false]);
    }

    #[tokio::test]
    async fn a_reader_cannot_write() {
        let dir = tempfile::tempdir().unwrap();
        let db = open(&dir).await;
        assert!(db.read(|conn| users::create(conn, "a", "x", false)).await.is_err());
    }

    #[tokio::test]
    async fn a_newer_database_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let db = open(&dir).await;
        db.write(|conn| {
            let Conn::Sqlite(conn) = conn else { return Err(StoreError::Closed) };
            diesel::sql_query("INSERT INTO __diesel_schema_migrations (version) VALUES ('20990101000000')")
                .execute(*conn)?;
            Ok(())
        })
        .await
        .unwrap();
        drop(db);
        let url = format!("sqlite://{}", dir.path().join("a/trawl.db").display());
        let options =
            DbOptions { url, full_synchronous: true, read_connections: 1, busy_timeout_ms: 1000, may_migrate: true };
        let refused = Db::open(options).await.err().unwrap();
        assert!(matches!(refused, StoreError::Newer { .. }), "{refused}");
    }
}
