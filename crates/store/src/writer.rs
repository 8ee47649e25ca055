//! The one writer. It gathers everything that waits into one transaction, each unit of work in a savepoint, and answers
//! after the commit: a durable commit costs a flush to disk, and a hundred units share it.
//!
//! On PostgreSQL the writers of several nodes take turns as well: every change of a job also changes a counter, so that
//! transactions side by side would only wait for each other's rows, and in circles.

use crate::{Conn, StoreError};
use diesel::Connection as _;
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
    thread::JoinHandle,
};
use tokio::{sync::oneshot, task::spawn_blocking};

/// How many units of work share a commit at most.
const GROUP_LIMIT: usize = 1000;
/// How many may wait for the writer before those who bring more have to wait.
const QUEUE: usize = 1024;

/// Runs its argument in a transaction that nobody else's overlaps, and commits.
pub(crate) type Transact = Box<dyn FnMut(&mut dyn FnMut(&mut Conn<'_>)) -> Result<(), StoreError> + Send>;

trait Unit: Send {
    /// Runs in a savepoint.
    fn run(&mut self, conn: &mut Conn<'_>);
    /// Tells who waits, now that the commit has succeeded or failed.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Work<T, F> {
    // None once it has run.
    unrun: Option<F>,
    result: Result<T, StoreError>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Unit for Work<T, F>
where
    T: Send,
    F: FnOnce(&mut Conn<'_>) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, conn: &mut Conn<'_>) {
        let Some(work) = self.unrun.take() else { return };
        // Caught within the savepoint, so that it is rolled back and the writer lives on.
        let work = move |mut conn: Conn<'_>| {
            catch_unwind(AssertUnwindSafe(|| work(&mut conn)))
                .unwrap_or_else(|_| Err(refused("a unit of work panicked")))
        };
        self.result = match conn {
            Conn::Sqlite(conn) => conn.transaction(|conn| work(Conn::Sqlite(conn))),
            Conn::Postgres(conn) => conn.transaction(|conn| work(Conn::Postgres(conn))),
        };
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        // Nobody may be waiting any more.
        self.answer.send(committed.and(self.result)).ok();
    }
}

pub(crate) struct Writer {
    // None only while it is dropped.
    queue: Option<mpsc::SyncSender<Box<dyn Unit>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(mut transact: Transact) -> std::io::Result<Self> {
        let (queue, units) = mpsc::sync_channel(QUEUE);
        let thread = std::thread::Builder::new().name("database-writer".to_owned()).spawn(move || {
            while let Ok(first) = units.recv() {
                commit_group(&mut transact, first, &units);
            }
        })?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    pub(crate) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let unit: Box<dyn Unit> = Box::new(Work { unrun: Some(work), result: Err(StoreError::Closed), answer });
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

fn commit_group(transact: &mut Transact, first: Box<dyn Unit>, waiting: &mpsc::Receiver<Box<dyn Unit>>) {
    let mut group = vec![first];
    let committed = transact(&mut |conn| {
        group[0].run(conn);
        while group.len() < GROUP_LIMIT
            && let Ok(mut unit) = waiting.try_recv()
        {
            unit.run(conn);
            group.push(unit);
        }
    });
    if let Err(error) = &committed {
        tracing::error!(%error, units = group.len(), "a commit failed; nothing of it is written");
    }
    let reason = committed.err().map(|error| error.to_string());
    for unit in group {
        unit.answer(match &reason {
            None => Ok(()),
            Some(reason) => Err(refused(&format!("the commit failed: {reason}"))),
        });
    }
}

fn refused(why: &str) -> StoreError {
    StoreError::Query(diesel::result::Error::QueryBuilderError(why.into()))
}
