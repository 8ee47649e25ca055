//! Checkpoints of SQLite's log: what was committed is moved into the file beside the writer, who would otherwise do so while
//! everybody waits for it. How much there is to move is known by how long it took to write. Should this not keep up, the
//! writer does it in the end (`wal_autocheckpoint`), which bounds the log.

use diesel::{SqliteConnection, connection::SimpleConnection as _};
use std::{sync::mpsc, thread::JoinHandle, time::Duration};

/// Time spent with writing after which there is enough to move.
const ENOUGH: Duration = Duration::from_millis(250);

/// See the module.
pub(crate) struct Checkpoints {
    // None only while it is dropped.
    wanted: Option<mpsc::SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Time that was spent with writing since the last one.
    written: Duration,
}

impl Checkpoints {
    pub(crate) fn start(mut conn: SqliteConnection) -> std::io::Result<Self> {
        let (wanted, wishes) = mpsc::sync_channel(1);
        let thread = std::thread::Builder::new().name("checkpoints".to_owned()).spawn(move || {
            while wishes.recv().is_ok() {
                if let Err(error) = conn.batch_execute("PRAGMA wal_checkpoint(PASSIVE)") {
                    tracing::debug!(%error, "no checkpoint beside the writer");
                }
            }
        })?;
        Ok(Self { wanted: Some(wanted), thread: Some(thread), written: Duration::ZERO })
    }

    /// Something was written, which took so long.
    pub(crate) fn after(&mut self, took: Duration) {
        self.written += took;
        if self.written >= ENOUGH
            && let Some(wanted) = &self.wanted
            && wanted.try_send(()).is_ok()
        {
            self.written = Duration::ZERO;
        }
    }
}

impl Drop for Checkpoints {
    fn drop(&mut self) {
        drop(self.wanted.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
