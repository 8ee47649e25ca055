//! Lines in the journal of the machine, with fields of its own, where standard output leads there.
//!
//! The journal's native protocol: a datagram of `FIELD=value` lines. See systemd's `JOURNAL_NATIVE_PROTOCOL`.

use super::{Line, cause::sentence, level::Level};
use nix::sys::stat::fstat;
use std::{
    env, io,
    os::unix::net::UnixDatagram,
    path::{Path, PathBuf},
};

const SOCKET: &str = "/run/systemd/journal/socket";
/// Names the journal's socket, for tests.
const SOCKET_ENV: &str = "TRAWL_JOURNAL_SOCKET";

/// A way to the journal.
#[derive(Debug)]
pub(super) struct Journal {
    datagrams: UnixDatagram,
    /// Named each time, so that a journal that was started again is found.
    socket: PathBuf,
}

impl Journal {
    /// The journal, if standard output leads there anyway: then nobody misses what is not written to it.
    #[must_use]
    pub(super) fn of_stdout() -> Option<Self> {
        if let Some(socket) = env::var_os(SOCKET_ENV) {
            return Self::at(&PathBuf::from(socket)).ok();
        }
        let stream = env::var("JOURNAL_STREAM").ok()?;
        let (device, inode) = stream.split_once(':')?;
        let stdout = fstat(io::stdout()).ok()?;
        let ours = device.parse() == Ok(stdout.st_dev) && inode.parse() == Ok(stdout.st_ino);
        ours.then(|| Self::at(Path::new(SOCKET)).ok()).flatten()
    }

    fn at(socket: &Path) -> io::Result<Self> {
        Ok(Self { datagrams: UnixDatagram::unbound()?, socket: socket.to_owned() })
    }

    /// Hands over a line. A journal that is gone or full costs the line and stops nothing.
    pub(super) fn write(&self, line: &Line) -> bool {
        let text = sentence(&line.process, &line.text).unwrap_or(&line.text);
        if text.is_empty() {
            return true;
        }
        let level = Level::of(&line.text);
        // A line has no line breaks in it, so the short form of a field is enough.
        let fields = format!(
            "MESSAGE={}\nPRIORITY={}\nSYSLOG_IDENTIFIER={}\nTRAWL_PROCESS={}\n",
            level.without(text),
            level.priority(),
            line.process,
            line.process
        );
        self.datagrams.send_to(fields.as_bytes(), &self.socket).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_line_has_fields() {
        let temporary = tempfile::tempdir().unwrap();
        let socket = temporary.path().join("socket");
        let journal = UnixDatagram::bind(&socket).unwrap();
        let line = Line { process: Arc::from("crawler-1"), text: " WARN a thing  n=1".to_owned(), at_ms: 0 };
        assert!(Journal::at(&socket).unwrap().write(&line));
        let mut bytes = [0; 256];
        let length = journal.recv(&mut bytes).unwrap();
        let text = std::str::from_utf8(&bytes[..length]).unwrap();
        assert_eq!(text, "MESSAGE=a thing  n=1\nPRIORITY=4\nSYSLOG_IDENTIFIER=crawler-1\nTRAWL_PROCESS=crawler-1\n");
    }
}
