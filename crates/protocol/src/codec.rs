//! Bytes: frames with a length in front, bodies in bincode. The only file that names bincode, which is complete but
//! no longer maintained (RUSTSEC-2025-0141), so that it can be replaced here alone.

use crate::{Header, Kind, PROTOCOL_VERSION};
use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use serde::{Serialize, de::DeserializeOwned};
use std::cell::RefCell;
use tokio_util::codec::{Decoder, Encoder};

/// Largest frame on the bus, in bytes after the length.
pub const BUS_FRAME_LIMIT: usize = 1 << 20;
/// Largest frame on the credentials socket.
pub const AUTH_FRAME_LIMIT: usize = 64 << 10;
/// Largest frame before a process has said who it is.
pub const HELLO_FRAME_LIMIT: usize = 4 << 10;
/// Largest body, after its frames are joined. A bound on what hostile bytes can make us allocate.
pub const BODY_LIMIT: usize = 16 << 20;
/// What a frame can carry of a body.
pub const FRAME_BODY_LIMIT: usize = BUS_FRAME_LIMIT - Header::LEN;

/// Bytes that are no frame, or a frame that is no message.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The connection broke.
    #[error("cannot read a frame: {0}")]
    Io(#[from] std::io::Error),
    /// Refused before anything is allocated for it.
    #[error("a frame of {0} bytes is longer than allowed here")]
    Long(usize),
    /// Not even a header.
    #[error("a frame of {0} bytes is shorter than its header")]
    Short(usize),
    /// Another version of Trawl at the other end.
    #[error(
        "the other side speaks protocol version {0}, this build speaks {PROTOCOL_VERSION}; run the same build everywhere and restart"
    )]
    Version(u8),
    /// Not one of ours.
    #[error("unknown frame kind {0}")]
    UnknownKind(u8),
    /// Not one of ours.
    #[error("unknown frame flags {0:#04x}")]
    UnknownFlags(u8),
    /// Right kind, wrong place.
    #[error("unexpected {0:?} frame")]
    Unexpected(Kind),
    /// A body that does not decode.
    #[error("cannot decode a message: {0}")]
    Decode(#[from] bincode::error::DecodeError),
    /// A body that decodes, with something behind it.
    #[error("{0} bytes are left over after a message")]
    Trailing(usize),
    /// A body that would be too large for the other side.
    #[error("a message of {0} bytes is larger than the limit of {BODY_LIMIT}")]
    TooLarge(usize),
    /// A value that cannot be encoded.
    #[error("cannot encode a message: {0}")]
    Encode(#[from] bincode::error::EncodeError),
}

/// Without the limit, thirteen hostile bytes can abort the process by announcing a huge vector.
fn config() -> impl bincode::config::Config {
    bincode::config::standard().with_limit::<BODY_LIMIT>()
}

/// A value as bytes.
///
/// # Errors
/// Larger than [`BODY_LIMIT`].
pub fn encode<T: Serialize>(value: &T) -> Result<Bytes, FrameError> {
    SCRATCH.with_borrow_mut(|scratch| {
        if scratch.capacity() < ROOM_LEAST {
            scratch.reserve(ROOM);
        }
        let encoded = bincode::serde::encode_into_std_write(value, &mut (&mut *scratch).writer(), config());
        // Taken out in any case: half a value is nobody's beginning.
        let bytes = scratch.split().freeze();
        encoded?;
        if bytes.len() > BODY_LIMIT {
            return Err(FrameError::TooLarge(bytes.len()));
        }
        Ok(bytes)
    })
}

/// With less room than this, so much is made. Bytes.
const ROOM_LEAST: usize = 1 << 10;
const ROOM: usize = 32 << 10;

thread_local! {
    /// Values are encoded one behind the other: an allocation for many of them instead of several for each. It goes when
    /// the last of them does.
    static SCRATCH: RefCell<BytesMut> = RefCell::new(BytesMut::new());
}

/// A value from bytes, all of them.
///
/// # Errors
/// The bytes are no such value, announce more than [`BODY_LIMIT`], or go on after it.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, FrameError> {
    let (value, used) = bincode::serde::decode_from_slice(bytes, config())?;
    match bytes.len() - used {
        0 => Ok(value),
        rest => Err(FrameError::Trailing(rest)),
    }
}

/// A frame of its own, its head read and its body left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The head.
    pub header: Header,
    /// The whole frame, head included.
    bytes: Bytes,
}

impl Frame {
    /// A frame around a body.
    #[must_use]
    pub fn new(header: Header, body: &[u8]) -> Self {
        let mut bytes = BytesMut::with_capacity(Header::LEN + body.len());
        bytes.extend_from_slice(&header.encode());
        bytes.extend_from_slice(body);
        Self { header, bytes: bytes.freeze() }
    }

    /// Puts a frame around a body behind what is to be written already, as it stands on the wire.
    pub fn put(header: Header, body: &[u8], to: &mut BytesMut) {
        let length = Header::LEN + body.len();
        to.reserve(LENGTH + length);
        to.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
        to.put_slice(&header.encode());
        to.put_slice(body);
    }

    /// Puts this frame behind what is to be written already, as it stands on the wire.
    pub fn wire(&self, to: &mut BytesMut) {
        Self::put(self.header, &self.bytes[Header::LEN..], to);
    }

    /// A frame around an encoded value.
    ///
    /// # Errors
    /// As [`encode`].
    pub fn of<T: Serialize>(header: Header, value: &T) -> Result<Self, FrameError> {
        Ok(Self::new(header, &encode(value)?))
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> Bytes {
        self.bytes.slice(Header::LEN..)
    }

    /// Size on the wire without the length in front.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Never true: a frame has a head.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The body as a value.
    ///
    /// # Errors
    /// As [`decode`].
    pub fn value<T: DeserializeOwned>(&self) -> Result<T, FrameError> {
        decode(&self.bytes[Header::LEN..])
    }
}

/// A frame where it was read, `u32` big-endian length in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wired<'a> {
    /// The head.
    pub header: Header,
    /// All of it: what a relay passes on.
    pub bytes: &'a [u8],
}

impl<'a> Wired<'a> {
    /// The first frame of what was read, once all of it is there.
    ///
    /// # Errors
    /// It is longer than `limit`, or its head is none of ours.
    pub fn first(read: &'a [u8], limit: usize) -> Result<Option<Self>, FrameError> {
        let Some(length) = read.first_chunk() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        if length > limit {
            return Err(FrameError::Long(length));
        }
        let Some(bytes) = read.get(..LENGTH + length) else { return Ok(None) };
        Ok(Some(Self { header: Header::decode(&bytes[LENGTH..])?, bytes }))
    }

    /// The body.
    #[must_use]
    pub fn body(&self) -> &'a [u8] {
        &self.bytes[LENGTH + Header::LEN..]
    }
}

/// Bytes of the length in front of a frame.
const LENGTH: usize = size_of::<u32>();

/// Frames on a stream, as [`Wired`].
#[derive(Debug)]
pub struct FrameCodec {
    limit: usize,
}

impl FrameCodec {
    /// Refuses frames longer than this before allocating anything for them.
    #[must_use]
    pub const fn with_limit(bytes: usize) -> Self {
        Self { limit: bytes }
    }

    /// Changes the limit, once the other side has said who it is.
    pub const fn set_limit(&mut self, bytes: usize) {
        self.limit = bytes;
    }
}

impl Decoder for FrameCodec {
    type Item = Frame;
    type Error = FrameError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, FrameError> {
        let Some(Wired { header, bytes }) = Wired::first(src, self.limit)? else { return Ok(None) };
        let mut bytes = src.split_to(bytes.len());
        bytes.advance(LENGTH);
        Ok(Some(Frame { header, bytes: bytes.freeze() }))
    }
}

impl Encoder<Frame> for FrameCodec {
    type Error = FrameError;

    fn encode(&mut self, frame: Frame, dst: &mut BytesMut) -> Result<(), FrameError> {
        if frame.len() > self.limit {
            return Err(FrameError::Long(frame.len()));
        }
        frame.wire(dst);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProcessId;
    use proptest::prelude::*;

    fn frame(body: &[u8]) -> Frame {
        Frame::new(Header::plain(Kind::Message, ProcessId::WEBSITE, ProcessId::crawler(1)), body)
    }

    #[test]
    fn a_huge_vector_is_refused_before_it_is_allocated() {
        // A Vec<u8> that announces 2^40 elements.
        let bytes = [253, 0, 0, 0, 0, 0, 1, 0, 0];
        assert!(matches!(decode::<Vec<u8>>(&bytes), Err(FrameError::Decode(_))));
    }

    #[test]
    fn trailing_bytes_are_an_error() {
        assert!(matches!(decode::<u8>(&[1, 2, 3]), Err(FrameError::Trailing(2))));
    }

    #[test]
    fn a_long_frame_is_refused_at_its_length() {
        let mut codec = FrameCodec::with_limit(HELLO_FRAME_LIMIT);
        let mut bytes = BytesMut::from(&[0x7f, 0xff, 0xff, 0xff][..]);
        assert!(matches!(codec.decode(&mut bytes), Err(FrameError::Long(0x7fff_ffff))));
        assert!(bytes.capacity() < 1 << 16, "nothing was reserved for it");
    }

    proptest! {
        /// The same frames come out, however the stream is cut into reads.
        #[test]
        fn chunking_does_not_matter(bodies in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 1..8), cuts in proptest::collection::vec(1..97_usize, 1..40)) {
            let mut codec = FrameCodec::with_limit(BUS_FRAME_LIMIT);
            let mut wire = BytesMut::new();
            for body in &bodies {
                codec.encode(frame(body), &mut wire).unwrap();
            }
            let (mut buffer, mut seen, mut cuts) = (BytesMut::new(), Vec::new(), cuts.into_iter().cycle());
            while !wire.is_empty() {
                let piece = wire.split_to(cuts.next().unwrap().min(wire.len()));
                buffer.extend_from_slice(&piece);
                while let Some(frame) = codec.decode(&mut buffer).unwrap() {
                    seen.push(frame.body().to_vec());
                }
            }
            prop_assert_eq!(seen, bodies);
        }

        /// Any bytes give frames, a wish for more, or an error.
        #[test]
        fn any_bytes_do_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let mut codec = FrameCodec::with_limit(HELLO_FRAME_LIMIT);
            let mut buffer = BytesMut::from(&bytes[..]);
            while let Ok(Some(frame)) = codec.decode(&mut buffer) {
                prop_assert!(frame.len() <= HELLO_FRAME_LIMIT);
            }
            prop_assert!(buffer.capacity() <= 2 * HELLO_FRAME_LIMIT + bytes.len());
        }
    }
}
