//! One process's connection: reads what it says, writes what it is told.

use super::{Hub, Ticket, hub::Violation};
use futures_util::poll;
use std::{
    pin::pin,
    task::Poll,
    thread,
    time::{Duration, Instant},
};
use tokio::task::yield_now;
use trawl_protocol::{
    FrameError,
    halves::{self, Reader},
    handshake::Connection,
};

/// Whoever was told something mostly answers within this time, and a core that has gone to sleep takes longer than that to
/// wake. So after each frame we stay awake for so long.
const LIVELY: Duration = Duration::from_micros(30);
/// Not after more than this: whoever says so much at once waits for no answer, and we would be in the way of those who have
/// something to do. Bytes.
const LITTLE: usize = 4 << 10;

/// Serves a connection that was let in, until either side ends it. Whatever comes ends at most this connection.
pub async fn serve(connection: Connection, hub: &Hub, ticket: &Ticket) {
    let parts = connection.into_parts();
    let ended = if parts.read_buf.is_empty() {
        let (receiver, sender) = match halves::split(parts.io, &[]) {
            Ok(halves) => halves,
            Err(error) => {
                tracing::warn!(process.id = %ticket.id, %error, "the connection of {} cannot be used", ticket.id);
                return hub.lost(ticket);
            }
        };
        tokio::select! {
            read = read(receiver, hub, ticket) => read,
            written = ticket.queue.write(sender) => written.map_err(|error| FrameError::from(error).into()),
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

async fn read(mut receiver: Reader, hub: &Hub, ticket: &Ticket) -> Result<(), Violation> {
    let (mut receivers, mut said) = (Vec::new(), 0);
    loop {
        let wait = receiver.read();
        said = if said > LITTLE { wait.await } else { lively(wait).await }.map_err(FrameError::from)?;
        if said == 0 {
            return Ok(());
        }
        let forwarded = hub.forward(ticket, receiver.bytes(), &mut receivers);
        // What was read together is written together, and by us: a task of the receiver's would have to be woken first.
        receivers.drain(..).for_each(|queue| queue.hurry());
        receiver.consume(forwarded?);
    }
}

/// Waits, at first without sleeping.
async fn lively<T>(wait: impl Future<Output = T>) -> T {
    let mut wait = pin!(wait);
    let begun = Instant::now();
    while begun.elapsed() < LIVELY {
        if let Poll::Ready(value) = poll!(&mut wait) {
            return value;
        }
        // First those who have something to do: other processes on this core, then our other connections.
        thread::yield_now();
        yield_now().await;
    }
    wait.await
}
