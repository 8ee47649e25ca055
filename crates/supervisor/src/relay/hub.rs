//! Who is on the bus, and the way to each.

use super::queue::{Queue, Queued};
use bytes::BytesMut;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use trawl_protocol::{
    Boot, Frame, FrameError, Header, Hello, Kind, Peer, ProcessId, ProcessInfo, Refusal, Wired, codec::BUS_FRAME_LIMIT,
    encode,
};

/// A process that is to be let in.
#[derive(Debug)]
pub struct Member {
    /// Its address.
    pub id: ProcessId,
    /// Its process id.
    pub pid: u32,
    /// Whether we started it: then it is listed until it is dead, and not only while it is connected.
    pub supervised: bool,
}

/// A connection that was let in.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// The address of its process.
    pub id: ProcessId,
    boot: Boot,
    number: u32,
    pub(super) queue: Arc<Queue>,
}

/// What a process may not do.
#[derive(Debug, thiserror::Error)]
pub(super) enum Violation {
    #[error("it sent a frame in the name of {0}")]
    Spoofed(ProcessId),
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("it spoke before it was let in")]
    TooEarly,
}

/// What was not passed on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Frames for a life of the receiver that has ended, or for nobody.
    pub stale: u64,
    /// Signals to a receiver that was slow.
    pub signals: u64,
    /// Receivers that were disconnected because too much waited for them.
    pub slow: u64,
}

/// How busy a process on the bus is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Jobs that it has in hand, as it said last.
    pub jobs: u32,
    /// Bytes that wait to be written to it.
    pub waiting_bytes: usize,
    /// Frames that were passed on to it.
    pub passed: u64,
}

/// See the module. Cheap to share; nothing in it ever waits.
#[derive(Debug, Default)]
pub struct Hub(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    members: BTreeMap<ProcessId, Entry>,
    connections: u32,
    processes: Vec<ProcessInfo>,
    counts: Counts,
}

#[derive(Debug)]
struct Entry {
    peer: Peer,
    pid: u32,
    supervised: bool,
    queue: Option<Arc<Queue>>,
    heard: Instant,
    jobs: u32,
    passed: u64,
}

impl Hub {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a process in. Everybody is told before it can say anything.
    ///
    /// # Errors
    /// Its place is taken by another life that may still be alive.
    pub fn admit(&self, member: &Member, hello: Hello) -> Result<Ticket, Refusal> {
        let mut inner = self.inner();
        if let Some(old) = inner.members.get(&member.id)
            && old.queue.is_some()
            && (old.pid, old.peer.boot) != (member.pid, hello.boot)
        {
            let reason = format!("{} is already here as process {}", member.id, old.pid);
            return Err(Refusal { reason, again: true });
        }
        inner.connections += 1;
        let number = inner.connections;
        let queue = Arc::new(Queue::default());
        let peer = Peer {
            id: member.id,
            boot: hello.boot,
            role: hello.role,
            connection: Some(number),
            capacity: hello.capacity,
            kinds: hello.kinds,
            own_instance: hello.own_instance,
        };
        let ticket = Ticket { id: member.id, boot: hello.boot, number, queue: Arc::clone(&queue) };
        let entry = Entry {
            peer,
            pid: member.pid,
            supervised: member.supervised,
            queue: Some(queue),
            heard: Instant::now(),
            jobs: 0,
            passed: 0,
        };
        if let Some(old) = inner.members.insert(member.id, entry).and_then(|old| old.queue) {
            old.closed.cancel();
        }
        inner.tell_peers();
        if member.id == ProcessId::WEBSITE {
            inner.tell_processes();
        }
        drop(inner);
        Ok(ticket)
    }

    /// The address for a crawler that was started by hand: the one it has, or the lowest that is free.
    #[must_use]
    pub fn external_id(&self, boot: Boot) -> Option<ProcessId> {
        let inner = self.inner();
        let mut external = (1..0x7fff).map(ProcessId::external_crawler);
        let same = inner.members.iter().find(|(_, entry)| !entry.supervised && entry.peer.boot == boot);
        same.map(|(id, _)| *id).or_else(|| external.find(|id| !inner.members.contains_key(id)))
    }

    /// The process with this address and process id is dead. Its place may have been taken by another one already.
    pub fn remove(&self, id: ProcessId, pid: u32) {
        let mut inner = self.inner();
        if inner.members.get(&id).is_none_or(|entry| entry.pid != pid) {
            return;
        }
        if let Some(queue) = inner.members.remove(&id).and_then(|entry| entry.queue) {
            queue.closed.cancel();
        }
        inner.tell_peers();
    }

    /// Whether a process with this address is connected.
    #[must_use]
    pub fn is_connected(&self, id: ProcessId) -> bool {
        self.inner().members.get(&id).is_some_and(|entry| entry.queue.is_some())
    }

    /// What a process has in hand, and what waits for it, if it is here.
    #[must_use]
    pub fn load(&self, id: ProcessId) -> Option<Load> {
        let inner = self.inner();
        let entry = inner.members.get(&id)?;
        let waiting_bytes = entry.queue.as_ref().map_or(0, |queue| queue.bytes());
        Some(Load { jobs: entry.jobs, waiting_bytes, passed: entry.passed })
    }

    /// A connection has ended.
    pub fn lost(&self, ticket: &Ticket) {
        let mut inner = self.inner();
        let Some(entry) = inner.members.get_mut(&ticket.id) else { return };
        if entry.peer.connection != Some(ticket.number) {
            return;
        }
        if entry.supervised {
            entry.queue = None;
            entry.peer.connection = None;
        } else {
            inner.members.remove(&ticket.id);
        }
        inner.tell_peers();
    }

    /// Passes on the frames that have been read whole, and returns how many bytes these are. They wait in the queues of
    /// `receivers`, for whom the caller is to [`Queue::hurry`].
    ///
    /// # Errors
    /// One of them is not as it may be. Those before it are passed on.
    pub(super) fn forward(
        &self,
        ticket: &Ticket,
        read: &[u8],
        receivers: &mut Vec<Arc<Queue>>,
    ) -> Result<usize, Violation> {
        let (mut inner, mut taken) = (self.inner(), 0);
        while let Some(first) = Wired::first(&read[taken..], BUS_FRAME_LIMIT)? {
            let read = &read[taken..];
            let length = match first.header.kind {
                Kind::Message | Kind::Signal | Kind::Ack => {
                    // Mostly all go to one receiver, so they are passed on as one.
                    let (mut length, mut frames) = (0, 0);
                    while let Some(frame) = Wired::first(&read[length..], BUS_FRAME_LIMIT)?
                        && way(&frame.header) == way(&first.header)
                    {
                        length += frame.bytes.len();
                        frames += 1;
                    }
                    inner.pass_on(ticket, &first.header, (&read[..length], frames), receivers)?;
                    length
                }
                Kind::Pong => {
                    if let Some(entry) = inner.members.get_mut(&ticket.id) {
                        entry.heard = Instant::now();
                        entry.jobs = u32::try_from(first.header.seq).unwrap_or(u32::MAX);
                    }
                    first.bytes.len()
                }
                other => return Err(FrameError::Unexpected(other).into()),
            };
            taken += length;
        }
        Ok(taken)
    }

    /// Asks a process whether it is there. Returns when it last said so.
    #[must_use]
    pub fn ping(&self, id: ProcessId) -> Option<Instant> {
        let inner = self.inner();
        let entry = inner.members.get(&id)?;
        if let Some(queue) = &entry.queue {
            queue.push_first(&Frame::new(Header::plain(Kind::Ping, ProcessId::SUPERVISOR, id), &[]));
        }
        Some(entry.heard)
    }

    /// Shows the process table to the website, now and whenever it connects.
    pub fn show_processes(&self, processes: Vec<ProcessInfo>) {
        let mut inner = self.inner();
        inner.processes = processes;
        inner.tell_processes();
    }

    /// What was not passed on so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.inner().counts
    }

    #[cfg(test)]
    pub(super) fn queues(&self) -> Vec<Arc<Queue>> {
        self.inner().members.values().filter_map(|entry| entry.queue.clone()).collect()
    }

    /// Who is on the bus.
    #[must_use]
    pub fn peers(&self) -> Vec<Peer> {
        self.inner().members.values().map(|entry| entry.peer.clone()).collect()
    }
}

/// What frames have in common that may be passed on together.
fn way(header: &Header) -> (ProcessId, Boot, ProcessId, Boot, Option<bool>) {
    let Header { from, from_boot, to, to_boot, kind, .. } = *header;
    let may_be_lost = match kind {
        Kind::Message | Kind::Ack => Some(false),
        Kind::Signal => Some(true),
        _ => None,
    };
    (from, from_boot, to, to_boot, may_be_lost)
}

impl Inner {
    /// Passes on frames that go the same way as the one with this head.
    fn pass_on(
        &mut self,
        ticket: &Ticket,
        &Header { from, from_boot, to, to_boot, kind, .. }: &Header,
        (frames, count): (&[u8], u64),
        receivers: &mut Vec<Arc<Queue>>,
    ) -> Result<(), Violation> {
        if (from, from_boot) != (ticket.id, ticket.boot) {
            return Err(Violation::Spoofed(from));
        }
        let receiver = self.members.get_mut(&to).filter(|entry| entry.peer.boot == to_boot);
        let Some((queue, passed)) = receiver.and_then(|entry| Some((entry.queue.as_ref()?, &mut entry.passed))) else {
            // Whoever sent it learns of the receiver's new life or connection, and sends it again.
            self.counts.stale += count;
            return Ok(());
        };
        match queue.push(frames, kind == Kind::Signal) {
            Queued::Yes => {
                *passed += count;
                if !receivers.iter().any(|known| Arc::ptr_eq(known, queue)) {
                    receivers.push(Arc::clone(queue));
                }
            }
            Queued::Dropped => self.counts.signals += count,
            Queued::Full => {
                queue.closed.cancel();
                self.counts.slow += 1;
                tracing::warn!(process.id = %to, "disconnecting {to}: it does not read what is sent to it");
            }
        }
        Ok(())
    }

    fn tell_peers(&self) {
        let peers: Vec<&Peer> = self.members.values().map(|entry| &entry.peer).collect();
        for (id, entry) in &self.members {
            tell(*id, entry, Kind::Peers, &peers);
        }
    }

    fn tell_processes(&self) {
        if let Some(website) = self.members.get(&ProcessId::WEBSITE) {
            tell(ProcessId::WEBSITE, website, Kind::Processes, &self.processes);
        }
    }
}

fn tell<T: serde::Serialize>(id: ProcessId, entry: &Entry, kind: Kind, value: &T) {
    let Some(queue) = &entry.queue else { return };
    match encode(value) {
        Ok(body) => {
            let mut bytes = BytesMut::new();
            Frame::put(Header::plain(kind, ProcessId::SUPERVISOR, id), &body, &mut bytes);
            if queue.push(&bytes, false) == Queued::Full {
                queue.closed.cancel();
            }
            queue.hurry();
        }
        Err(error) => tracing::error!(%error, "cannot tell {id} about {kind:?}"),
    }
}
