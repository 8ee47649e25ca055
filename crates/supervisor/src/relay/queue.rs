//! Frames on their way to one process.

use bytes::BytesMut;
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;
use tokio_util::{codec::Encoder as _, sync::CancellationToken};
use trawl_protocol::{Frame, FrameCodec, FrameError, Kind, codec::BUS_FRAME_LIMIT};

/// What may wait for one receiver. Reliable traffic stays far below it, being bounded by the senders' windows.
const BUDGET: usize = 64 << 20;
/// Signals may be lost, so they are once this much waits.
const SIGNAL_BUDGET: usize = 1 << 20;
/// How much is written at once.
const BATCH: usize = 256 << 10;

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Queued {
    /// It will be written.
    Yes,
    /// Dropped, as may happen to a signal.
    Dropped,
    /// The receiver is too slow to be kept.
    Full,
}

/// A bounded queue. Adding to it never waits, so that nobody's slowness is anybody else's.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: Mutex<Waiting>,
    more: Notify,
    /// Ends the connection that this queue belongs to.
    pub(super) closed: CancellationToken,
}

#[derive(Debug, Default)]
struct Waiting {
    frames: VecDeque<Frame>,
    bytes: usize,
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What waits.
    pub(super) fn bytes(&self) -> usize {
        self.waiting().bytes
    }

    pub(super) fn push(&self, frame: Frame) -> Queued {
        let mut waiting = self.waiting();
        let bytes = waiting.bytes + frame.len();
        if bytes > BUDGET {
            return Queued::Full;
        }
        if frame.header.kind == Kind::Signal && bytes > SIGNAL_BUDGET {
            return Queued::Dropped;
        }
        waiting.bytes = bytes;
        waiting.frames.push_back(frame);
        let first = waiting.frames.len() == 1;
        drop(waiting);
        if first {
            self.more.notify_one();
        }
        Queued::Yes
    }

    /// Puts a frame before all others.
    pub(super) fn push_first(&self, frame: Frame) {
        let mut waiting = self.waiting();
        waiting.bytes += frame.len();
        waiting.frames.push_front(frame);
        drop(waiting);
        self.more.notify_one();
    }

    /// Waits for frames, and moves a batch of them into `bytes` as they stand on the wire.
    pub(super) async fn take(&self, codec: &mut FrameCodec, bytes: &mut BytesMut) -> Result<(), FrameError> {
        while !self.drain(codec, bytes)? {
            self.more.notified().await;
        }
        Ok(())
    }

    fn drain(&self, codec: &mut FrameCodec, bytes: &mut BytesMut) -> Result<bool, FrameError> {
        let mut waiting = self.waiting();
        while bytes.len() < BATCH {
            let Some(frame) = waiting.frames.pop_front() else { break };
            waiting.bytes -= frame.len();
            codec.encode(frame, bytes)?;
        }
        if waiting.frames.is_empty() && waiting.frames.capacity() > 4096 {
            // A burst is over.
            waiting.frames = VecDeque::new();
        }
        Ok(!bytes.is_empty())
    }
}

/// For writing what others were allowed to send.
pub(super) fn codec() -> FrameCodec {
    FrameCodec::with_limit(BUS_FRAME_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use trawl_protocol::{Header, ProcessId};

    fn frame(kind: Kind, size: usize) -> Frame {
        Frame::new(Header::plain(kind, ProcessId::WEBSITE, ProcessId::crawler(1)), &vec![0; size])
    }

    #[test]
    fn signals_give_way_first_and_nothing_is_unbounded() {
        let queue = Queue::default();
        assert_eq!(queue.push(frame(Kind::Message, SIGNAL_BUDGET)), Queued::Yes);
        assert_eq!(queue.push(frame(Kind::Signal, 1)), Queued::Dropped);
        let mut taken = 1;
        while queue.push(frame(Kind::Message, 1 << 19)) == Queued::Yes {
            taken += 1;
        }
        assert!((taken << 19) <= BUDGET && queue.waiting().bytes <= BUDGET);
        assert_eq!(queue.push(frame(Kind::Message, 1 << 19)), Queued::Full);
    }

    #[tokio::test]
    async fn frames_leave_in_order_and_their_bytes_are_given_back() {
        let (queue, mut codec, mut bytes) = (Queue::default(), codec(), BytesMut::new());
        for size in [3, 4, 5] {
            queue.push(frame(Kind::Message, size));
        }
        queue.push_first(frame(Kind::Ping, 0));
        queue.take(&mut codec, &mut bytes).await.unwrap();
        let mut sizes = Vec::new();
        while let Some(frame) = tokio_util::codec::Decoder::decode(&mut codec, &mut bytes).unwrap() {
            sizes.push(frame.body().len());
        }
        assert_eq!((sizes, queue.waiting().bytes), (vec![0, 3, 4, 5], 0));
    }
}
