//! Access from asynchronous code: reads from a pool, writes one transaction each.
//!
//! SQLite has one writer. It is a thread of our own that gathers everything that waits into one transaction, each unit
//! of work in a savepoint, and answers after the commit: a durable commit costs a flush to disk, and a hundred units
//! share it.

use crate::{Backend, Conn, StoreError, migrate};
use diesel::{
    Connection as _, PgConnection, RunQueryDsl as _, SqliteConnection,
    connection::SimpleConnection as _,
    r2d2::{ConnectionManager, CustomizeConnection, Pool},
};
use std::{
    path::PathBuf,
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::Duration,
};
use tokio::{sync::oneshot, task::spawn_blocking};

/// How many units of work share a commit at most.
const GROUP_LIMIT: usize = 1000;
/// How many may wait for the writer before those who bring more have to wait.
const WRITER_QUEUE: usize = 1024;
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
}

/// A database. Cheap to clone.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

enum Inner {
    Sqlite { writer: Writer, readers: Pool<ConnectionManager<SqliteConnection>>, path: PathBuf },
    Postgres(Pool<ConnectionManager<PgConnection>>),
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
            Inner::Postgres(_) => Backend::Postgres,
        }
    }

    /// Where SQLite keeps it.
    #[must_use]
    pub fn path(&self) -> Option<&std::path::Path> {
        match &*self.0 {
            Inner::Sqlite { path, .. } => Some(path),
            Inner::Postgres(_) => None,
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
            Inner::Postgres(pool) => {
                let mut conn = pool.get().map_err(|error| no_connection(&error))?;
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
            Inner::Sqlite { writer, .. } => writer.write(work).await,
            Inner::Postgres(pool) => {
                let pool = pool.clone();
                spawn_blocking(move || {
                    let mut conn = pool.get().map_err(|error| no_connection(&error))?;
                    conn.transaction(|conn| work(&mut Conn::Postgres(conn)))
                })
                .await
                .map_err(|_| StoreError::Closed)?
            }
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
    migrate::run(&mut conn, migrate::POSTGRES)?;
    drop(conn);
    Pool::builder()
        .max_size(options.read_connections + 4)
        .connection_timeout(POOL_TIMEOUT)
        .build(ConnectionManager::new(&options.url))
        .map(Inner::Postgres)
        .map_err(|error| failed(error.to_string()))
}

fn open_sqlite(options: &DbOptions, path: PathBuf) -> Result<Inner, StoreError> {
    let failed = |reason: String| StoreError::Open { url: path.display().to_string(), reason };
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        std::fs::create_dir_all(dir).map_err(|error| failed(error.to_string()))?;
    }
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
    migrate::run(&mut conn, migrate::SQLITE)?;
    let readers = Pool::builder()
        .max_size(options.read_connections)
        .connection_timeout(POOL_TIMEOUT)
        .connection_customizer(Box::new(Pragmas { query_only: true, ..pragmas }))
        .build(ConnectionManager::new(file))
        .map_err(|error| failed(error.to_string()))?;
    Ok(Inner::Sqlite { writer: Writer::start(conn).map_err(|error| failed(error.to_string()))?, readers, path })
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
             PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192; PRAGMA query_only = {};",
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

/// A unit of work: runs in a savepoint, and returns what to do once the group is committed or has failed.
type Unit = Box<dyn FnOnce(&mut SqliteConnection) -> AfterCommit + Send>;
type AfterCommit = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

struct Writer {
    // None only while it is dropped.
    queue: Option<mpsc::SyncSender<Unit>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    fn start(mut conn: SqliteConnection) -> std::io::Result<Self> {
        let (queue, units) = mpsc::sync_channel::<Unit>(WRITER_QUEUE);
        let thread = std::thread::Builder::new().name("database-writer".to_owned()).spawn(move || {
            while let Ok(first) = units.recv() {
                commit_group(&mut conn, first, &units);
            }
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let unit: Unit = Box::new(move |conn| {
            let result = conn.transaction(|conn| work(&mut Conn::Sqlite(conn)));
            Box::new(move |committed| {
                answer.send(committed.and(result)).ok();
            })
        });
        let queue = self.queue.as_ref().ok_or(StoreError::Closed)?;
        match queue.try_send(unit) {
            Ok(()) => {}
            Err(mpsc::TrySendError::Full(unit)) => {
                let queue = queue.clone();
                spawn_blocking(move || queue.send(unit))
                    .await
                    .map_err(|_| StoreError::Closed)?
                    .map_err(|_| StoreError::Closed)?;
            }
            Err(mpsc::TrySendError::Disconnected(_)) => return Err(StoreError::Closed),
        }
        answered.await.map_err(|_| StoreError::Closed)?
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

fn commit_group(conn: &mut SqliteConnection, first: Unit, units: &mpsc::Receiver<Unit>) {
    let mut finished = Vec::new();
    let committed = conn.immediate_transaction(|conn| {
        finished.push(first(conn));
        while finished.len() < GROUP_LIMIT
            && let Ok(unit) = units.try_recv()
        {
            finished.push(unit(conn));
        }
        Ok::<_, diesel::result::Error>(())
    });
    if let Err(error) = &committed {
        tracing::error!(%error, units = finished.len(), "a commit failed; nothing of it is written");
    }
    let reason = committed.err().map(|error| error.to_string());
    for answer in finished {
        answer(match &reason {
            None => Ok(()),
            Some(reason) => Err(StoreError::Query(diesel::result::Error::QueryBuilderError(
                format!("the commit failed: {reason}").into(),
            ))),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users;

    async fn open(dir: &tempfile::TempDir) -> Db {
        let url = format!("sqlite://{}", dir.path().join("a/trawl.db").display());
        Db::open(DbOptions { url, full_synchronous: true, read_connections: 2, busy_timeout_ms: 1000 }).await.unwrap()
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
        let (a, b, c) = tokio::join!(write("a", false), write("b", true), write("c", false));
        assert!(a.is_ok() && matches!(b, Err(StoreError::NotFound)) && c.is_ok());
        let names =
            db.read(|conn| Ok([users::by_name(conn, "a")?.is_some(), users::by_name(conn, "b")?.is_some()])).await;
        assert_eq!(names.unwrap(), [true, false]);
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
        let options = DbOptions { url, full_synchronous: true, read_connections: 1, busy_timeout_ms: 1000 };
        let refused = Db::open(options).await.err().unwrap();
        assert!(matches!(refused, StoreError::Newer { .. }), "{refused}");
    }
}
