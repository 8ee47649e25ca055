//! The doors: whoever connects is looked at by the kernel's word before its own.

use nix::unistd::geteuid;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc, oneshot};
use trawl_protocol::{
    Hello, Refusal,
    handshake::{self, Connection},
    socket::{self, Listener, PeerProcess},
};

/// Strangers that may be looked at at once.
const AT_ONCE: usize = 64;

/// Which socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Door {
    /// Jobs.
    Bus,
    /// Credentials.
    Auth,
}

/// A process that has introduced itself and waits for an answer.
#[derive(Debug)]
pub struct Ask<T> {
    /// Who it is to the kernel.
    pub peer: PeerProcess,
    /// Who it says it is.
    pub hello: Hello,
    /// Whether it may come in.
    pub answer: oneshot::Sender<Result<T, Refusal>>,
}

/// Accepts connections for ever. Those of other users are closed unheard; others are asked for their introduction,
/// which `asks` decides about; `admitted` serves those that were let in.
pub async fn open<T, F>(
    listener: Listener,
    door: Door,
    asks: mpsc::Sender<Ask<T>>,
    admitted: impl Fn(Connection, T) -> F + Send + Sync + 'static,
) where
    T: Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let (room, admitted) = (Arc::new(Semaphore::new(AT_ONCE)), Arc::new(admitted));
    loop {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "cannot accept on the {door:?} socket");
                // Out of descriptors: trying at once would only keep the processor warm.
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        let (asks, admitted) = (asks.clone(), Arc::clone(&admitted));
        tokio::spawn(async move {
            let came_in = introduce(stream, door, &asks).await;
            drop(permit);
            if let Some((connection, pass)) = came_in {
                admitted(connection, pass).await;
            }
        });
    }
}

async fn introduce<T>(stream: socket::Stream, door: Door, asks: &mpsc::Sender<Ask<T>>) -> Option<(Connection, T)> {
    let peer = match socket::peer(&stream) {
        Ok(peer) if peer.uid == geteuid().as_raw() => peer,
        Ok(peer) => {
            tracing::warn!(process.pid = peer.pid, "refused user {} on the {door:?} socket", peer.uid);
            return None;
        }
        Err(error) => {
            tracing::warn!(%error, "refused somebody on the {door:?} socket");
            return None;
        }
    };
    let refused = |reason: &dyn std::fmt::Display| {
        tracing::warn!(process.pid = peer.pid, "refused process {} on the {door:?} socket: {reason}", peer.pid);
    };
    let (mut connection, hello) = match handshake::accept(stream).await {
        Ok(introduced) => introduced,
        Err(error) => {
            refused(&error);
            return None;
        }
    };
    let (answer, answered) = oneshot::channel();
    asks.send(Ask { peer, hello, answer }).await.ok()?;
    match answered.await.ok()? {
        Ok(pass) => Some((connection, pass)),
        Err(refusal) => {
            if refusal.again {
                tracing::debug!("process {} has to wait at the {door:?} socket: {}", peer.pid, refusal.reason);
            } else {
                refused(&refusal.reason);
            }
            handshake::refuse(&mut connection, refusal).await.ok();
            None
        }
    }
}
