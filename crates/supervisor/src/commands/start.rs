//! `supervisor start`: as the supervisor, or beside one that runs already.

use super::{Configured, say};
use crate::{
    control::{Reply, Request, follow, one_answer},
    demo,
    error::{SupervisorError, doing},
    logs::Look,
    runtime_dir::RuntimeDir,
    system::{self, Plan},
};
use std::{
    io::{self, Write as _},
    time::Duration,
};
use tokio::{
    signal::unix::{SignalKind, signal},
    time::{Instant, sleep},
};

/// How long a supervisor that is just starting, or just ending, may take until it answers or lets go.
const PATIENCE: Duration = Duration::from_secs(15);
const LOOK: Duration = Duration::from_millis(50);
/// Lines that were said before we came.
const EARLIER_LINES: usize = 20;

/// Starts processes and shows what they say, until they are stopped.
///
/// # Errors
/// They cannot be started.
pub async fn start(configured: Configured, names: Vec<String>) -> Result<u8, SupervisorError> {
    let dir = configured.runtime_dir()?;
    if configured.demo {
        demo::create(&configured.settings.state_dir())?;
    }
    let Configured { settings, environment, demo, .. } = configured;
    let plan = Plan { settings, environment, demo, names };
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(lock) = dir.lock()? {
            return system::run(plan, dir, lock).await;
        }
        match one_answer(&dir, &Request::Start { names: plan.names.clone() }).await {
            Ok(Some(Reply::Done { names })) => return join(&dir, names).await,
            // It is on its way up or down.
            Ok(_) | Err(SupervisorError::NotRunning(_)) if Instant::now() < deadline => sleep(LOOK).await,
            Ok(_) | Err(SupervisorError::NotRunning(_)) => return Err(SupervisorError::Silent(dir.path().to_owned())),
            Err(error) => return Err(error),
        }
    }
}

/// Stays beside processes that the running supervisor has started for us, and stops them when we are stopped.
async fn join(dir: &RuntimeDir, names: Vec<String>) -> Result<u8, SupervisorError> {
    if names.is_empty() {
        say("already running; see `supervisor status`");
        return Ok(0);
    }
    let catch = |kind| signal(kind).map_err(doing("catch signals"));
    let (mut interrupt, mut terminate) = (catch(SignalKind::interrupt())?, catch(SignalKind::terminate())?);
    let look = Look::of_stdout(names.iter().map(String::len).max().unwrap_or_default());
    let shown = [names.clone(), vec![crate::logs::OWN_NAME.to_owned()]].concat();
    let show = follow(dir, shown, EARLIER_LINES, |line| {
        io::stdout().write_all(look.line(&line).as_bytes()).ok();
    });
    tokio::select! {
        ended = show => {
            ended?;
            say("the supervisor has ended");
            return Ok(0);
        }
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    match one_answer(dir, &Request::Stop { names }).await {
        Ok(Some(Reply::Done { names })) => say(&format!("stopped: {}", names.join(", "))),
        Ok(_) | Err(SupervisorError::NotRunning(_)) => say("the supervisor has ended"),
        Err(error) => return Err(error),
    }
    Ok(0)
}
