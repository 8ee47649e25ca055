//! One process's connection: reads what it says, writes what it is told.

use super::{
    Hub, Ticket,
    hub::Violation,
    queue::{Queue, codec},
};
use bytes::BytesMut;
use futures_util::StreamExt as _;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio_util::codec::FramedRead;
use trawl_protocol::{FrameCodec, FrameError, handshake::Connection};

/// Bytes read at once: some hundred small frames for one system call.
const READ_BUFFER: usize = 64 << 10;

/// Serves a connection that was let in, until either side ends it. Whatever comes ends at most this connection.
pub async fn serve(connection: Connection, hub: &Hub, ticket: &Ticket) {
    let parts = connection.into_parts();
    let stream = parts.io;
    let ended = if parts.read_buf.is_empty() {
        tokio::select! {
            read = read(&stream, hub, ticket) => read,
            written = write(&stream, &ticket.queue) => written.map_err(Violation::from),
            () = ticket.queue.closed.cancelled() => Ok(()),
        }
    } else {
        Err(Violation::TooEarly)
    };
    match ended {
        Ok(()) => {}
        // How a process hangs up that has ended, planned or not; the dispatcher knows which.
        Err(Violation::Frame(FrameError::Io(error))) => tracing::debug!(%error, "{} hung up", ticket.id),
        Err(reason) => tracing::warn!(process.id = %ticket.id, "ending the connection of {}: {reason}", ticket.id),
    }
    hub.lost(ticket);
}

async fn read(receiver: impl AsyncRead + Unpin, hub: &Hub, ticket: &Ticket) -> Result<(), Violation> {
    let mut frames: FramedRead<_, FrameCodec> = FramedRead::with_capacity(receiver, codec(), READ_BUFFER);
    while let Some(frame) = frames.next().await {
        match frame {
            Ok(frame) => hub.forward(ticket, frame)?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

async fn write(mut sender: impl AsyncWrite + Unpin, queue: &Queue) -> Result<(), FrameError> {
    let (mut codec, mut bytes) = (codec(), BytesMut::new());
    loop {
        queue.take(&mut codec, &mut bytes).await?;
        sender.write_all(&bytes).await?;
        bytes.clear();
    }
}
