//! The one task behind a [`super::bus::Bus`]: owns all of its state, and never waits for anything but the next event.

use crate::{
    Boot, Frame, FrameError, Header, Kind, Peer, ProcessId, Wired,
    arrivals::{Intake, Notice},
    bus::{BusOptions, Command, Keep, Receipt},
    codec::BUS_FRAME_LIMIT,
    halves::{self, Reader},
    handshake::{self, ConnectError, Connection},
    mailbox::{Acknowledged, Left, Mailbox},
    room::Room,
    window::{Arrival, Inbox, Outbox, Piece},
};
use bytes::BytesMut;
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::time::{Instant, sleep, sleep_until};

/// Acknowledge at the latest after so many messages …
const ACK_MESSAGES: usize = 256;
/// … or after so long.
const ACK_DELAY: Duration = Duration::from_millis(5);
/// A larger buffer that frames are written from is not kept once it is empty. Bytes.
const BURST: usize = 256 << 10;
/// First and longest pause before connecting again.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));

/// See the module.
pub(crate) struct Pump {
    options: BusOptions,
    mailbox: Arc<Mailbox>,
    in_hand: Arc<AtomicU32>,
    boot: Boot,
    me: ProcessId,
    outboxes: BTreeMap<ProcessId, Outbox<Keep>>,
    inboxes: BTreeMap<ProcessId, Inbox>,
    /// What the owner has acknowledged and the sender does not know yet: life, position, number of messages.
    acks: BTreeMap<ProcessId, (Boot, u64, usize)>,
    acks_due: Option<Instant>,
    intake: Intake,
}

/// Why a connection is no longer served.
enum End {
    Lost,
    NoHandleLeft,
}

impl Pump {
    /// For a process that was let in as `me`.
    pub(crate) fn new(
        options: BusOptions,
        me: ProcessId,
        (mailbox, intake): (Arc<Mailbox>, Intake),
        in_hand: Arc<AtomicU32>,
    ) -> Self {
        Self {
            boot: options.hello.boot,
            options,
            mailbox,
            in_hand,
            me,
            outboxes: BTreeMap::new(),
            inboxes: BTreeMap::new(),
            acks: BTreeMap::new(),
            acks_due: None,
            intake,
        }
    }

    /// Runs until the last handle is dropped, or with the reason why the supervisor will not have us.
    pub(crate) async fn run(mut self, first: Connection) -> Result<(), ConnectError> {
        let mut connection = first;
        loop {
            self.intake.notice(Notice::Connected(self.me));
            let end = self.serve(connection).await;
            if matches!(end, End::NoHandleLeft) {
                return Ok(());
            }
            self.outboxes.values_mut().for_each(Outbox::cut_off);
            self.intake.notice(Notice::Disconnected);
            self.intake.hand_over();
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

    /// Serves a connection until it breaks, or nobody wants it any more. Whatever is there is taken at once, and written
    /// together: a system call for each message would be most of what it costs.
    async fn serve(&mut self, connection: Connection) -> End {
        let parts = connection.into_parts();
        // The first frames may have come together with the answer that let us in.
        let (mut reader, writer) = match halves::split(parts.io, &parts.read_buf) {
            Ok(halves) => halves,
            Err(error) => {
                tracing::warn!(%error, "the connection to the supervisor cannot be used");
                return End::Lost;
            }
        };
        let (mut out, mut left, mailbox) = (BytesMut::new(), Left::default(), Arc::clone(&self.mailbox));
        let acks = sleep_until(Instant::now());
        tokio::pin!(acks);
        if let Err(error) = self.take_in(&mut reader, &mut out) {
            tracing::warn!(%error, "the connection to the supervisor broke");
            return End::Lost;
        }
        loop {
            if let Some(due) = self.acks_due.filter(|due| acks.deadline() != *due) {
                acks.as_mut().reset(due);
            }
            if out.is_empty() && out.capacity() > BURST {
                // A burst is over.
                out = BytesMut::new();
            }
            tokio::select! {
                more = mailbox.take(&mut left) => {
                    if !more {
                        self.flush_acks(&mut out);
                        // What is said last is said, if anybody still listens.
                        writer.write_all(&mut out).await.ok();
                        return End::NoHandleLeft;
                    }
                    left.commands.drain(..).for_each(|command| self.command(command, &mut out));
                    left.acks.drain(..).for_each(|ack| self.acknowledge(ack, &mut out));
                    if !out.is_empty() {
                        // They ride along: on their own they would cost a call here, and one at each stop on the way.
                        self.flush_acks(&mut out);
                    }
                    writer.write_now(&mut out);
                }
                length = reader.read() => {
                    let taken = length.map_err(FrameError::from).and_then(|length| {
                        self.take_in(&mut reader, &mut out)?;
                        Ok(length)
                    });
                    match taken {
                        Ok(0) => return End::Lost,
                        Ok(_) => {}
                        Err(error) => {
                            tracing::warn!(%error, "the connection to the supervisor broke");
                            return End::Lost;
                        }
                    }
                }
                written = writer.write(&mut out), if !out.is_empty() => if let Err(error) = written {
                    tracing::debug!(%error, "the connection to the supervisor broke");
                    return End::Lost;
                },
                () = &mut acks, if self.acks_due.is_some() => self.flush_acks(&mut out),
            }
        }
    }

    /// Takes all frames that have been read whole.
    fn take_in(&mut self, reader: &mut Reader, out: &mut BytesMut) -> Result<(), FrameError> {
        let mut taken = 0;
        while let Some(frame) = Wired::first(&reader.bytes()[taken..], BUS_FRAME_LIMIT)? {
            self.arrive(frame, out)?;
            taken += frame.bytes.len();
        }
        reader.consume(taken);
        self.intake.hand_over();
        Ok(())
    }

    fn command(&mut self, command: Command, out: &mut BytesMut) {
        match command {
            Command::Send { to, body, keep } => {
                let carry_over = self.options.carry_over;
                let outbox = self.outboxes.entry(to).or_insert_with(|| Outbox::new(carry_over));
                let to_boot = outbox.receiver().unwrap_or(Boot(0));
                for Piece { seq, more, body } in outbox.push(body, keep) {
                    let kind = Kind::Message;
                    let header = Header { kind, more, from: self.me, to, from_boot: self.boot, to_boot, seq };
                    Frame::put(header, body, out);
                }
            }
            Command::Signal { to, body } => {
                if let Some(to_boot) = self.outboxes.get(&to).and_then(Outbox::receiver) {
                    let header = self.header(Kind::Signal, to, to_boot, 0, false);
                    Frame::put(header, &body, out);
                }
            }
        }
    }

    /// The owner has dealt with something.
    fn acknowledge(&mut self, Acknowledged { from, boot, seq, count }: Acknowledged, out: &mut BytesMut) {
        let before = self.acks.get(&from).filter(|(life, ..)| *life == boot).map_or(0, |(_, _, count)| *count);
        self.acks.insert(from, (boot, seq, before + count));
        if before + count >= ACK_MESSAGES {
            self.flush_acks(out);
        } else if self.acks_due.is_none() {
            self.acks_due = Some(Instant::now() + ACK_DELAY);
        }
    }

    fn flush_acks(&mut self, out: &mut BytesMut) {
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
                Frame::put(header, &[], out);
            }
        }
    }

    fn arrive(&mut self, frame: Wired<'_>, out: &mut BytesMut) -> Result<(), FrameError> {
        let header = frame.header;
        match header.kind {
            Kind::Message => self.message(frame)?,
            Kind::Ack => {
                if let Some(outbox) = self.outboxes.get_mut(&header.from) {
                    let kept = outbox.acknowledge(header.from_boot, header.seq);
                    Room::give_back(kept.map(|Keep { room, fate }| {
                        fate.acknowledged();
                        room
                    }));
                }
            }
            Kind::Signal => self.intake.signal(header.from, frame.body()),
            Kind::Ping => {
                let mut pong = Header::plain(Kind::Pong, self.me, ProcessId::SUPERVISOR);
                pong.seq = self.in_hand.load(Ordering::Relaxed).into();
                Frame::put(pong, &[], out);
            }
            Kind::Peers => self.peers(crate::decode(frame.body())?, out),
            Kind::Processes => self.intake.notice(Notice::Processes(crate::decode(frame.body())?)),
            other => return Err(FrameError::Unexpected(other)),
        }
        Ok(())
    }

    fn message(&mut self, frame: Wired<'_>) -> Result<(), FrameError> {
        let Header { from, from_boot, seq, more, .. } = frame.header;
        if frame.header.to_boot != self.boot {
            return Ok(());
        }
        let piece = Piece { seq, more, body: frame.body() };
        match self.inboxes.entry(from).or_default().arrive(from_boot, piece) {
            Arrival::Message(body) => self.intake.message(Receipt { from, boot: from_boot, seq }, &body),
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

    fn peers(&mut self, peers: Vec<Peer>, out: &mut BytesMut) {
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
        self.intake.notice(Notice::Peers(peers));
        for (to, pieces) in again {
            self.write(to, pieces, out);
        }
    }

    fn write(&self, to: ProcessId, pieces: impl IntoIterator<Item = Piece>, out: &mut BytesMut) {
        let Some(to_boot) = self.outboxes.get(&to).and_then(Outbox::receiver) else { return };
        for piece in pieces {
            let header = self.header(Kind::Message, to, to_boot, piece.seq, piece.more);
            Frame::put(header, &piece.body, out);
        }
    }

    const fn header(&self, kind: Kind, to: ProcessId, to_boot: Boot, seq: u64, more: bool) -> Header {
        Header { kind, more, from: self.me, to, from_boot: self.boot, to_boot, seq }
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        self.mailbox.close();
    }
}
