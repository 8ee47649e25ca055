//! What each command does.

mod configured;
mod start;
mod status;

pub use configured::Configured;
pub use start::start;
pub use status::status;

use crate::{
    control::{Reply, Request, ask, one_answer},
    error::SupervisorError,
};
use std::{
    io::{self, Write as _},
    time::Duration,
};
use tokio::time::sleep;

/// How often to look whether a supervisor has ended.
const LOOK: Duration = Duration::from_millis(20);

/// Stops processes, or everything; returns once that has happened.
///
/// # Errors
/// No supervisor runs, or it refuses.
pub async fn stop(configured: &Configured, names: Vec<String>) -> Result<u8, SupervisorError> {
    let dir = configured.runtime_dir()?;
    if names.is_empty() {
        let mut answers = ask(&dir, &Request::Stop { names }).await?;
        if let Some(Reply::Refused { reason }) = answers.next().await {
            return Err(SupervisorError::Refused(reason));
        }
        while dir.is_held() {
            sleep(LOOK).await;
        }
        say("stopped");
    } else if let Some(Reply::Done { names }) = one_answer(&dir, &Request::Stop { names }).await? {
        say(&format!("stopped: {}", names.join(", ")));
    }
    Ok(0)
}

/// Gives processes a new life; returns once they have it.
///
/// # Errors
/// No supervisor runs, or it refuses, or one of them does not come up.
pub async fn restart(configured: &Configured, names: Vec<String>) -> Result<u8, SupervisorError> {
    let dir = configured.runtime_dir()?;
    if let Some(Reply::Done { names }) = one_answer(&dir, &Request::Restart { names }).await? {
        say(&format!("restarted: {}", names.join(", ")));
    }
    Ok(0)
}

/// Says that the configuration is right; had it been wrong, nobody would have come here.
#[must_use]
pub fn check(configured: &Configured) -> u8 {
    say(&format!("supervisor.toml is valid: {}", configured.summary()));
    0
}

/// Writes a line on standard output.
pub(crate) fn say(text: &str) {
    writeln!(io::stdout(), "{text}").ok();
}
