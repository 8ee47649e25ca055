//! A process's end of the bus: connects, connects again, and sees to it that every message arrives.
//!
//! One task, the pump, owns all state and never waits for anything but the next event; what it may have to hold is
//! bounded by the windows of the streams. A sender waits for room in its window, so a receiver that commits slowly
//! slows its senders down and costs no memory.

use crate::{
    Boot, Frame, FrameError, Header, Kind, Message, Peer, ProcessId, ProcessInfo,
    codec::{BUS_FRAME_LIMIT, encode},
    handshake::{self, ConnectError, Connection, Hello},
    window::{Arrival, Inbox, Outbox, Piece},
};
use bytes::Bytes;
use futures_util::{
    SinkExt as _, StreamExt as _,
    stream::{SplitSink, SplitStream},
};
use std::{
    collections::{HashMap, VecDeque},
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, sleep, sleep_until},
};

/// How much may be on its way to one receiver without acknowledgement, in KiB.
const WINDOW_KIB: usize = 4096;
/// Acknowledge at the latest after so many messages …
const ACK_MESSAGES: usize = 32;
/// … or after so long.
const ACK_DELAY: Duration = Duration::from_millis(5);
/// Signals that nobody has fetched are dropped beyond this number.
const SIGNAL_BACKLOG: usize = 1024;
/// Pause between two knocks of who waits for its place.
const KNOCK: Duration = Duration::from_millis(10);
/// First and longest pause before connecting again.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

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
    seq: u64,
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

/// Resolves once the receiver has acknowledged: for the website this means committed.
#[derive(Debug)]
pub struct Delivery(oneshot::Receiver<()>);

impl Delivery {
    /// Waits for the acknowledgement.
    ///
    /// # Errors
    /// The receiver has died, or the bus was closed.
    pub async fn acknowledged(self) -> Result<(), BusError> {
        self.0.await.map_err(|_| BusError::ReceiverGone)
    }
}

/// Handle to the bus. Cheap to clone; the bus ends when the last one is dropped.
#[derive(Debug, Clone)]
pub struct Bus {
    // Unbounded, since what is in it is bounded otherwise: messages by their window's permits, acks by the windows of
    // those who send to us.
    commands: mpsc::UnboundedSender<Command>,
    windows: Arc<Mutex<HashMap<ProcessId, Arc<Semaphore>>>>,
    in_hand: Arc<AtomicU32>,
}

#[derive(Debug)]
enum Command {
    Send { to: ProcessId, body: Bytes, keep: Keep },
    Signal { to: ProcessId, body: Bytes },
    Acknowledge(Receipt),
}

/// What is kept with a message until it is acknowledged.
#[derive(Debug)]
struct Keep {
    _room: OwnedSemaphorePermit,
    done: oneshot::Sender<()>,
}

impl Bus {
    /// Connects. The returned task ends when the last handle is dropped, or with the reason why the supervisor will
    /// not have us.
    ///
    /// # Errors
    /// The first attempt to connect failed; later on the bus comes back by itself.
    pub async fn connect(
        options: BusOptions,
    ) -> Result<(Self, mpsc::Receiver<Incoming>, JoinHandle<Result<(), ConnectError>>), ConnectError> {
        let (commands, command_receiver) = mpsc::unbounded_channel();
        let (deliver, incoming) = mpsc::channel(64);
        let first = loop {
            match handshake::connect(&options.socket, &options.hello, BUS_FRAME_LIMIT).await {
                Err(ConnectError::Refused(refusal)) if options.patient && refusal.again => sleep(KNOCK).await,
                other => break other?,
            }
        };
        let in_hand = Arc::<AtomicU32>::default();
        let pump = Pump {
            in_hand: Arc::clone(&in_hand),
            boot: options.hello.boot,
            options,
            me: first.1.you,
            outboxes: HashMap::new(),
            inboxes: HashMap::new(),
            acks: HashMap::new(),
            acks_due: None,
            undelivered: VecDeque::new(),
        };
        let task = tokio::spawn(pump.run(first.0, command_receiver, deliver));
        Ok((Self { commands, windows: Arc::default(), in_hand }, incoming, task))
    }

    /// Sends a message as soon as the receiver's window has room, and again until it is acknowledged. With
    /// [`BusOptions::carry_over`] a receiver that is not there yet is waited for; else the message is void.
    ///
    /// # Errors
    /// The message is too large, or the bus has ended.
    pub async fn send(&self, to: ProcessId, message: &Message) -> Result<Delivery, BusError> {
        let body = encode(message)?;
        let window = Arc::clone(
            self.windows
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(to)
                .or_insert_with(|| Arc::new(Semaphore::new(WINDOW_KIB))),
        );
        let kib = body.len().div_ceil(1024).clamp(1, WINDOW_KIB);
        let room = u32::try_from(kib).unwrap_or(u32::MAX);
        let room = window.acquire_many_owned(room).await.map_err(|_| BusError::Closed)?;
        let (done, delivery) = oneshot::channel();
        self.command(Command::Send { to, body, keep: Keep { _room: room, done } })?;
        Ok(Delivery(delivery))
    }

    /// How much of the window towards a receiver is taken by what it has not acknowledged, in percent. A full one holds
    /// up whoever sends.
    #[must_use]
    pub fn window_percent(&self, to: ProcessId) -> u8 {
        let windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let free = windows.get(&to).map_or(WINDOW_KIB, |window| window.available_permits());
        u8::try_from((WINDOW_KIB - free.min(WINDOW_KIB)) * 100 / WINDOW_KIB).unwrap_or(100)
    }

    /// Says how many jobs this process has in hand, for the supervisor's status.
    pub fn set_in_hand(&self, jobs: usize) {
        self.in_hand.store(u32::try_from(jobs).unwrap_or(u32::MAX), Ordering::Relaxed);
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
        self.command(Command::Acknowledge(receipt))
    }

    fn command(&self, command: Command) -> Result<(), BusError> {
        self.commands.send(command).map_err(|_| BusError::Closed)
    }
}

struct Pump {
    options: BusOptions,
    in_hand: Arc<AtomicU32>,
    boot: Boot,
    me: ProcessId,
    outboxes: HashMap<ProcessId, Outbox<Keep>>,
    inboxes: HashMap<ProcessId, Inbox>,
    /// What the owner has acknowledged and the sender does not know yet: life, position, number of messages.
    acks: HashMap<ProcessId, (Boot, u64, usize)>,
    acks_due: Option<Instant>,
    undelivered: VecDeque<Incoming>,
}

/// Why a connection is no longer served.
enum End {
    Lost,
    NoHandleLeft,
}

impl Pump {
    async fn run(
        mut self,
        first: Connection,
        mut commands: mpsc::UnboundedReceiver<Command>,
        deliver: mpsc::Sender<Incoming>,
    ) -> Result<(), ConnectError> {
        let mut connection = first;
        loop {
            self.undelivered.push_back(Incoming::Connected(self.me));
            let (sink, stream) = connection.split();
            let (writer, frames) = mpsc::unbounded_channel();
            let write = tokio::spawn(write(sink, frames));
            let end = self.serve(stream, &writer, &mut commands, &deliver).await;
            drop(writer);
            if matches!(end, End::NoHandleLeft) {
                write.await.ok();
                return Ok(());
            }
            write.abort();
            self.outboxes.values_mut().for_each(Outbox::cut_off);
            self.undelivered.push_back(Incoming::Disconnected);
            connection = self.reconnect().await?;
        }
    }

    /// Tries until it is let in; gives up when it is told that it never will be.
    async fn reconnect(&mut self) -> Result<Connection, ConnectError> {
        let (mut pause, longest) = RECONNECT;
        loop {
            match handshake::connect(&self.options.socket, &self.options.hello, BUS_FRAME_LIMIT).await {
                Ok((connection, welcome)) => {
                    self.me = welcome.you;
                    return Ok(connection);
                }
                Err(ConnectError::Refused(refusal)) if !refusal.again => return Err(refusal.into()),
                Err(error) => tracing::debug!(%error, "cannot reach the supervisor; trying again"),
            }
            sleep(pause).await;
            pause = (pause * 2).min(longest);
        }
    }

    async fn serve(
        &mut self,
        mut frames: SplitStream<Connection>,
        writer: &mpsc::UnboundedSender<Frame>,
        commands: &mut mpsc::UnboundedReceiver<Command>,
        deliver: &mpsc::Sender<Incoming>,
    ) -> End {
        loop {
            let due = self.acks_due;
            tokio::select! {
                frame = frames.next() => match frame {
                    Some(Ok(frame)) => match self.arrive(&frame, writer) {
                        Ok(()) => {}
                        Err(error) => { tracing::warn!(%error, "a frame that cannot be read"); return End::Lost; }
                    },
                    Some(Err(error)) => { tracing::warn!(%error, "the connection to the supervisor broke"); return End::Lost; }
                    None => return End::Lost,
                },
                command = commands.recv() => {
                    let Some(command) = command else {
                        self.flush_acks(writer);
                        return End::NoHandleLeft;
                    };
                    self.command(command, writer);
                }
                Ok(slot) = deliver.reserve(), if !self.undelivered.is_empty() => {
                    if let Some(incoming) = self.undelivered.pop_front() { slot.send(incoming); }
                }
                () = async { sleep_until(due.unwrap_or_else(Instant::now)).await }, if due.is_some() => self.flush_acks(writer),
            }
        }
    }

    fn command(&mut self, command: Command, writer: &mpsc::UnboundedSender<Frame>) {
        match command {
            Command::Send { to, body, keep } => {
                let carry_over = self.options.carry_over;
                let outbox = self.outboxes.entry(to).or_insert_with(|| Outbox::new(carry_over));
                let pieces = outbox.push(body, keep);
                self.write(to, pieces, writer);
            }
            Command::Signal { to, body } => {
                if let Some(to_boot) = self.outboxes.get(&to).and_then(Outbox::receiver) {
                    let header = self.header(Kind::Signal, to, to_boot, 0, false);
                    writer.send(Frame::new(header, &body)).ok();
                }
            }
            Command::Acknowledge(receipt) => {
                let count =
                    self.acks.get(&receipt.from).filter(|(boot, ..)| *boot == receipt.boot).map_or(0, |ack| ack.2);
                self.acks.insert(receipt.from, (receipt.boot, receipt.seq, count + 1));
                if count + 1 >= ACK_MESSAGES {
                    self.flush_acks(writer);
                } else if self.acks_due.is_none() {
                    self.acks_due = Some(Instant::now() + ACK_DELAY);
                }
            }
        }
    }

    fn flush_acks(&mut self, writer: &mpsc::UnboundedSender<Frame>) {
        self.acks_due = None;
        for (to, (boot, seq, count)) in &mut self.acks {
            if *count > 0 {
                *count = 0;
                let header = Header {
                    kind: Kind::Ack,
                    more: false,
                    from: self.me,
                    to: *to,
                    from_boot: self.boot,
                    to_boot: *boot,
                    seq: *seq,
                };
                writer.send(Frame::new(header, &[])).ok();
            }
        }
    }

    fn arrive(&mut self, frame: &Frame, writer: &mpsc::UnboundedSender<Frame>) -> Result<(), FrameError> {
        let header = frame.header;
        match header.kind {
            Kind::Message => self.message(frame)?,
            Kind::Ack => {
                if let Some(outbox) = self.outboxes.get_mut(&header.from) {
                    for keep in outbox.acknowledge(header.from_boot, header.seq) {
                        keep.done.send(()).ok();
                    }
                }
            }
            Kind::Signal => {
                if self.undelivered.len() < SIGNAL_BACKLOG {
                    self.undelivered.push_back(Incoming::Signal(frame.value()?, header.from));
                }
            }
            Kind::Ping => {
                let mut pong = Header::plain(Kind::Pong, self.me, ProcessId::SUPERVISOR);
                pong.seq = self.in_hand.load(Ordering::Relaxed).into();
                writer.send(Frame::new(pong, &[])).ok();
            }
            Kind::Peers => self.peers(frame.value()?, writer),
            Kind::Processes => {
                self.undelivered.push_back(Incoming::Processes(frame.value()?));
            }
            other => return Err(FrameError::Unexpected(other)),
        }
        Ok(())
    }

    fn message(&mut self, frame: &Frame) -> Result<(), FrameError> {
        let Header { from, from_boot, seq, more, .. } = frame.header;
        if frame.header.to_boot != self.boot {
            return Ok(());
        }
        let piece = Piece { seq, more, body: frame.body() };
        match self.inboxes.entry(from).or_default().arrive(from_boot, piece) {
            Arrival::Message(body) => {
                let receipt = Receipt { from, boot: from_boot, seq };
                self.undelivered.push_back(match crate::decode(&body) {
                    Ok(message) => Incoming::Message(message, receipt),
                    Err(error) => {
                        tracing::error!(%error, %from, "a message that cannot be understood; run the same build everywhere");
                        Incoming::Unreadable(receipt)
                    }
                });
            }
            // Its ack may have been lost with the connection: say it again.
            Arrival::Duplicate => {
                if let Some((boot, _, count)) = self.acks.get_mut(&from)
                    && *boot == from_boot
                {
                    *count += 1;
                    self.acks_due.get_or_insert_with(|| Instant::now() + ACK_DELAY);
                }
            }
            Arrival::Partial | Arrival::Gap => {}
            Arrival::TooLarge => return Err(FrameError::TooLarge(crate::codec::BODY_LIMIT + 1)),
        }
        Ok(())
    }

    fn peers(&mut self, peers: Vec<Peer>, writer: &mpsc::UnboundedSender<Frame>) {
        let carry_over = self.options.carry_over;
        for peer in peers.iter().filter(|peer| peer.id != self.me) {
            self.outboxes.entry(peer.id).or_insert_with(|| Outbox::new(carry_over));
        }
        let mut again = Vec::new();
        for (id, outbox) in &mut self.outboxes {
            let now = peers.iter().find(|peer| peer.id == *id).map(|peer| (peer.boot, peer.connection));
            again.push((*id, outbox.receiver_is(now)));
        }
        // The owner hears of the peers before anything that they say.
        self.undelivered.push_back(Incoming::Peers(peers));
        for (to, pieces) in again {
            self.write(to, pieces, writer);
        }
    }

    fn write(&self, to: ProcessId, pieces: Vec<Piece>, writer: &mpsc::UnboundedSender<Frame>) {
        let Some(to_boot) = self.outboxes.get(&to).and_then(Outbox::receiver) else { return };
        for piece in pieces {
            let header = self.header(Kind::Message, to, to_boot, piece.seq, piece.more);
            writer.send(Frame::new(header, &piece.body)).ok();
        }
    }

    const fn header(&self, kind: Kind, to: ProcessId, to_boot: Boot, seq: u64, more: bool) -> Header {
        Header { kind, more, from: self.me, to, from_boot: self.boot, to_boot, seq }
    }
}

/// Writes frames, flushing only when there is nothing more to write: one system call for many.
async fn write(mut sink: SplitSink<Connection, Frame>, mut frames: mpsc::UnboundedReceiver<Frame>) {
    while let Some(frame) = frames.recv().await {
        if sink.feed(frame).await.is_err() {
            return;
        }
        while let Ok(frame) = frames.try_recv() {
            if sink.feed(frame).await.is_err() {
                return;
            }
        }
        if sink.flush().await.is_err() {
            return;
        }
    }
}
