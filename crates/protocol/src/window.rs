//! Both ends of a stream of messages from one process to another, without I/O.
//!
//! An [`Outbox`] keeps what is not acknowledged and says what to send, again where needed. An [`Inbox`] lets each
//! message through once and in order. A stream lives as long as its receiver: a receiver that was restarted gets what
//! its predecessor had not acknowledged, numbered from 1 again.

use crate::{
    Boot,
    codec::{BODY_LIMIT, FRAME_BODY_LIMIT},
};
use bytes::Bytes;
use std::{borrow::Cow, collections::VecDeque};

/// A piece of a message: borrowed from what is kept or was read, or, where it is sent again, of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<B = Bytes> {
    /// Position in the stream.
    pub seq: u64,
    /// The message goes on in the next piece.
    pub more: bool,
    /// Its bytes.
    pub body: B,
}

#[derive(Debug)]
struct Entry<K> {
    /// Position of its last piece.
    last: u64,
    body: Bytes,
    keep: K,
}

/// The sending end. `K` is whatever the caller wants back once a message is dealt with.
#[derive(Debug)]
pub struct Outbox<K> {
    /// Which life of the receiver, over which of its connections; none: it is not there.
    receiver: Option<(Boot, Option<u32>)>,
    /// The life for which the entries are numbered. One that is gone from the list may be back: a crawler that was
    /// started by hand is listed only while it is connected.
    numbered_for: Option<Boot>,
    /// Whether a new life of the receiver gets what the old one left; else that is void.
    carry_over: bool,
    next: u64,
    entries: VecDeque<Entry<K>>,
}

impl<K> Outbox<K> {
    /// A stream to a receiver that is not there yet.
    #[must_use]
    pub const fn new(carry_over: bool) -> Self {
        Self { receiver: None, numbered_for: None, carry_over, next: 1, entries: VecDeque::new() }
    }

    /// The life of the receiver that frames go to.
    #[must_use]
    pub fn receiver(&self) -> Option<Boot> {
        self.receiver.map(|(boot, _)| boot)
    }

    /// Takes a message; returns what to send now. Nothing is kept for a receiver that is not there, unless its
    /// successor is to have it.
    pub fn push(&mut self, body: Bytes, keep: K) -> impl Iterator<Item = Piece<&[u8]>> {
        let (kept, first) = (self.receiver.is_some() || self.carry_over, self.next);
        if kept {
            self.next += count(&body);
            self.entries.push_back(Entry { last: self.next - 1, body, keep });
        }
        let reachable = self.reachable();
        let now = self.entries.back().filter(|_| kept && reachable);
        now.into_iter().flat_map(move |entry| cut(&entry.body, first))
    }

    /// The receiver has dealt with everything up to `seq`; returns what was kept for it. An ack from another life of
    /// the receiver says nothing.
    pub fn acknowledge(&mut self, from: Boot, seq: u64) -> impl Iterator<Item = K> {
        let known = self.receiver() == Some(from);
        let done = if known { self.entries.partition_point(|entry| entry.last <= seq) } else { 0 };
        self.entries.drain(..done).map(|entry| entry.keep)
    }

    /// The receiver's life or connection as it is now; none: it is not there. Returns what to send again, and drops
    /// what is void because it was for another life.
    pub fn receiver_is(&mut self, now: Option<(Boot, Option<u32>)>) -> Vec<Piece> {
        if self.receiver == now {
            return Vec::new();
        }
        self.receiver = now;
        if let Some((boot, _)) = now
            && self.numbered_for != Some(boot)
        {
            if !self.carry_over {
                self.entries.clear();
            }
            self.numbered_for = Some(boot);
            self.renumber();
        }
        if !self.reachable() {
            return Vec::new();
        }
        self.entries
            .iter()
            .flat_map(|entry| {
                let whole = cut(&entry.body, entry.last + 1 - count(&entry.body));
                whole.map(|Piece { seq, more, body }| Piece { seq, more, body: entry.body.slice_ref(body) })
            })
            .collect()
    }

    /// The way to the receiver is cut off on our side: nothing is sent until it is named again.
    pub fn cut_off(&mut self) {
        if let Some((_, connection)) = &mut self.receiver {
            *connection = None;
        }
    }

    fn reachable(&self) -> bool {
        matches!(self.receiver, Some((_, Some(_))))
    }

    fn renumber(&mut self) {
        self.next = 1;
        for entry in &mut self.entries {
            self.next += count(&entry.body);
            entry.last = self.next - 1;
        }
    }
}

fn count(body: &[u8]) -> u64 {
    body.len().div_ceil(FRAME_BODY_LIMIT).max(1) as u64
}

fn cut(body: &[u8], first: u64) -> impl Iterator<Item = Piece<&[u8]>> {
    let count = count(body);
    (0..count).zip((0..).step_by(FRAME_BODY_LIMIT)).map(move |(i, start)| Piece {
        seq: first + i,
        more: i + 1 < count,
        body: &body[start..body.len().min(start + FRAME_BODY_LIMIT)],
    })
}

/// What becomes of a piece that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Arrival<'a> {
    /// A whole message, to be acknowledged by the number of its last piece.
    Message(Cow<'a, [u8]>),
    /// Part of a message.
    Partial,
    /// Seen before.
    Duplicate,
    /// Something before it is missing: ignored, since the sender will send all of it again.
    Gap,
    /// The message is larger than anybody may send.
    TooLarge,
}

/// The receiving end, for one sender address.
#[derive(Debug, Default)]
pub struct Inbox {
    sender: Option<Boot>,
    last: u64,
    partial: Vec<u8>,
}

impl Inbox {
    /// A piece has arrived from this life of the sender.
    pub fn arrive<'a>(&mut self, from: Boot, piece: Piece<&'a [u8]>) -> Arrival<'a> {
        if self.sender != Some(from) {
            *self = Self { sender: Some(from), ..Self::default() };
        }
        if piece.seq <= self.last {
            return Arrival::Duplicate;
        }
        if piece.seq != self.last + 1 {
            return Arrival::Gap;
        }
        self.last = piece.seq;
        if self.partial.len() + piece.body.len() > BODY_LIMIT {
            self.partial.clear();
            return Arrival::TooLarge;
        }
        if !piece.more && self.partial.is_empty() {
            return Arrival::Message(Cow::Borrowed(piece.body));
        }
        self.partial.extend_from_slice(piece.body);
        if piece.more { Arrival::Partial } else { Arrival::Message(std::mem::take(&mut self.partial).into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: Boot = Boot(10);

    fn body(n: usize) -> Bytes {
        Bytes::from(n.to_string())
    }

    fn whole(n: usize) -> Arrival<'static> {
        Arrival::Message(n.to_string().into_bytes().into())
    }

    fn read(piece: &Piece) -> Piece<&[u8]> {
        Piece { seq: piece.seq, more: piece.more, body: &piece.body }
    }

    fn push<K>(out: &mut Outbox<K>, body: Bytes, keep: K) -> Vec<Piece> {
        let now = out.push(body, keep);
        now.map(|Piece { seq, more, body }| Piece { seq, more, body: Bytes::copy_from_slice(body) }).collect()
    }

    #[test]
    fn a_large_message_is_cut_and_joined() {
        let whole = Bytes::from(vec![7_u8; 3 * FRAME_BODY_LIMIT + 5]);
        let mut out = Outbox::new(true);
        out.receiver_is(Some((A, Some(1))));
        let pieces = push(&mut out, whole.clone(), ());
        assert_eq!(pieces.len(), 4);
        let mut inbox = Inbox::default();
        let arrivals: Vec<_> = pieces.iter().map(|piece| inbox.arrive(A, read(piece))).collect();
        assert_eq!(arrivals[..3], vec![Arrival::Partial; 3]);
        assert_eq!(arrivals[3], Arrival::Message(Cow::Borrowed(&whole)));
        assert_eq!(out.acknowledge(A, 3).count(), 0, "not before its last piece");
        assert_eq!(out.acknowledge(A, 4).count(), 1);
    }

    #[test]
    fn a_message_without_end_is_refused() {
        let mut inbox = Inbox::default();
        let body = vec![0; FRAME_BODY_LIMIT];
        let piece = |seq| Piece { seq, more: true, body: &*body };
        let arrivals: Vec<_> = (1..20).map(|seq| inbox.arrive(A, piece(seq))).collect();
        assert!(arrivals.contains(&Arrival::TooLarge));
    }

    #[test]
    fn a_worker_that_comes_back_gets_what_it_missed() {
        let mut out = Outbox::new(false);
        let mut inbox = Inbox::default();
        out.receiver_is(Some((A, Some(1))));
        let pieces = push(&mut out, body(1), ());
        assert_eq!(inbox.arrive(Boot(1), read(&pieces[0])), whole(1));
        drop(push(&mut out, body(2), ()));
        out.receiver_is(None);
        assert_eq!(push(&mut out, body(3), ()).len(), 0, "it is not there");
        let again = out.receiver_is(Some((A, Some(2))));
        let seen: Vec<_> = again.iter().map(|piece| inbox.arrive(Boot(1), read(piece))).collect();
        assert_eq!(seen, [Arrival::Duplicate, whole(2)]);
        let next = push(&mut out, body(4), ());
        assert_eq!(inbox.arrive(Boot(1), read(&next[0])), whole(4));
    }

    #[test]
    fn a_worker_that_died_gets_nothing_of_its_predecessor() {
        let mut out = Outbox::new(false);
        out.receiver_is(Some((A, Some(1))));
        drop(push(&mut out, body(1), "start"));
        out.receiver_is(None);
        assert!(out.receiver_is(Some((Boot(11), Some(2)))).is_empty());
    }

    /// A network that loses everything in flight whenever something restarts.
    #[derive(Debug, Clone)]
    enum Event {
        Push,
        Deliver(usize),
        Ack,
        Reconnect,
        RestartReceiver,
    }

    fn event() -> impl Strategy<Value = Event> {
        prop_oneof![
            4 => Just(Event::Push),
            4 => (1..6_usize).prop_map(Event::Deliver),
            2 => Just(Event::Ack),
            1 => Just(Event::Reconnect),
            1 => Just(Event::RestartReceiver),
        ]
    }

    proptest! {
        /// Every message arrives, in order; one life of the receiver sees none of them twice; nothing that was
        /// acknowledged is sent again.
        #[test]
        fn nothing_is_lost_and_nothing_overtakes(events in proptest::collection::vec(event(), 0..200)) {
            let mut out = Outbox::new(true);
            let (mut boot, mut connection) = (1, 1);
            let (mut inbox, mut seen_in_this_life) = (Inbox::default(), Vec::new());
            let mut acknowledged = 0_usize;
            let (mut handled, mut pushed) = (0_u64, 0);
            let mut wire: VecDeque<Piece> = out.receiver_is(Some((Boot(boot), Some(connection)))).into();
            for event in events.into_iter().chain([Event::Reconnect, Event::Deliver(usize::MAX), Event::Ack]) {
                match event {
                    Event::Push => { wire.extend(push(&mut out, body(pushed), pushed)); pushed += 1; }
                    Event::Deliver(n) => for piece in wire.drain(..n.min(wire.len())) {
                        let seq = piece.seq;
                        match inbox.arrive(A, read(&piece)) {
                            Arrival::Message(body) => {
                                seen_in_this_life.push(std::str::from_utf8(&body).unwrap().parse::<usize>().unwrap());
                                handled = seq;
                            }
                            Arrival::Duplicate | Arrival::Gap => {}
                            other => prop_assert!(false, "{other:?}"),
                        }
                    },
                    Event::Ack => for n in out.acknowledge(Boot(boot), handled) {
                        prop_assert_eq!(n, acknowledged);
                        acknowledged += 1;
                    },
                    Event::Reconnect => {
                        connection += 1;
                        wire = out.receiver_is(Some((Boot(boot), Some(connection)))).into();
                    }
                    Event::RestartReceiver => {
                        boot += 1;
                        connection += 1;
                        inbox = Inbox::default();
                        handled = 0;
                        seen_in_this_life.clear();
                        wire = out.receiver_is(Some((Boot(boot), Some(connection)))).into();
                    }
                }
                for pair in seen_in_this_life.windows(2) {
                    prop_assert_eq!(pair[0] + 1, pair[1]);
                }
            }
            prop_assert_eq!(acknowledged, pushed);
        }
    }
}
