//! The first frames of a connection: who connects, and whether it may.

use crate::{
    Boot, Frame, FrameCodec, FrameError, Header, Kind, LaunchSecret, ProcessId, codec::HELLO_FRAME_LIMIT, socket,
};
use futures_util::{SinkExt as _, StreamExt as _};
use serde::{Deserialize, Serialize};
use std::{path::Path, time::Duration};
use tokio_util::codec::Framed;

/// How long a process may take to say who it is.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(2);

/// Bytes that a process reads and writes at once: some hundred small frames for one system call.
const BUFFER: usize = 64 << 10;

/// What a process does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// UI, API, job manager, database.
    Website,
    /// Worker.
    Crawler,
}

/// Who connects.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hello {
    /// What it does.
    pub role: Role,
    /// Its life.
    pub boot: Boot,
    /// Proof that the supervisor started it; none: somebody started it by hand.
    pub secret: Option<LaunchSecret>,
    /// Version and commit, for people.
    pub build: String,
    /// How many jobs it runs at once; 0 for a website.
    pub capacity: u16,
    /// The kinds of job that it can run.
    pub kinds: Vec<String>,
    /// Base URL of the one instance whose credentials it has brought along.
    pub own_instance: Option<String>,
}

/// Come in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Welcome {
    /// The address that the process has on the bus.
    pub you: ProcessId,
}

/// Stay out, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("the supervisor refused this process: {reason}")]
pub struct Refusal {
    /// A sentence for the log of both sides.
    pub reason: String,
    /// Whether another try may succeed: the place may be taken by a process that is about to be found dead.
    pub again: bool,
}

/// Why a connection did not come about.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Nobody listens there.
    #[error("nothing answers at {path}: {source}; start it with `supervisor start`")]
    Unreachable {
        /// The socket.
        path: String,
        /// The cause.
        source: std::io::Error,
    },
    /// Not admitted.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What came was no answer.
    #[error("cannot agree with the supervisor: {0}")]
    Frame(#[from] FrameError),
    /// No answer.
    #[error("the supervisor did not answer within {} s", HELLO_TIMEOUT.as_secs())]
    Silent,
}

/// An admitted connection.
pub type Connection = Framed<socket::Stream, FrameCodec>;

/// Connects and introduces itself.
///
/// # Errors
/// See [`ConnectError`].
pub async fn connect(path: &Path, hello: &Hello, frame_limit: usize) -> Result<(Connection, Welcome), ConnectError> {
    let stream = socket::connect(path)
        .await
        .map_err(|source| ConnectError::Unreachable { path: path.display().to_string(), source })?;
    let mut connection = Framed::with_capacity(stream, FrameCodec::with_limit(HELLO_FRAME_LIMIT), BUFFER);
    let exchange = async {
        let header = Header::plain(Kind::Hello, ProcessId::SUPERVISOR, ProcessId::SUPERVISOR);
        connection.send(Frame::of(header, hello)?).await?;
        let answer = connection.next().await.ok_or_else(closed)??;
        match answer.header.kind {
            Kind::Welcome => Ok(answer.value::<Welcome>()?),
            Kind::Refusal => Err(ConnectError::Refused(answer.value()?)),
            other => Err(FrameError::Unexpected(other).into()),
        }
    };
    let welcome = tokio::time::timeout(HELLO_TIMEOUT, exchange).await.map_err(|_| ConnectError::Silent)??;
    connection.codec_mut().set_limit(frame_limit);
    Ok((connection, welcome))
}

/// Waits for the introduction of a process that has connected. The caller answers with [`welcome`] or [`refuse`].
///
/// # Errors
/// Anything but one HELLO in time ends the connection.
pub async fn accept(stream: socket::Stream) -> Result<(Connection, Hello), ConnectError> {
    let mut connection = Framed::new(stream, FrameCodec::with_limit(HELLO_FRAME_LIMIT));
    let first = match tokio::time::timeout(HELLO_TIMEOUT, connection.next()).await {
        Err(_) => return Err(ConnectError::Silent),
        Ok(frame) => frame.ok_or_else(closed)?,
    };
    match first {
        Ok(frame) if frame.header.kind == Kind::Hello => Ok((connection, frame.value()?)),
        Ok(frame) => Err(FrameError::Unexpected(frame.header.kind).into()),
        Err(error) => {
            // A version that we cannot read may still read us.
            if matches!(error, FrameError::Version(_)) {
                let reason = error.to_string();
                refuse(&mut connection, Refusal { reason, again: false }).await.ok();
            }
            Err(error.into())
        }
    }
}

/// Lets it in.
///
/// # Errors
/// The connection broke.
pub async fn welcome(connection: &mut Connection, you: ProcessId, frame_limit: usize) -> Result<(), FrameError> {
    let header = Header::plain(Kind::Welcome, ProcessId::SUPERVISOR, you);
    connection.send(Frame::of(header, &Welcome { you })?).await?;
    connection.codec_mut().set_limit(frame_limit);
    Ok(())
}

/// Turns it away.
///
/// # Errors
/// The connection broke.
pub async fn refuse(connection: &mut Connection, refusal: Refusal) -> Result<(), FrameError> {
    let header = Header::plain(Kind::Refusal, ProcessId::SUPERVISOR, ProcessId::SUPERVISOR);
    connection.send(Frame::of(header, &refusal)?).await
}

fn closed() -> FrameError {
    FrameError::Io(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the connection was closed"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket::Listener;
    use tokio::io::AsyncWriteExt as _;

    fn hello() -> Hello {
        Hello {
            role: Role::Crawler,
            boot: Boot(7),
            secret: Some(LaunchSecret::random()),
            build: "test".to_owned(),
            capacity: 3,
            kinds: vec!["issues".to_owned()],
            own_instance: None,
        }
    }

    #[tokio::test]
    async fn who_is_let_in_learns_its_address() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let listener = Listener::bind(&path).unwrap();
        let (hello, limit) = (hello(), crate::codec::BUS_FRAME_LIMIT);
        let serve = async {
            let (mut connection, said) = accept(listener.accept().await.unwrap()).await.unwrap();
            assert!(said.secret.unwrap().matches(hello.secret.as_ref().unwrap()));
            welcome(&mut connection, ProcessId::crawler(2), limit).await.unwrap();
        };
        let (connected, ()) = tokio::join!(connect(&path, &hello, limit), serve);
        assert_eq!(connected.unwrap().1.you, ProcessId::crawler(2));
    }

    #[tokio::test]
    async fn a_refusal_arrives_as_a_sentence() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let listener = Listener::bind(&path).unwrap();
        let hello = hello();
        let serve = async {
            let (mut connection, _) = accept(listener.accept().await.unwrap()).await.unwrap();
            refuse(&mut connection, Refusal { reason: "not today".to_owned(), again: false }).await.unwrap();
        };
        let (connected, ()) = tokio::join!(connect(&path, &hello, 1 << 16), serve);
        let error = connected.err().unwrap();
        assert_eq!(error.to_string(), "the supervisor refused this process: not today");
    }

    #[tokio::test]
    async fn another_version_is_told_so() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let listener = Listener::bind(&path).unwrap();
        let stranger = async {
            let mut stream = socket::connect(&path).await.unwrap();
            let mut frame = Header::plain(Kind::Hello, ProcessId::SUPERVISOR, ProcessId::SUPERVISOR).encode();
            frame[0] = 99;
            stream.write_all(&24_u32.to_be_bytes()).await.unwrap();
            stream.write_all(&frame).await.unwrap();
            let mut connection = Framed::new(stream, FrameCodec::with_limit(HELLO_FRAME_LIMIT));
            connection.next().await.unwrap().unwrap().value::<Refusal>().unwrap()
        };
        let (refusal, refused) =
            tokio::join!(stranger, async { accept(listener.accept().await.unwrap()).await.err().unwrap() });
        assert!(refusal.reason.contains("version 99") && !refusal.again, "{refusal}");
        assert!(matches!(refused, ConnectError::Frame(FrameError::Version(99))), "{refused}");
    }

    #[tokio::test]
    async fn nobody_listens() {
        let dir = tempfile::tempdir().unwrap();
        let error = connect(&dir.path().join("none"), &hello(), 1 << 16).await.err().unwrap().to_string();
        assert!(error.contains("nothing answers at") && error.contains("supervisor start"), "{error}");
    }
}
