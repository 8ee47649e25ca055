//! The one writer. It gathers everything that waits into one transaction and answers after the commit: a durable commit
//! costs a flush to disk, and a hundred units of work share it. The first unit has the transaction to itself, and ends it if
//! it fails; each that joins it is in a savepoint. A savepoint keeps a copy of every page that is written in it, and the
//! largest units come alone.
//!
//! On PostgreSQL the writers of several nodes take turns as well: every change of a job also changes a counter, so that
//! transactions side by side would only wait for each other's rows, and in circles.

use crate::{Conn, StoreError};
use diesel::{Connection as _, result::Error::RollbackTransaction};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::{sync::oneshot, task::spawn_blocking};

/// How many units of work share a commit at most.
const GROUP_LIMIT: usize = 1000;
/// A group that has been written for this long is committed, so that nobody waits for much more than their own work.
const GROUP_TIME: Duration = Duration::from_millis(2);
/// How many may wait for the writer before those who bring more have to wait.
const QUEUE: usize = 1024;

/// Runs its argument in a transaction that nobody else's overlaps, and commits unless that fails.
pub(crate) type Transact = Box<dyn FnMut(Work<'_>) -> Result<(), StoreError> + Send>;
pub(crate) type Work<'a> = &'a mut dyn FnMut(&mut Conn<'_>) -> Result<(), StoreError>;

trait Unit: Send {
    /// Runs with the transaction to itself. Returns whether it went well.
    fn run(&mut self, conn: &mut Conn<'_>) -> bool;
    /// Runs in a savepoint.
    fn join(&mut self, conn: &mut Conn<'_>);
    /// Tells who waits, now that the commit has succeeded or failed.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Waiting<T, F> {
    // None once it has run.
    unrun: Option<F>,
    result: Result<T, StoreError>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Unit for Waiting<T, F>
where
    T: Send,
    F: FnOnce(&mut Conn<'_>) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, conn: &mut Conn<'_>) -> bool {
        let Some(work) = self.unrun.take() else { return true };
        self.result = caught(work, conn);
        self.result.is_ok()
    }

    fn join(&mut self, conn: &mut Conn<'_>) {
        let Some(work) = self.unrun.take() else { return };
        self.result = match conn {
            Conn::Sqlite(conn) => conn.transaction(|conn| caught(work, &mut Conn::Sqlite(conn))),
            Conn::Postgres(conn) => conn.transaction(|conn| caught(work, &mut Conn::Postgres(conn))),
        };
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        // Nobody may be waiting any more.
        self.answer.send(committed.and(self.result)).ok();
    }
}

/// Runs `work`, so that what it has written is taken back when it panics, and the writer lives on.
fn caught<T>(work: impl FnOnce(&mut Conn<'_>) -> Result<T, StoreError>, conn: &mut Conn<'_>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(|| work(conn))).unwrap_or_else(|_| Err(refused("a unit of work panicked")))
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
        let unit: Box<dyn Unit> = Box::new(Waiting { unrun: Some(work), result: Err(StoreError::Closed), answer });
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
        let begun = Instant::now();
        if !group[0].run(conn) {
            return Err(StoreError::Query(RollbackTransaction));
        }
        while group.len() < GROUP_LIMIT
            && begun.elapsed() < GROUP_TIME
            && let Ok(mut unit) = waiting.try_recv()
        {
            unit.join(conn);
            group.push(unit);
        }
        Ok(())
    });
    let committed = match committed {
        // The unit says itself why.
        Err(StoreError::Query(RollbackTransaction)) => Ok(()),
        other => other,
    };
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
