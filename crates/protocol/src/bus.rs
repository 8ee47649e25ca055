//! A process's end of the bus: connects, connects again, and sees to it that every message arrives.
//!
//! One task, the pump, owns all state and never waits for anything but the next event; what it may have to hold is
//! bounded by the windows of the streams. A sender waits for room in its window, so a receiver that commits slowly
//! slows its senders down and costs no memory.

use crate::{
    Boot, FrameError, Message, Peer, ProcessId, ProcessInfo,
    arrivals::{Arrivals, arrivals},
    codec::{BUS_FRAME_LIMIT, encode},
    delivery::{Deliveries, Delivery, Fate},
    handshake::{self, ConnectError, Hello},
    mailbox::Mailbox,
    pump::Pump,
    room::Room,
};
use bytes::Bytes;
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::Semaphore,
    task::{JoinHandle, coop},
    time::sleep,
};

/// How much may be on its way to one receiver without acknowledgement, in KiB.
const WINDOW_KIB: usize = 4096;
/// Pause between two knocks of who waits for its place.
const KNOCK: Duration = Duration::from_millis(10);

/// What a process wants of the bus.
#[derive(Debug)]
pub struct BusOptions {
    /// The supervisor's socket.
    pub socket: PathBuf,
    /// Who this is.
    pub hello: Hello,
    /// Whether what a dead receiver left is for its successor: so for reports to the website, not for orders to a
    /// worker.
    pub carry_over: bool,
    /// Whether to wait at the door for the first time while our place is still taken; later on every process does.
    pub patient: bool,
}

/// Something for the owner of the bus.
#[derive(Debug)]
pub enum Incoming {
    /// The supervisor has let us in.
    Connected(ProcessId),
    /// The supervisor is gone; the bus tries to come back.
    Disconnected,
    /// Everybody who is on the bus now.
    Peers(Vec<Peer>),
    /// The process table.
    Processes(Vec<ProcessInfo>),
    /// A message. It is resent until its receipt is given back with [`Bus::acknowledge`].
    Message(Message, Receipt),
    /// A message that this build does not understand. To be acknowledged in its turn, or it would come for ever.
    Unreadable(Receipt),
    /// A message that may be lost.
    Signal(Message, ProcessId),
}

/// Which message it was. To be given back in the order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The sender.
    pub from: ProcessId,
    /// Its life.
    pub boot: Boot,
    pub(crate) seq: u64,
}

/// Why a message will not arrive.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// The bus of this process has ended.
    #[error("the bus is closed")]
    Closed,
    /// The receiver has died, and the message with it.
    #[error("the receiver is gone")]
    ReceiverGone,
    /// The message cannot be sent at all.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// Handle to the bus. Cheap to clone; the bus ends when the last one is dropped.
#[derive(Debug, Clone)]
pub struct Bus(Arc<Handle>);

/// What all handles have in common.
#[derive(Debug)]
struct Handle {
    mailbox: Arc<Mailbox>,
    sending: Mutex<Sending>,
    in_hand: Arc<AtomicU32>,
}

#[derive(Debug, Default)]
struct Sending {
    windows: BTreeMap<ProcessId, Arc<Semaphore>>,
    deliveries: Deliveries,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.mailbox.desert();
    }
}

/// What handles ask of the pump.
#[derive(Debug)]
pub(crate) enum Command {
    Send { to: ProcessId, body: Bytes, keep: Keep },
    Signal { to: ProcessId, body: Bytes },
}

/// What is kept with a message until it is acknowledged.
#[derive(Debug)]
pub(crate) struct Keep {
    pub(crate) room: Room,
    pub(crate) fate: Fate,
}

impl Bus {
    /// Connects. The returned task ends when the last handle is dropped, or with the reason why the supervisor will
    /// not have us.
    ///
    /// # Errors
    /// The first attempt to connect failed; later on the bus comes back by itself.
    pub async fn connect(
        options: BusOptions,
    ) -> Result<(Self, Arrivals, JoinHandle<Result<(), ConnectError>>), ConnectError> {
        let first = loop {
            match handshake::connect(&options.socket, &options.hello, BUS_FRAME_LIMIT).await {
                Err(ConnectError::Refused(refusal)) if options.patient && refusal.again => sleep(KNOCK).await,
                other => break other?,
            }
        };
        let in_hand = Arc::<AtomicU32>::default();
        let mailbox = Arc::<Mailbox>::default();
        let (intake, arrivals) = arrivals();
        let pump = Pump::new(options, first.1.you, (Arc::clone(&mailbox), intake), Arc::clone(&in_hand));
        let task = tokio::spawn(pump.run(first.0));
        Ok((Self(Arc::new(Handle { mailbox, sending: Mutex::default(), in_hand })), arrivals, task))
    }

    /// Sends a message as soon as the receiver's window has room, and again until it is acknowledged. With
    /// [`BusOptions::carry_over`] a receiver that is not there yet is waited for; else the message is void.
    ///
    /// # Errors
    /// The message is too large, or the bus has ended.
    pub async fn send(&self, to: ProcessId, message: &Message) -> Result<Delivery, BusError> {
        let body = encode(message)?;
        // Who sends without end lets others run, the pump before all.
        coop::consume_budget().await;
        let (window, (fate, delivery)) = {
            let mut sending = self.sending();
            let window = sending.windows.entry(to).or_insert_with(|| Arc::new(Semaphore::new(WINDOW_KIB)));
            (Arc::clone(window), sending.deliveries.next())
        };
        let kib = body.len().div_ceil(1024).clamp(1, WINDOW_KIB);
        let room = Room::take(window, kib).await.ok_or(BusError::Closed)?;
        self.command(Command::Send { to, body, keep: Keep { room, fate } })?;
        Ok(delivery)
    }

    /// How much of the window towards a receiver is taken by what it has not acknowledged, in percent. A full one holds
    /// up whoever sends.
    #[must_use]
    pub fn window_percent(&self, to: ProcessId) -> u8 {
        let free = self.sending().windows.get(&to).map_or(WINDOW_KIB, |window| window.available_permits());
        u8::try_from((WINDOW_KIB - free.min(WINDOW_KIB)) * 100 / WINDOW_KIB).unwrap_or(100)
    }

    /// Says how many jobs this process has in hand, for the supervisor's status.
    pub fn set_in_hand(&self, jobs: usize) {
        self.0.in_hand.store(u32::try_from(jobs).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    /// Sends a message that may be lost.
    ///
    /// # Errors
    /// The message is too large, or the bus has ended.
    pub fn signal(&self, to: ProcessId, message: &Message) -> Result<(), BusError> {
        self.command(Command::Signal { to, body: encode(message)? })
    }

    /// This message, and all earlier ones of its sender, are dealt with for good.
    ///
    /// # Errors
    /// The bus has ended.
    pub fn acknowledge(&self, receipt: Receipt) -> Result<(), BusError> {
        if self.0.mailbox.acknowledge(receipt) { Ok(()) } else { Err(BusError::Closed) }
    }

    fn sending(&self) -> MutexGuard<'_, Sending> {
        self.0.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn command(&self, command: Command) -> Result<(), BusError> {
        if self.0.mailbox.command(command) { Ok(()) } else { Err(BusError::Closed) }
    }
}
