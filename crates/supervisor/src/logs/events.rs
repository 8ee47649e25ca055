//! The supervisor's own events, as lines among those of the others.

use super::{LINE_LIMIT, Logs, OWN_NAME};
use serde_json::{Map, Value};
use std::io;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter, layer::SubscriberExt as _, util::SubscriberInitExt as _};
use trawl_settings::{LogFormat, LogSettings};

/// Makes this process's events lines in `logs`.
pub fn start(settings: &LogSettings, logs: Logs) {
    let (filter, complaint) = match EnvFilter::try_new(&settings.filter) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error)),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(Writer(logs)).with_ansi(false);
    let registry = tracing_subscriber::registry().with(filter);
    // Another test of the same process may have been first.
    match settings.format {
        LogFormat::Json => registry.with(lines.json()).try_init().ok(),
        LogFormat::Text => registry.with(lines.without_time().with_target(false)).try_init().ok(),
    };
    if let Some(error) = complaint {
        tracing::warn!(%error, "log.filter cannot be read; logging at info");
    }
}

/// An event that is a JSON object says whose it is, too.
fn named(line: &str) -> String {
    match serde_json::from_str::<Map<String, Value>>(line) {
        Ok(mut event) => {
            event.insert("process".to_owned(), OWN_NAME.into());
            Value::Object(event).to_string()
        }
        Err(_) => line.to_owned(),
    }
}

#[derive(Debug, Clone)]
struct Writer(Logs);

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LINE_LIMIT)]);
        text.lines().for_each(|line| self.0.say(named(line.trim())));
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
