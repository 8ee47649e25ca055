//! A connection in two halves, each woken for its own sake only.
//!
//! The runtime's own connection is registered for reading and writing at once, so its task is woken each time the other
//! side has taken something out of the socket, to learn that there is room which it has not missed. With small messages
//! that is a switch of threads for each of them.

use crate::socket::Stream;
use bytes::{Buf as _, BytesMut};
use std::{
    future::poll_fn,
    io::{self, Read as _, Write as _},
    ops::Range,
    os::unix::net::UnixStream,
    task::Poll,
};
use tokio::io::{Interest, unix::AsyncFd};

/// Read at once. Bytes.
const READ: usize = 64 << 10;

/// Takes a connection apart, of which this much was read already.
///
/// # Errors
/// Out of descriptors.
pub fn split(stream: Stream, already: &[u8]) -> io::Result<(Reader, Writer)> {
    let reading = stream.into_std()?;
    let writing = reading.try_clone()?;
    let reading = watched(reading, Interest::READABLE)?;
    let mut buffer = vec![0; READ.max(already.len())];
    buffer[..already.len()].copy_from_slice(already);
    Ok((Reader { stream: reading, buffer, read: 0..already.len() }, Writer(writing)))
}

#[expect(unsafe_code, reason = "the runtime asks for a promise about the descriptor that its safe calls cannot check")]
fn watched(stream: UnixStream, interest: Interest) -> io::Result<AsyncFd<UnixStream>> {
    // SAFETY: a `UnixStream` owns its descriptor, names the same one each time, and closes it when it is dropped, which is
    // after the registration has ended, since the registration owns it.
    Ok(unsafe { AsyncFd::register_with_interest(stream, interest) }?)
}

/// What the other side says.
#[derive(Debug)]
pub struct Reader {
    stream: AsyncFd<UnixStream>,
    buffer: Vec<u8>,
    /// What of it was read and is not consumed.
    read: Range<usize>,
}

impl Reader {
    /// What was read and is not consumed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.read.clone()]
    }

    /// So much of it is done with.
    pub fn consume(&mut self, bytes: usize) {
        self.read.start = self.read.end.min(self.read.start + bytes);
    }

    /// Waits for more bytes, behind those that are there. Returns how many; 0: nothing will come any more. Nothing is lost
    /// where it is not waited for to the end.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn read(&mut self) -> io::Result<usize> {
        self.make_room();
        // Not `readable`, which takes a place in a list of all who wait: only one does.
        poll_fn(|context| {
            loop {
                let Poll::Ready(ready) = self.stream.poll_read_ready(context) else {
                    if self.read.is_empty() && self.buffer.len() > READ {
                        // A large frame has come and gone.
                        (self.buffer, self.read) = (vec![0; READ], 0..0);
                    }
                    return Poll::Pending;
                };
                let mut ready = ready?;
                let room = &mut self.buffer[self.read.end..];
                match self.stream.get_ref().read(room) {
                    Ok(length) => {
                        // Less than there was room for: nothing is left, and asking for it would be a call for nothing.
                        if length < room.len() {
                            ready.clear_ready();
                        }
                        self.read.end += length;
                        return Poll::Ready(Ok(length));
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
        })
        .await
    }

    /// Half a frame, which is what mostly is left, begins where the buffer begins; there is room for more of it.
    fn make_room(&mut self) {
        let left = self.read.len();
        if self.read.start > 0 {
            self.buffer.copy_within(self.read.clone(), 0);
            self.read = 0..left;
        }
        if left == self.buffer.len() {
            self.buffer.resize(2 * left, 0);
        }
    }
}

/// What we say.
#[derive(Debug)]
pub struct Writer(UnixStream);

impl Writer {
    /// Writes some of the bytes and takes them out. Nothing is lost where it is not waited for to the end.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn write(&self, from: &mut BytesMut) -> io::Result<()> {
        loop {
            match (&self.0).write(from) {
                Ok(length) => {
                    from.advance(length);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    // Only now is room of interest, and only until there is some.
                    let room = watched(self.0.try_clone()?, Interest::WRITABLE)?;
                    room.writable().await?.retain_ready();
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes what can be written without waiting, and takes it out. That a connection broke shows at the next wait.
    pub fn write_now(&self, from: &mut BytesMut) {
        if let Ok(length) = (&self.0).write(from) {
            from.advance(length);
        }
    }

    /// Writes all of the bytes.
    ///
    /// # Errors
    /// The connection broke.
    pub async fn write_all(&self, from: &mut BytesMut) -> io::Result<()> {
        while !from.is_empty() {
            self.write(from).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everything_arrives_however_slowly_it_is_read() {
        let (one, other) = Stream::pair().unwrap();
        // Some of it has come before.
        let (mut reader, _) = split(one, &[0; 5]).unwrap();
        let (_, writer) = split(other, &[]).unwrap();
        // Much more than the kernel holds.
        let all: Vec<u8> = (0..4 << 20).map(|n: u32| n.to_le_bytes()[1]).collect();
        let mut said = BytesMut::from(&all[5..]);
        let say = async {
            writer.write_all(&mut said).await.unwrap();
            drop(writer);
        };
        let hear = async {
            let (mut heard, mut grown) = (Vec::new(), false);
            while heard.len() < all.len() {
                assert_ne!(reader.read().await.unwrap(), 0);
                // As with frames, the last of which is not whole mostly; at first with one that is larger than the buffer.
                let there = reader.bytes().len();
                let whole = match there {
                    _ if there > 3 * READ || heard.len() + there == all.len() => there,
                    _ if heard.is_empty() => 0,
                    _ => there / 1000 * 1000,
                };
                heard.extend_from_slice(&reader.bytes()[..whole]);
                reader.consume(whole);
                grown |= reader.buffer.len() > READ;
                tokio::task::yield_now().await;
            }
            assert!(grown && reader.bytes().is_empty());
            heard
        };
        let ((), heard) = tokio::join!(say, hear);
        assert!(heard == all);
    }

    #[tokio::test]
    async fn an_end_is_seen_by_both() {
        let (one, other) = Stream::pair().unwrap();
        let (mut reader, writer) = split(one, &[]).unwrap();
        drop(other);
        assert_eq!(reader.read().await.unwrap(), 0);
        assert!(writer.write_all(&mut BytesMut::from(&b"x"[..])).await.is_err());
    }
}
