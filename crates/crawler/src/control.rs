//! All that a job's author needs: say how far it is, say something, make work durable.
//!
//! Nothing here is lost when a job is dropped in the middle of an await: what was handed over stays queued and goes
//! out with the next report.

use crate::{
    JobFailure,
    outgoing::{REPORT_BYTES, pack},
};
use chrono::Utc;
use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Mutex as AsyncMutex, Notify};
use tokio_util::sync::CancellationToken;
use trawl_jobs::{Change, FoundArea, Item, JobError, Lease, Level, Outcome, Progress, Record, Report, text::clip};
use trawl_protocol::{Bus, Message, ProcessId, bus::BusError, delivery::Delivery};

/// Pause between two reports that only say how far the job is.
const PROGRESS_PAUSE: Duration = Duration::from_millis(250);
/// Checkpoints that may be on their way while the job goes on.
const MAX_AHEAD: usize = 2;
/// Longest text of a message, in bytes.
const MESSAGE_BYTES: usize = 4 << 10;
/// Messages that wait to be sent; beyond it the oldest is dropped.
const MAX_MESSAGES: usize = 1000;

/// Handle of a running job. Cheap to clone.
#[derive(Debug, Clone)]
pub struct JobControl(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    lease: Lease,
    bus: Bus,
    pending: Mutex<Pending>,
    /// Something is pending.
    dirty: Notify,
    sender: AsyncMutex<Sender>,
    ahead: AsyncMutex<VecDeque<Delivery>>,
    abort: CancellationToken,
    hand_back: CancellationToken,
    /// The last word is on its way.
    finishing: AtomicBool,
    /// Nothing more may be said: the last word is out, or the lease is gone.
    muted: CancellationToken,
}

/// What the next report will carry.
#[derive(Debug, Default)]
struct Pending {
    changes: VecDeque<Change>,
    messages: usize,
    dropped: u64,
    progress: Progress,
    progress_changed: bool,
}

/// Reports in the order of their numbers.
#[derive(Debug, Default)]
struct Sender {
    seq: i64,
    /// Packed and numbered, not yet taken by the bus.
    queue: VecDeque<Message>,
}

impl JobControl {
    /// The control of the attempt that holds `lease`; `progress` is how far an earlier one was.
    #[must_use]
    pub fn new(lease: Lease, bus: Bus, progress: Progress) -> Self {
        Self(Arc::new(Inner {
            lease,
            bus,
            pending: Mutex::new(Pending { progress, ..Pending::default() }),
            dirty: Notify::new(),
            sender: AsyncMutex::default(),
            ahead: AsyncMutex::default(),
            abort: CancellationToken::new(),
            hand_back: CancellationToken::new(),
            finishing: AtomicBool::new(false),
            muted: CancellationToken::new(),
        }))
    }

    /// The right under which this job runs.
    #[must_use]
    pub fn lease(&self) -> Lease {
        self.0.lease
    }

    /// Names the parts of the work, `(name, weight)`; weights are relative to each other. Parts that an earlier
    /// attempt has done stay done.
    #[must_use]
    pub fn pipeline<const N: usize>(&self, parts: [(&str, f64); N]) -> Steps {
        let steps = Steps { control: self.clone(), path: Vec::new() };
        for (name, weight) in parts {
            steps.add(name, weight);
        }
        steps
    }

    /// Worth knowing.
    pub fn info(&self, text: impl AsRef<str>) {
        self.message(Level::Info, text.as_ref());
    }

    /// Worth a look; the job goes on.
    pub fn warning(&self, text: impl AsRef<str>) {
        self.message(Level::Warning, text.as_ref());
    }

    /// Something was lost or skipped.
    pub fn error(&self, text: impl AsRef<str>) {
        self.message(Level::Error, text.as_ref());
    }

    /// Groups and projects that the account can reach. They go with the next report, at the latest with the next
    /// checkpoint.
    pub fn discovered(&self, areas: Vec<FoundArea>) {
        if !areas.is_empty() {
            self.pending().changes.push_back(Change::Discovered(areas));
            self.0.dirty.notify_one();
        }
    }

    /// Says how single things went: one that was reported before under its name is replaced. They go with the next
    /// report, at the latest with the next checkpoint.
    pub fn items(&self, items: Vec<Item>) {
        if !items.is_empty() {
            self.pending().changes.push_back(Change::Items(items));
            self.0.dirty.notify_one();
        }
    }

    /// Reports these records without moving the cursor: after a crash they are read again. Waits while the website
    /// has too much to commit.
    ///
    /// # Errors
    /// A record is too large, or the bus has ended.
    pub async fn records(&self, records: Vec<Record>) -> Result<(), JobFailure> {
        self.changes(vec![Change::Records(records)]).await
    }

    /// Reports these changes without moving the cursor, as [`Self::records`].
    ///
    /// # Errors
    /// As [`Self::records`].
    pub(crate) async fn changes(&self, changes: Vec<Change>) -> Result<(), JobFailure> {
        self.send(changes).await?;
        Ok(())
    }

    /// Reports these records and where to go on after them. Durable when it returns, and with it everything that was
    /// said before.
    ///
    /// # Errors
    /// A record is too large, or the bus has ended.
    pub async fn checkpoint(&self, cursor: String, records: Vec<Record>) -> Result<(), JobFailure> {
        self.checkpoint_and_leave(cursor, vec![Change::Records(records)], 0).await
    }

    /// As [`Self::checkpoint`], but returns before it is durable, so that the next page can be fetched meanwhile.
    /// Waits only while more than two are on their way.
    ///
    /// # Errors
    /// As [`Self::checkpoint`].
    pub async fn checkpoint_ahead(&self, cursor: String, records: Vec<Record>) -> Result<(), JobFailure> {
        self.changes_ahead(cursor, vec![Change::Records(records)]).await
    }

    /// As [`Self::checkpoint_ahead`], with any changes.
    ///
    /// # Errors
    /// As [`Self::checkpoint`].
    pub(crate) async fn changes_ahead(&self, cursor: String, changes: Vec<Change>) -> Result<(), JobFailure> {
        self.checkpoint_and_leave(cursor, changes, MAX_AHEAD).await
    }

    /// Resolves when a person wants the job to stop. A job needs this only for what it wants to do then: it is
    /// stopped at its next await by itself.
    #[must_use]
    pub fn abort_signal(&self) -> CancellationToken {
        self.0.abort.clone()
    }

    /// For loops without an await.
    ///
    /// # Errors
    /// A person wants the job to stop.
    pub fn aborted(&self) -> Result<(), JobFailure> {
        if self.0.abort.is_cancelled() { Err(JobFailure::Aborted) } else { Ok(()) }
    }

    /// Resolves when the worker goes away and the job is to be given back.
    pub(crate) fn hand_back_signal(&self) -> &CancellationToken {
        &self.0.hand_back
    }

    /// From now on nothing is reported any more.
    pub(crate) fn mute(&self) {
        self.0.muted.cancel();
    }

    /// Whether the job itself has ended, and only its last word has to arrive yet.
    pub(crate) fn is_finishing(&self) -> bool {
        self.0.finishing.load(Ordering::Relaxed)
    }

    /// Reports what is pending, at most a few times a second, for as long as it is polled.
    pub(crate) async fn report_as_it_goes(&self) -> Infallible {
        loop {
            self.0.dirty.notified().await;
            if let Err(error) = self.send(Vec::new()).await {
                // The job finds out itself with its next checkpoint.
                tracing::debug!(job.id = %self.0.lease.job, %error, "cannot report progress of job {}", self.0.lease);
            }
            tokio::time::sleep(PROGRESS_PAUSE).await;
        }
    }

    /// The last word; returns when the website has it.
    pub(crate) async fn finish(&self, outcome: Outcome) -> Result<(), BusError> {
        self.0.finishing.store(true, Ordering::Relaxed);
        let sent = self.send(vec![Change::Finished(outcome)]).await?;
        self.mute();
        match sent {
            Some(delivery) => delivery.acknowledged().await,
            None => Ok(()),
        }
    }

    async fn checkpoint_and_leave(
        &self,
        cursor: String,
        mut changes: Vec<Change>,
        ahead: usize,
    ) -> Result<(), JobFailure> {
        changes.push(Change::Cursor(cursor));
        let sent = self.send(changes).await?;
        let mut waiting = self.0.ahead.lock().await;
        waiting.extend(sent);
        while waiting.len() > ahead {
            let Some(oldest) = waiting.pop_front() else { break };
            oldest.acknowledged().await?;
        }
        Ok(())
    }

    /// Sends what is pending and then `changes`; returns the delivery of the last report. The lock is what keeps
    /// reports in the order of their numbers.
    async fn send(&self, changes: Vec<Change>) -> Result<Option<Delivery>, BusError> {
        let mut sender = self.0.sender.lock().await;
        if self.0.muted.is_cancelled() {
            return Ok(None);
        }
        let mut all = self.pending().take();
        all.extend(changes);
        for changes in pack(all, REPORT_BYTES) {
            sender.seq += 1;
            let report = Report { lease: self.0.lease, seq: sender.seq, changes };
            sender.queue.push_back(Message::JobUpdate(Box::new(report)));
        }
        let mut last = None;
        while let Some(report) = sender.queue.front() {
            let sent = self.0.bus.send(ProcessId::WEBSITE, report).await;
            sender.queue.pop_front();
            match sent {
                Ok(delivery) => last = Some(delivery),
                Err(error) => {
                    // A cursor must not get ahead of a record that is lost, and the next report takes the place of the
                    // first one that was not sent.
                    sender.seq -= 1 + i64::try_from(sender.queue.len()).unwrap_or_default();
                    sender.queue.clear();
                    return Err(error);
                }
            }
        }
        Ok(last)
    }

    fn message(&self, level: Level, text: &str) {
        let change = Change::Message { level, at: Utc::now(), text: clip(text, MESSAGE_BYTES) };
        self.pending().push_message(change);
        self.0.dirty.notify_one();
    }

    fn progress(&self, change: impl FnOnce(&mut Progress)) {
        let mut pending = self.pending();
        change(&mut pending.progress);
        pending.progress_changed = true;
        self.0.dirty.notify_one();
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        // Every change of it is whole, whoever panicked elsewhere.
        self.0.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    fn push_message(&mut self, message: Change) {
        if self.messages == MAX_MESSAGES {
            let oldest = self.changes.iter().position(|change| matches!(change, Change::Message { .. }));
            if let Some(oldest) = oldest {
                self.changes.remove(oldest);
                self.dropped += 1;
            }
        } else {
            self.messages += 1;
        }
        self.changes.push_back(message);
    }

    fn take(&mut self) -> Vec<Change> {
        let mut changes = Vec::from(std::mem::take(&mut self.changes));
        self.messages = 0;
        let dropped = std::mem::take(&mut self.dropped);
        if dropped > 0 {
            let text = format!("{dropped} messages were dropped because they came faster than they could be stored");
            changes.push(Change::Message { level: Level::Warning, at: Utc::now(), text });
        }
        if std::mem::take(&mut self.progress_changed) {
            changes.push(Change::Progress(self.progress.clone()));
        }
        changes
    }
}

/// The parts of a job's work, or those of one of them.
#[derive(Debug, Clone)]
pub struct Steps {
    control: JobControl,
    /// The part that these lie in, outermost first.
    path: Vec<String>,
}

impl Steps {
    /// How much of a part is done, 0 to 1. Never goes back.
    pub fn set(&self, name: &str, done: f64) {
        self.change(name, |progress, path| progress.set(path, done, Utc::now()));
    }

    /// A part by counts; the total is none while it is not known.
    pub fn set_counts(&self, name: &str, count: u64, total: Option<u64>) {
        self.change(name, |progress, path| progress.set_counts(path, count, total, Utc::now()));
    }

    /// A part that became known later; its weight is relative to those beside it.
    pub fn add(&self, name: &str, weight: f64) {
        self.change(name, |progress, path| progress.add(path, weight));
    }

    /// The parts of a part: how far it is then follows from them.
    #[must_use]
    pub fn of(&self, name: &str) -> Self {
        let path = self.path.iter().cloned().chain([name.to_owned()]).collect();
        Self { control: self.control.clone(), path }
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Progress, &[&str])) {
        let path: Vec<&str> = self.path.iter().map(String::as_str).chain([name]).collect();
        self.control.progress(|progress| change(progress, &path));
    }
}

/// A panic as a failure of its job.
pub(crate) fn panicked(payload: &(dyn std::any::Any + Send)) -> JobError {
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no reason given".to_owned());
    JobError::permanent(format!(
        "the crawler met a bug of its own: {}; please report it with this text",
        clip(&text, MESSAGE_BYTES)
    ))
}
