//! What the handles of a bus leave for its pump.
//!
//! Not a channel: the pump takes all that is there in one go, what is acknowledged of one sender becomes one word, and the
//! pump is woken for the first thing that is left and for nothing after it.

use crate::{
    Boot, ProcessId,
    bus::{Command, Receipt},
};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// What is left for the pump, in the order in which it was left. What is in it is bounded otherwise: messages by their
/// windows, acknowledgements by the number of senders.
#[derive(Debug, Default)]
pub(crate) struct Left {
    pub(crate) commands: Vec<Command>,
    pub(crate) acks: Vec<Acknowledged>,
}

/// What the owner has dealt with of one sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub(crate) from: ProcessId,
    pub(crate) boot: Boot,
    /// Up to here.
    pub(crate) seq: u64,
    /// How many messages.
    pub(crate) count: usize,
}

impl Left {
    const fn is_empty(&self) -> bool {
        self.commands.is_empty() && self.acks.is_empty()
    }

    fn acknowledge(&mut self, Receipt { from, boot, seq }: Receipt) {
        if let Some(ack) = self.acks.iter_mut().find(|ack| ack.from == from && ack.boot == boot) {
            ack.seq = seq;
            ack.count += 1;
        } else {
            self.acks.push(Acknowledged { from, boot, seq, count: 1 });
        }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Mailbox {
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    left: Left,
    /// Nobody will leave anything any more.
    deserted: bool,
    /// Nobody will take anything any more.
    closed: bool,
}

impl Mailbox {
    /// Leaves something; false: nobody will take it.
    pub(crate) fn command(&self, command: Command) -> bool {
        self.leave(|left| left.commands.push(command))
    }

    /// Leaves word that this message, and all earlier ones of its sender, are dealt with.
    pub(crate) fn acknowledge(&self, receipt: Receipt) -> bool {
        self.leave(|left| left.acknowledge(receipt))
    }

    fn leave(&self, leave: impl FnOnce(&mut Left)) -> bool {
        let mut state = self.state();
        if state.closed {
            return false;
        }
        let first = state.left.is_empty();
        leave(&mut state.left);
        drop(state);
        if first {
            self.wake.notify_one();
        }
        true
    }

    /// Nobody will leave anything any more.
    pub(crate) fn desert(&self) {
        self.state().deserted = true;
        self.wake.notify_one();
    }

    /// Nobody will take anything any more. What is there goes.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let left = std::mem::take(&mut state.left);
        // Those who wait for room in a window look at this again as soon as they have it.
        drop(state);
        drop(left);
    }

    /// Waits for something and puts it where nothing may be; false: nothing will ever come. Nothing is lost where it is not
    /// waited for to the end.
    pub(crate) async fn take(&self, into: &mut Left) -> bool {
        debug_assert!(into.is_empty(), "it would be given back");
        loop {
            {
                let mut state = self.state();
                if !state.left.is_empty() {
                    // The room that it took is left for what comes next.
                    std::mem::swap(&mut state.left, into);
                    return true;
                }
                if state.deserted {
                    return false;
                }
            }
            self.wake.notified().await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Message;
    use std::sync::Arc;

    fn receipt(from: u16, boot: u32, seq: u64) -> Receipt {
        Receipt { from: ProcessId(from), boot: Boot(boot), seq }
    }

    fn signal() -> Command {
        let body = crate::encode(&Message::Heartbeat { window_percent: 0 }).unwrap();
        Command::Signal { to: ProcessId::WEBSITE, body }
    }

    #[tokio::test]
    async fn acknowledgements_of_one_life_become_one() {
        let (mailbox, mut left) = (Mailbox::default(), Left::default());
        for (from, boot, seq) in [(1, 1, 4), (2, 7, 1), (1, 1, 5), (1, 1, 9), (1, 2, 1)] {
            assert!(mailbox.acknowledge(receipt(from, boot, seq)));
        }
        assert!(mailbox.take(&mut left).await);
        let acks: Vec<_> = left.acks.iter().map(|ack| (ack.from.0, ack.boot.0, ack.seq, ack.count)).collect();
        assert_eq!(acks, [(1, 1, 9, 3), (2, 7, 1, 1), (1, 2, 1, 1)]);
    }

    #[tokio::test]
    async fn everything_is_taken_before_the_end() {
        let (mailbox, mut left) = (Arc::new(Mailbox::default()), Left::default());
        assert!(mailbox.command(signal()));
        mailbox.desert();
        assert!(mailbox.take(&mut left).await);
        assert_eq!(std::mem::take(&mut left).commands.len(), 1);
        assert!(!mailbox.take(&mut left).await);
        mailbox.close();
        assert!(!mailbox.command(signal()), "nobody would take it");
    }

    #[tokio::test]
    async fn one_who_waits_is_woken_each_time() {
        let (mailbox, mut left) = (Arc::new(Mailbox::default()), Left::default());
        let other = Arc::clone(&mailbox);
        let leaving = tokio::spawn(async move {
            for _ in 0..100 {
                other.command(signal());
                tokio::task::yield_now().await;
            }
            other.desert();
        });
        let mut seen = 0;
        while mailbox.take(&mut left).await {
            seen += left.commands.drain(..).len();
        }
        leaving.await.unwrap();
        assert_eq!(seen, 100);
    }
}
