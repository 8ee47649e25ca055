//! What becomes of messages that were sent, for whoever asks.
//!
//! Mostly nobody does, so that many share an allocation and nobody is woken.

use crate::bus::BusError;
use std::{
    array,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
};
use tokio::sync::Notify;

/// Messages that share an allocation.
const TOGETHER: usize = 64;

const UNDER_WAY: u8 = 0;
const ACKNOWLEDGED: u8 = 1;
const VOID: u8 = 2;

#[derive(Debug)]
struct Fates {
    each: [AtomicU8; TOGETHER],
    /// Somebody has asked for one of them.
    asked: AtomicBool,
    settled: Notify,
}

/// Resolves once the receiver has acknowledged: for the website this means committed.
#[derive(Debug)]
pub struct Delivery {
    fates: Arc<Fates>,
    nth: usize,
}

impl Delivery {
    /// Waits for the acknowledgement.
    ///
    /// # Errors
    /// The receiver has died, or the bus was closed.
    pub async fn acknowledged(self) -> Result<(), BusError> {
        self.fates.asked.store(true, Ordering::SeqCst);
        loop {
            let mut settled = pin!(self.fates.settled.notified());
            // Before the look, or what happens in between would not be noticed.
            settled.as_mut().enable();
            match self.fates.each[self.nth].load(Ordering::SeqCst) {
                ACKNOWLEDGED => return Ok(()),
                VOID => return Err(BusError::ReceiverGone),
                _ => settled.await,
            }
        }
    }
}

/// The other end of a [`Delivery`]. A message whose fate is dropped is void.
#[derive(Debug)]
pub(crate) struct Fate {
    fates: Arc<Fates>,
    nth: usize,
}

impl Fate {
    /// The receiver has acknowledged.
    pub(crate) fn acknowledged(self) {
        self.settle(ACKNOWLEDGED);
    }

    fn settle(&self, fate: u8) {
        self.fates.each[self.nth].store(fate, Ordering::SeqCst);
        if self.fates.asked.load(Ordering::SeqCst) {
            self.fates.settled.notify_waiters();
        }
    }
}

impl Drop for Fate {
    fn drop(&mut self) {
        if self.fates.each[self.nth].load(Ordering::Relaxed) == UNDER_WAY {
            self.settle(VOID);
        }
    }
}

/// Gives each message its fate.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    last: Option<(Arc<Fates>, usize)>,
}

impl Deliveries {
    /// For the next message.
    pub(crate) fn next(&mut self) -> (Fate, Delivery) {
        let (fates, nth) = match self.last.take() {
            Some((fates, nth)) if nth + 1 < TOGETHER => (fates, nth + 1),
            _ => (Arc::new(Fates::new()), 0),
        };
        self.last = Some((Arc::clone(&fates), nth));
        (Fate { fates: Arc::clone(&fates), nth }, Delivery { fates, nth })
    }
}

impl Fates {
    fn new() -> Self {
        Self {
            each: array::from_fn(|_| AtomicU8::new(UNDER_WAY)),
            asked: AtomicBool::new(false),
            settled: Notify::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn each_has_its_own_fate() {
        let mut deliveries = Deliveries::default();
        let (fates, waiting): (Vec<_>, Vec<_>) = (0..3 * TOGETHER).map(|_| deliveries.next()).unzip();
        let mut waiting: Vec<_> = waiting.into_iter().map(|delivery| tokio::spawn(delivery.acknowledged())).collect();
        tokio::task::yield_now().await;
        assert!(waiting.iter_mut().all(|task| task.now_or_never().is_none()), "nothing has happened yet");
        for (n, fate) in fates.into_iter().enumerate() {
            if n % 3 == 0 { drop(fate) } else { fate.acknowledged() }
        }
        for (n, task) in waiting.into_iter().enumerate() {
            assert_eq!(task.await.unwrap().is_ok(), n % 3 != 0, "{n}");
        }
    }

    #[tokio::test]
    async fn who_asks_late_is_told_as_well() {
        let (fate, delivery) = Deliveries::default().next();
        fate.acknowledged();
        delivery.acknowledged().await.unwrap();
    }
}
