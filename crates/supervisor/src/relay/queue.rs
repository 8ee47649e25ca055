//! Frames on their way to one process, as they stand on the wire.

use bytes::BytesMut;
use std::{
    collections::VecDeque,
    io,
    sync::{Mutex, MutexGuard, OnceLock, PoisonError},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use trawl_protocol::{Frame, halves::Writer};

/// What may wait for one receiver. Reliable traffic stays far below it, being bounded by the senders' windows.
const BUDGET: usize = 64 << 20;
/// Signals may be lost, so they are once this much waits.
const SIGNAL_BUDGET: usize = 1 << 20;
/// How much is written at once.
const BATCH: usize = 256 << 10;

/// What became of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Queued {
    /// They will be written.
    Yes,
    /// Dropped, as may happen to signals.
    Dropped,
    /// The receiver is too slow to be kept.
    Full,
}

/// A bounded queue. Adding to it never waits, so that nobody's slowness is anybody else's.
///
/// Whoever adds something may write it at once ([`Queue::hurry`]); what the socket does not take is written by the
/// connection's own task ([`Queue::write`]).
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    more: Notify,
    writer: OnceLock<Writer>,
    /// Ends the connection that this queue belongs to.
    pub(super) closed: CancellationToken,
}

#[derive(Debug, Default)]
struct Waiting {
    /// What the socket has not taken of a batch: nothing may overtake it, or a frame would be cut in two.
    begun: Option<BytesMut>,
    batches: VecDeque<BytesMut>,
    /// In all of them.
    bytes: usize,
    /// The connection's own task has taken a batch and not written all of it: nobody may write anything before it has.
    writing: bool,
    /// An empty batch whose memory is used again.
    spare: BytesMut,
}

impl Waiting {
    /// Takes the first batch.
    fn take(&mut self) -> Option<BytesMut> {
        let batch = self.begun.take().or_else(|| self.batches.pop_front())?;
        self.bytes -= batch.len();
        Some(batch)
    }

    /// Keeps the memory of a batch that was written, if it is of a usual size.
    fn keep(&mut self, mut written: BytesMut) {
        // What is left of its memory says little while its beginning is given away.
        if !written.try_reclaim(BATCH + 1) {
            self.spare = written;
        }
    }
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What waits.
    pub(super) fn bytes(&self) -> usize {
        self.waiting().bytes
    }

    /// Adds whole frames, to be written soon: [`Queue::hurry`] follows. All of them are signals, or none is.
    pub(super) fn push(&self, frames: &[u8], signals: bool) -> Queued {
        let mut waiting = self.waiting();
        let bytes = waiting.bytes + frames.len();
        if bytes > BUDGET {
            return Queued::Full;
        }
        if signals && bytes > SIGNAL_BUDGET {
            return Queued::Dropped;
        }
        waiting.bytes = bytes;
        if let Some(batch) = waiting.batches.back_mut()
            && batch.len() + frames.len() <= BATCH
        {
            batch.extend_from_slice(frames);
        } else {
            let mut batch = std::mem::take(&mut waiting.spare);
            batch.extend_from_slice(frames);
            waiting.batches.push_back(batch);
        }
        Queued::Yes
    }

    /// Puts a frame before all of which nothing is written yet.
    pub(super) fn push_first(&self, frame: &Frame) {
        let mut bytes = BytesMut::new();
        frame.wire(&mut bytes);
        let mut waiting = self.waiting();
        waiting.bytes += bytes.len();
        waiting.batches.push_front(bytes);
        drop(waiting);
        self.hurry();
    }

    /// Writes what the socket takes at once, and leaves the rest to [`Queue::write`].
    pub(super) fn hurry(&self) {
        let mut waiting = self.waiting();
        if waiting.writing {
            return;
        }
        while let Some(writer) = self.writer.get()
            && let Some(mut batch) = waiting.take()
        {
            writer.write_now(&mut batch);
            if batch.is_empty() {
                waiting.keep(batch);
            } else {
                waiting.bytes += batch.len();
                waiting.begun = Some(batch);
                break;
            }
        }
        if waiting.bytes > 0 {
            drop(waiting);
            self.more.notify_one();
        }
    }

    /// Writes what waits, as long as the connection lasts. Called once for a queue.
    pub(super) async fn write(&self, writer: Writer) -> io::Result<()> {
        let writer = self.writer.get_or_init(|| writer);
        let mut written = None;
        loop {
            let next = {
                let mut waiting = self.waiting();
                written.take().into_iter().for_each(|batch| waiting.keep(batch));
                let next = waiting.take();
                waiting.writing = next.is_some();
                next
            };
            if let Some(mut batch) = next {
                writer.write_all(&mut batch).await?;
                written = Some(batch);
            } else {
                self.more.notified().await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use tokio::io::AsyncReadExt as _;
    use trawl_protocol::{Header, Kind, ProcessId, Wired, codec::BUS_FRAME_LIMIT, halves, socket::Stream};

    fn frame(size: usize) -> Frame {
        Frame::new(Header::plain(Kind::Message, ProcessId::WEBSITE, ProcessId::crawler(1)), &vec![0; size])
    }

    fn push(queue: &Queue, size: usize, signal: bool) -> Queued {
        let mut bytes = BytesMut::new();
        frame(size).wire(&mut bytes);
        queue.push(&bytes, signal)
    }

    #[test]
    fn signals_give_way_first_and_nothing_is_unbounded() {
        let queue = Queue::default();
        assert_eq!(push(&queue, SIGNAL_BUDGET, false), Queued::Yes);
        assert_eq!(push(&queue, 1, true), Queued::Dropped);
        let mut taken = 1;
        while push(&queue, 1 << 19, false) == Queued::Yes {
            taken += 1;
        }
        assert!((taken << 19) <= BUDGET && queue.bytes() <= BUDGET);
        assert_eq!(push(&queue, 1 << 19, false), Queued::Full);
    }

    /// Some are written by whoever adds them, some by the task, which has to stop when the socket is full: none is lost,
    /// none overtakes another but the first, and none is cut in two by it.
    #[tokio::test]
    async fn frames_leave_in_order_and_their_bytes_are_given_back() {
        let (near, mut far) = Stream::pair().unwrap();
        let (_, writer) = halves::split(near, &[]).unwrap();
        let queue = Queue::default();
        let mut task = pin!(queue.write(writer));
        // More than the socket takes.
        let sizes: Vec<usize> = (0..3000).map(|n| n % 1000).collect();
        let (mut read, mut seen, mut pings) = (BytesMut::new(), Vec::new(), 0);
        for (n, size) in sizes.iter().enumerate() {
            assert_eq!(push(&queue, *size, false), Queued::Yes);
            if n % 3 == 0 {
                queue.hurry();
            }
            if n % 500 == 0 {
                assert!(futures_util::poll!(&mut task).is_pending());
                queue
                    .push_first(&Frame::new(Header::plain(Kind::Ping, ProcessId::SUPERVISOR, ProcessId::WEBSITE), &[]));
            }
        }
        assert!(queue.bytes() > 0, "the socket is full");
        while seen.len() < sizes.len() || pings < 6 {
            tokio::select! {
                _ = &mut task => unreachable!("the connection lasts"),
                length = far.read_buf(&mut read) => assert_ne!(length.unwrap(), 0),
            }
            while let Some(frame) = Wired::first(&read, BUS_FRAME_LIMIT).unwrap() {
                match frame.header.kind {
                    Kind::Ping => pings += 1,
                    _ => seen.push(frame.body().len()),
                }
                let _ = read.split_to(frame.bytes.len());
            }
        }
        assert_eq!((seen, queue.bytes()), (sizes, 0));
    }
}
