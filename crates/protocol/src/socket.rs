//! Local sockets: names are paths in the runtime directory, and whoever connects is asked of the kernel.

use interprocess::{
    local_socket::{
        GenericFilePath, ListenerOptions, ToFsName as _,
        tokio::{Listener as InnerListener, Stream as InnerStream, prelude::*},
    },
    os::unix::local_socket::ListenerOptionsExt as _,
};
use std::{
    io,
    path::{Path, PathBuf},
};

/// A connection, once it is there: the runtime's own type, which needs fewer system calls than its wrapper.
pub use tokio::net::UnixStream as Stream;

fn unwrapped(stream: InnerStream) -> Stream {
    match stream {
        InnerStream::UdSocket(stream) => stream.into(),
    }
}

/// The process at the other end, as the kernel knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerProcess {
    /// Process id at the time of connecting.
    pub pid: u32,
    /// Effective user.
    pub uid: u32,
}

/// Connects to a socket.
///
/// # Errors
/// Nobody listens there, or it may not be opened.
pub async fn connect(path: &Path) -> io::Result<Stream> {
    InnerStream::connect(path.to_fs_name::<GenericFilePath>()?).await.map(unwrapped)
}

/// Who is at the other end.
///
/// # Errors
/// The kernel does not say.
pub fn peer(stream: &Stream) -> io::Result<PeerProcess> {
    let credentials = stream.peer_cred()?;
    let unknown = || io::Error::new(io::ErrorKind::Unsupported, "the kernel does not name the peer");
    let pid = credentials.pid().and_then(|pid| u32::try_from(pid).ok()).ok_or_else(unknown)?;
    Ok(PeerProcess { pid, uid: credentials.uid() })
}

/// A socket that listens; its file is for the owner alone and goes when this is dropped.
#[derive(Debug)]
pub struct Listener {
    inner: InnerListener,
    path: PathBuf,
    /// Inode of our own file: a newer listener's file at the same path is not ours to remove.
    inode: u64,
}

impl Listener {
    /// Listens at `path`. A file that a dead process left there is replaced: the caller holds the directory's lock,
    /// so no living one can be.
    ///
    /// # Errors
    /// The path is too long for a socket, or the directory may not be written.
    pub fn bind(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let options =
            ListenerOptions::new().name(path.to_fs_name::<GenericFilePath>()?).reclaim_name(false).mode(0o600);
        let inner = options.create_tokio()?;
        Ok(Self { inner, path: path.to_owned(), inode: std::fs::metadata(path)?.ino() })
    }

    /// The next connection.
    ///
    /// # Errors
    /// Out of descriptors, or the like: the listener itself stays usable.
    pub async fn accept(&self) -> io::Result<Stream> {
        self.inner.accept().await.map(unwrapped)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        use std::os::unix::fs::MetadataExt as _;
        if std::fs::metadata(&self.path).is_ok_and(|file| file.ino() == self.inode) {
            std::fs::remove_file(&self.path).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test]
    async fn the_kernel_names_the_peer() {
        let dir = tempfile::tempdir().unwrap();
        let listener = Listener::bind(&dir.path().join("s")).unwrap();
        let (client, server) = tokio::join!(connect(&listener.path), listener.accept());
        client.unwrap();
        let peer = peer(&server.unwrap()).unwrap();
        assert_eq!(peer.pid, std::process::id());
    }

    #[tokio::test]
    async fn dropping_a_stream_ends_the_other_side() {
        let dir = tempfile::tempdir().unwrap();
        let listener = Listener::bind(&dir.path().join("s")).unwrap();
        let (client, server) = tokio::join!(connect(&listener.path), listener.accept());
        let (mut client, mut server) = (client.unwrap(), server.unwrap());
        client.write_all(b"bye").await.unwrap();
        drop(client);
        let mut seen = Vec::new();
        server.read_to_end(&mut seen).await.unwrap();
        assert_eq!(seen, b"bye");
    }

    #[tokio::test]
    async fn an_old_listener_leaves_a_newer_ones_file_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let old = Listener::bind(&path).unwrap();
        let new = Listener::bind(&path).unwrap();
        drop(old);
        assert!(connect(&path).await.is_ok());
        drop(new);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn the_file_is_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let _listener = Listener::bind(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
