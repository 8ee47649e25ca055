//! What the pump of a bus leaves for its owner.
//!
//! Not a channel: what was read together is handed over together, as the bytes it came in, and the owner decodes a message
//! when it fetches it. So the memory of one message is mostly that of the one before, and what waits takes no more than
//! its bytes. How much that is is bounded by the windows of the senders.

use crate::{
    Message, Peer, ProcessId, ProcessInfo,
    bus::{Incoming, Receipt},
};
use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::{sync::Notify, task::coop};

/// Signals that nobody has fetched are dropped once so many things wait.
const SIGNAL_BACKLOG: usize = 1024;
/// A larger buffer of messages is not kept once it is empty. Bytes.
const BURST: usize = 256 << 10;

/// What the pump says on its own account.
#[derive(Debug)]
pub(crate) enum Notice {
    Connected(ProcessId),
    Disconnected,
    Peers(Vec<Peer>),
    Processes(Vec<ProcessInfo>),
}

#[derive(Debug)]
enum Arrived {
    /// So many bytes are a message.
    Message(Receipt, usize),
    Signal(ProcessId, usize),
    Notice(Notice),
}

/// In the order in which it came.
#[derive(Debug, Default)]
struct Pile {
    things: VecDeque<Arrived>,
    /// The bodies of all that are messages, one behind the other …
    bodies: Vec<u8>,
    /// … the first of which begins here.
    begin: usize,
}

impl Pile {
    fn put(&mut self, thing: Arrived, body: &[u8]) {
        self.things.push_back(thing);
        self.bodies.extend_from_slice(body);
    }

    fn take(&mut self) -> Option<Incoming> {
        loop {
            let Some(first) = self.things.pop_front() else {
                self.clear();
                return None;
            };
            return Some(match first {
                Arrived::Message(receipt, length) => match self.message(length) {
                    Ok(message) => Incoming::Message(message, receipt),
                    Err(error) => {
                        tracing::error!(
                            %error, from = %receipt.from,
                            "a message that cannot be understood; run the same build everywhere"
                        );
                        Incoming::Unreadable(receipt)
                    }
                },
                Arrived::Signal(from, length) => match self.message(length) {
                    Ok(message) => Incoming::Signal(message, from),
                    Err(error) => {
                        tracing::warn!(%error, %from, "a signal that cannot be understood");
                        continue;
                    }
                },
                Arrived::Notice(Notice::Connected(me)) => Incoming::Connected(me),
                Arrived::Notice(Notice::Disconnected) => Incoming::Disconnected,
                Arrived::Notice(Notice::Peers(peers)) => Incoming::Peers(peers),
                Arrived::Notice(Notice::Processes(processes)) => Incoming::Processes(processes),
            });
        }
    }

    fn message(&mut self, length: usize) -> Result<Message, crate::FrameError> {
        let body = &self.bodies[self.begin..self.begin + length];
        self.begin += length;
        crate::decode(body)
    }

    /// Empties it. Memory of a usual size is used again.
    fn clear(&mut self) {
        if self.bodies.capacity() > BURST {
            *self = Self::default();
        }
        self.things.clear();
        self.bodies.clear();
        self.begin = 0;
    }

    fn append(&mut self, later: &mut Self) {
        self.things.append(&mut later.things);
        self.bodies.extend_from_slice(&later.bodies[later.begin..]);
        later.clear();
    }
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    pile: Pile,
    /// Nothing will come any more, or nobody will fetch it.
    closed: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        self.state().closed = true;
        self.wake.notify_one();
    }
}

/// The pump's end.
#[derive(Debug)]
pub(crate) struct Intake {
    /// What was not handed over yet.
    pile: Pile,
    shared: Arc<Shared>,
}

/// The owner's end. What it does not fetch keeps the room in the senders' windows.
#[derive(Debug)]
pub struct Arrivals {
    /// What was fetched together with what was asked for.
    pile: Pile,
    shared: Arc<Shared>,
}

/// Both ends.
pub(crate) fn arrivals() -> (Intake, Arrivals) {
    let shared = Arc::<Shared>::default();
    (Intake { pile: Pile::default(), shared: Arc::clone(&shared) }, Arrivals { pile: Pile::default(), shared })
}

impl Intake {
    /// A whole message has arrived.
    pub(crate) fn message(&mut self, receipt: Receipt, body: &[u8]) {
        self.pile.put(Arrived::Message(receipt, body.len()), body);
    }

    /// A signal has arrived. It goes where too much waits.
    pub(crate) fn signal(&mut self, from: ProcessId, body: &[u8]) {
        if self.pile.things.len() < SIGNAL_BACKLOG && self.shared.state().pile.things.len() < SIGNAL_BACKLOG {
            self.pile.put(Arrived::Signal(from, body.len()), body);
        }
    }

    /// Something that the owner has to know of the bus itself.
    pub(crate) fn notice(&mut self, notice: Notice) {
        self.pile.put(Arrived::Notice(notice), &[]);
    }

    /// Hands over what has arrived.
    pub(crate) fn hand_over(&mut self) {
        if self.pile.things.is_empty() {
            return;
        }
        let mut state = self.shared.state();
        if state.closed {
            return self.pile.clear();
        }
        let first = state.pile.things.is_empty();
        if first {
            mem::swap(&mut state.pile, &mut self.pile);
        } else {
            state.pile.append(&mut self.pile);
        }
        drop(state);
        if first {
            self.shared.wake.notify_one();
        }
    }
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.hand_over();
        self.shared.close();
    }
}

impl Arrivals {
    /// Of no bus: they have ended before they begin.
    #[must_use]
    pub fn none() -> Self {
        arrivals().1
    }

    /// Waits for the next thing; none: nothing will come any more. Nothing is lost where it is not waited for to the end.
    pub async fn recv(&mut self) -> Option<Incoming> {
        loop {
            if let Some(next) = self.pile.take() {
                return Some(next);
            }
            if !self.fetch().await {
                return None;
            }
        }
    }

    /// The next of what came together with the last one.
    pub fn another(&mut self) -> Option<Incoming> {
        self.pile.take()
    }

    /// Waits for what was handed over; false: nothing will be any more.
    async fn fetch(&mut self) -> bool {
        // Who fetches without end lets others run, the pump before all.
        coop::consume_budget().await;
        loop {
            {
                let mut state = self.shared.state();
                if !state.pile.things.is_empty() {
                    // The room that it took is left for what comes next.
                    mem::swap(&mut state.pile, &mut self.pile);
                    return true;
                }
                if state.closed {
                    return false;
                }
            }
            self.shared.wake.notified().await;
        }
    }
}

impl Drop for Arrivals {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        state.closed = true;
        drop(mem::take(&mut state.pile));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Boot, encode};
    use std::iter;

    fn receipt(seq: u64) -> Receipt {
        Receipt { from: ProcessId(1), boot: Boot(1), seq }
    }

    fn body(window_percent: u8) -> bytes::Bytes {
        encode(&Message::Heartbeat { window_percent }).unwrap()
    }

    fn message(intake: &mut Intake, n: u8) {
        intake.message(receipt(n.into()), &body(n));
    }

    async fn next(arrivals: &mut Arrivals) -> u8 {
        match arrivals.recv().await {
            Some(Incoming::Message(Message::Heartbeat { window_percent }, receipt)) => {
                assert_eq!(receipt.seq, u64::from(window_percent));
                window_percent
            }
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn they_come_in_order_however_they_were_handed_over() {
        let (mut intake, mut arrivals) = arrivals();
        for n in 0..4 {
            message(&mut intake, n);
        }
        intake.hand_over();
        assert_eq!(next(&mut arrivals).await, 0);
        // Some while the first are fetched, in two goes.
        message(&mut intake, 4);
        intake.hand_over();
        message(&mut intake, 5);
        intake.hand_over();
        let together = iter::from_fn(|| arrivals.another()).count();
        assert_eq!(together, 3, "what came later is not among them");
        assert_eq!((next(&mut arrivals).await, next(&mut arrivals).await), (4, 5));
        message(&mut intake, 6);
        drop(intake);
        assert_eq!(next(&mut arrivals).await, 6);
        assert!(arrivals.recv().await.is_none());
    }

    #[tokio::test]
    async fn what_cannot_be_understood_takes_nothing_with_it() {
        let (mut intake, mut arrivals) = arrivals();
        intake.message(receipt(1), &[250]);
        intake.signal(ProcessId(1), &[250]);
        message(&mut intake, 2);
        intake.signal(ProcessId(1), &[]);
        intake.notice(Notice::Disconnected);
        intake.hand_over();
        assert!(matches!(arrivals.recv().await, Some(Incoming::Unreadable(Receipt { seq: 1, .. }))));
        assert_eq!(next(&mut arrivals).await, 2);
        assert!(matches!(arrivals.recv().await, Some(Incoming::Disconnected)));
    }

    #[tokio::test]
    async fn signals_do_not_pile_up_and_messages_stay() {
        let (mut intake, mut arrivals) = arrivals();
        for _ in 0..3 * SIGNAL_BACKLOG {
            intake.signal(ProcessId(1), &body(0));
            intake.hand_over();
        }
        message(&mut intake, 7);
        intake.hand_over();
        for _ in 0..SIGNAL_BACKLOG {
            assert!(matches!(arrivals.recv().await, Some(Incoming::Signal(..))));
        }
        assert_eq!(next(&mut arrivals).await, 7);
    }

    #[tokio::test]
    async fn a_burst_is_not_kept() {
        let (mut intake, mut arrivals) = arrivals();
        for round in 0..4 {
            let count = if round == 0 { 2 * BURST } else { 10 };
            for _ in 0..count {
                message(&mut intake, 1);
                intake.hand_over();
            }
            for _ in 0..count {
                next(&mut arrivals).await;
            }
            assert!(arrivals.another().is_none());
        }
        let kept = |pile: &Pile| pile.bodies.capacity();
        assert!(
            kept(&intake.pile) <= BURST
                && kept(&arrivals.pile) <= BURST
                && kept(&arrivals.shared.state().pile) <= BURST
        );
    }

    #[tokio::test]
    async fn nothing_is_kept_for_nobody() {
        let (mut intake, arrivals) = arrivals();
        message(&mut intake, 1);
        intake.hand_over();
        let shared = Arc::clone(&arrivals.shared);
        drop(arrivals);
        message(&mut intake, 2);
        intake.hand_over();
        assert!(shared.state().pile.things.is_empty() && intake.pile.things.is_empty());
    }
}
