//! Log lines on standard error, one per event, and panics among them.

use crate::{LogFormat, LogSettings};
use std::io::IsTerminal as _;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _};

/// Set in children whose supervisor adds the time to each line itself.
pub const UNTIMED_ENV: &str = "TRAWL_LOG_UNTIMED";

/// Starts logging. A filter that cannot be read is replaced by `info`, and said so.
///
/// # Panics
/// When called twice.
pub fn start(settings: &LogSettings) {
    // What the HTTP server says about its own threads is of no use to anybody, unless somebody asks for it.
    let directives = format!("actix_server=warn,{}", settings.filter);
    let (filter, complaint) = match EnvFilter::try_new(directives) {
        Ok(filter) => (filter, None),
        Err(error) => (EnvFilter::new("info"), Some(error)),
    };
    let untimed = std::env::var_os(UNTIMED_ENV).is_some();
    let lines = fmt::layer().with_target(false).with_writer(std::io::stderr).with_ansi(std::io::stderr().is_terminal());
    let registry = tracing_subscriber::registry().with(filter);
    match (settings.format, untimed) {
        (LogFormat::Json, _) => registry.with(lines.with_target(true).json()).init(),
        (LogFormat::Text, true) => registry.with(lines.without_time()).init(),
        (LogFormat::Text, false) => registry.with(lines).init(),
    }
    if let Some(error) = complaint {
        tracing::warn!(%error, filter = settings.filter, "log.filter cannot be read; logging at info");
    }
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panic: {}", panic.payload_as_str().unwrap_or("without a message"));
        usual(panic);
    }));
}
