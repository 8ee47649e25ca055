//! The supervisor's end.

use super::{LIMIT, Reply, Request};
use crate::logs::{Line, Logs};
use nix::unistd::geteuid;
use std::{io, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    time::timeout,
};
use trawl_protocol::socket::{self, Listener, Stream};

/// How long a request may take to arrive.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

/// Connections whose request is waited for, and those that are shown lines, at once.
const AT_ONCE: usize = 64;

/// A request and whom to tell.
pub type Asked = (Request, oneshot::Sender<Reply>);

/// Accepts requests for ever; those about logs are answered from `logs`, the others by whoever holds the other end of
/// `asked`.
pub async fn open(listener: Listener, asked: mpsc::Sender<Asked>, logs: Logs) {
    let (room, seats) = (Arc::new(Semaphore::new(AT_ONCE)), Arc::new(Semaphore::new(AT_ONCE)));
    loop {
        // Who does not say what they want keeps others waiting for a moment, and takes no descriptor from anybody.
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok(stream) => {
                let (asked, logs, seats) = (asked.clone(), logs.clone(), Arc::clone(&seats));
                tokio::spawn(async move {
                    if let Err(error) = serve(stream, asked, logs, permit, &seats).await {
                        tracing::debug!(%error, "a control connection ended");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept on the control socket");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(
    stream: Stream,
    asked: mpsc::Sender<Asked>,
    logs: Logs,
    permit: OwnedSemaphorePermit,
    seats: &Semaphore,
) -> io::Result<()> {
    let peer = socket::peer(&stream)?;
    // The one who may do everything anyhow may do this as well: it is who operates a service.
    if peer.uid != geteuid().as_raw() && peer.uid != 0 {
        tracing::warn!(process.pid = peer.pid, "refused user {} on the control socket", peer.uid);
        return Ok(());
    }
    let (receiver, mut sender) = tokio::io::split(stream);
    let mut line = String::new();
    let mut receiver = BufReader::new(receiver.take(LIMIT));
    if timeout(REQUEST_TIMEOUT, receiver.read_line(&mut line)).await?? == 0 {
        return Ok(());
    }
    drop(permit);
    let request = match serde_json::from_str(&line) {
        Ok(Request::Logs { names, past, follow }) => {
            let Ok(_seat) = seats.try_acquire() else {
                let reason = format!("{AT_ONCE} others read the logs already; end one of them first");
                return say(&mut sender, &Reply::Refused { reason }).await;
            };
            let (past, mut lines) = logs.watch(names, past);
            for line in past {
                show(&mut sender, &line).await?;
            }
            let mut rest = Vec::new();
            if !follow {
                return Ok(());
            }
            loop {
                let line = tokio::select! {
                    line = lines.recv() => line,
                    // Whoever watches has nothing more to say: this is how its end shows.
                    _ = receiver.read_to_end(&mut rest) => return Ok(()),
                };
                let Some(line) = line else { return Ok(()) };
                show(&mut sender, &line).await?;
            }
        }
        Ok(request) => request,
        Err(error) => {
            let reason = format!("the running supervisor does not understand this one ({error}); restart it");
            return say(&mut sender, &Reply::Refused { reason }).await;
        }
    };
    let (reply, answer) = oneshot::channel();
    asked.send((request, reply)).await.map_err(io::Error::other)?;
    match answer.await {
        Ok(reply) => say(&mut sender, &reply).await,
        // The supervisor ends, which is the answer.
        Err(_) => std::future::pending().await,
    }
}

async fn show(sender: &mut (impl tokio::io::AsyncWrite + Unpin), line: &Line) -> io::Result<()> {
    let (process, text) = (line.process.to_string(), line.text.clone());
    say(sender, &Reply::Line { process, text, at_ms: line.at_ms }).await
}

async fn say(sender: &mut (impl tokio::io::AsyncWrite + Unpin), reply: &Reply) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(reply)?;
    bytes.push(b'\n');
    sender.write_all(&bytes).await
}
