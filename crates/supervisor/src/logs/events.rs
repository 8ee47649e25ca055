//! The supervisor's own events, as lines among those of the others.

use super::{LINE_LIMIT, Logs};
use std::io;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// Makes this process's events lines in `logs`.
pub fn start(filter: &str, logs: Logs) {
    let (filter, complaint) = match EnvFilter::try_new(filter) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error)),
    };
    let lines =
        tracing_subscriber::fmt::layer().with_writer(Writer(logs)).with_ansi(false).without_time().with_target(false);
    // Another test of the same process may have been first.
    tracing_subscriber::registry().with(filter).with(lines).try_init().ok();
    if let Some(error) = complaint {
        tracing::warn!(%error, "log.filter cannot be read; logging at info");
    }
}

#[derive(Debug, Clone)]
struct Writer(Logs);

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LINE_LIMIT)]);
        text.lines().for_each(|line| self.0.say(line.trim()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Writer {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
