//! What each command does.

mod configured;
mod logs;
mod paper;
mod start;
mod status;
mod website;

pub use configured::Configured;
pub use logs::{LogsArguments, logs};
pub use paper::{completions, manual};
pub use start::start;
pub use status::status;
pub use website::{backup, export, restore};

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
    } else if let Some(Reply::Done { names }) = asked(configured, &Request::Stop { names }).await? {
        say(&format!("stopped: {}", names.join(", ")));
    }
    Ok(0)
}

/// Gives processes a new life; returns once they have it.
///
/// # Errors
/// No supervisor runs, or it refuses, or one of them does not come up.
pub async fn restart(configured: &Configured, names: Vec<String>) -> Result<u8, SupervisorError> {
    match asked(configured, &Request::Restart { names }).await? {
        Some(Reply::Done { names }) => say(&format!("restarted: {}", names.join(", "))),
        _ => return Err(ending(configured)),
    }
    Ok(0)
}

/// Has the configuration read again; says what has changed, and what that needs.
///
/// # Errors
/// No supervisor runs, or the configuration is wrong: nothing has changed then.
pub async fn reload(configured: &Configured) -> Result<u8, SupervisorError> {
    let Some(Reply::Reloaded(reloaded)) = asked(configured, &Request::Reload).await? else {
        return Err(ending(configured));
    };
    let dir = configured.runtime_dir()?;
    reloaded.sentences(|command| dir.invocation().command(command)).iter().for_each(|sentence| say(sentence));
    Ok(0)
}

/// The supervisor ends, so that nothing is done any more.
fn ending(configured: &Configured) -> SupervisorError {
    let start = configured.invocation().command("start");
    SupervisorError::Refused(format!("the supervisor is ending; when it has ended, start it again with `{start}`"))
}

/// Asks for one reply. With nobody there, a name that means nothing is still the first thing to mend.
async fn asked(configured: &Configured, request: &Request) -> Result<Option<Reply>, SupervisorError> {
    let answer = one_answer(&configured.runtime_dir()?, request).await;
    if let (Err(SupervisorError::NotRunning { .. }), Request::Stop { names } | Request::Restart { names }) =
        (&answer, request)
    {
        configured.check_names(names)?;
    }
    answer
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
