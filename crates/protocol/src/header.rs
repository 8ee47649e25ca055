//! The fixed head of every frame: all that a relay needs to know, so that it never decodes a body.
//!
//! ```text
//!  0 version  1 kind  2 flags  3 zero  4..6 from  6..8 to  8..12 from boot  12..16 to boot  16..24 seq
//! ```
//! Big-endian.

use crate::{Boot, FrameError, PROTOCOL_VERSION, ProcessId};

/// What the body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Kind {
    /// First frame of a connection, from the process that connects: [`crate::Hello`].
    Hello = 1,
    /// The answer: [`crate::Welcome`].
    Welcome = 2,
    /// The other answer: [`crate::Refusal`]. The connection ends after it.
    Refusal = 3,
    /// Are you there? Empty body.
    Ping = 4,
    /// I am, with as many jobs in hand as `seq` says. Empty body.
    Pong = 5,
    /// Everything up to `seq` is dealt with for good. Empty body.
    Ack = 6,
    /// A [`crate::Message`] that is resent until acknowledged.
    Message = 7,
    /// A [`crate::Message`] that may be lost, such as a heartbeat.
    Signal = 8,
    /// From the supervisor: who is on the bus, a `Vec<`[`crate::Peer`]`>`.
    Peers = 9,
    /// From the supervisor: the process table, a `Vec<`[`crate::ProcessInfo`]`>`.
    Processes = 10,
    /// On the credentials socket: an [`crate::AuthMessage`].
    Auth = 11,
}

impl TryFrom<u8> for Kind {
    type Error = FrameError;

    fn try_from(byte: u8) -> Result<Self, FrameError> {
        Ok(match byte {
            1 => Self::Hello,
            2 => Self::Welcome,
            3 => Self::Refusal,
            4 => Self::Ping,
            5 => Self::Pong,
            6 => Self::Ack,
            7 => Self::Message,
            8 => Self::Signal,
            9 => Self::Peers,
            10 => Self::Processes,
            11 => Self::Auth,
            other => return Err(FrameError::UnknownKind(other)),
        })
    }
}

/// The head of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What the body is.
    pub kind: Kind,
    /// The body goes on in the next frame of this stream.
    pub more: bool,
    /// Sender.
    pub from: ProcessId,
    /// Receiver.
    pub to: ProcessId,
    /// Which life of the sender.
    pub from_boot: Boot,
    /// Which life of the receiver it is meant for; dropped on the way if that has ended.
    pub to_boot: Boot,
    /// Position in the stream from sender to receiver, from 1; for an ack, what is acknowledged; else 0.
    pub seq: u64,
}

impl Header {
    /// Encoded size in bytes.
    pub const LEN: usize = 24;
    const MORE: u8 = 1;

    /// A frame between a process and the supervisor itself, outside of any stream.
    #[must_use]
    pub const fn plain(kind: Kind, from: ProcessId, to: ProcessId) -> Self {
        Self { kind, more: false, from, to, from_boot: Boot(0), to_boot: Boot(0), seq: 0 }
    }

    /// The bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[0] = PROTOCOL_VERSION;
        bytes[1] = self.kind as u8;
        bytes[2] = if self.more { Self::MORE } else { 0 };
        bytes[4..6].copy_from_slice(&self.from.0.to_be_bytes());
        bytes[6..8].copy_from_slice(&self.to.0.to_be_bytes());
        bytes[8..12].copy_from_slice(&self.from_boot.0.to_be_bytes());
        bytes[12..16].copy_from_slice(&self.to_boot.0.to_be_bytes());
        bytes[16..24].copy_from_slice(&self.seq.to_be_bytes());
        bytes
    }

    /// Reads the head of a frame.
    ///
    /// # Errors
    /// Too short, another version, an unknown kind or unknown flags.
    pub fn decode(frame: &[u8]) -> Result<Self, FrameError> {
        let bytes: &[u8; Self::LEN] = frame.first_chunk().ok_or(FrameError::Short(frame.len()))?;
        let [version, kind, flags, zero, f0, f1, t0, t1, a0, a1, a2, a3, b0, b1, b2, b3, seq @ ..] = *bytes;
        if version != PROTOCOL_VERSION {
            return Err(FrameError::Version(version));
        }
        if flags & !Self::MORE != 0 || zero != 0 {
            return Err(FrameError::UnknownFlags(flags));
        }
        Ok(Self {
            kind: Kind::try_from(kind)?,
            more: flags & Self::MORE != 0,
            from: ProcessId(u16::from_be_bytes([f0, f1])),
            to: ProcessId(u16::from_be_bytes([t0, t1])),
            from_boot: Boot(u32::from_be_bytes([a0, a1, a2, a3])),
            to_boot: Boot(u32::from_be_bytes([b0, b1, b2, b3])),
            seq: u64::from_be_bytes(seq),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_header_is_read_back(kind in 1..=11_u8, more: bool, from: u16, to: u16, a: u32, b: u32, seq: u64) {
            let header = Header {
                kind: Kind::try_from(kind).unwrap(),
                more,
                from: ProcessId(from),
                to: ProcessId(to),
                from_boot: Boot(a),
                to_boot: Boot(b),
                seq,
            };
            prop_assert_eq!(Header::decode(&header.encode()).unwrap(), header);
        }

        #[test]
        fn any_bytes_give_a_header_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(header) = Header::decode(&bytes) {
                prop_assert_eq!(&header.encode()[..], &bytes[..Header::LEN]);
            }
        }
    }
}
