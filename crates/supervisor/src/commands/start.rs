//! `supervisor start`: as the supervisor, or beside one that runs already.

use super::{Configured, say};
use crate::{
    control::{Reply, Request, lines, one_answer},
    demo,
    error::{SupervisorError, doing},
    invitation::invitation,
    logs::{Line, Look, OWN_NAME, Past},
    part::Part,
    process::now_ms,
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
use trawl_protocol::ProcessState;
use trawl_settings::LogFormat;

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
        demo::create(&configured.settings.state_dir(), dir.path())?;
    }
    let plan = Plan { configured, names };
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(lock) = dir.lock()? {
            return system::run(plan, dir, lock).await;
        }
        match one_answer(&dir, &Request::Start { names: plan.names.clone() }).await {
            Ok(Some(Reply::Done { names })) => return join(&dir, names, plan.configured.settings.log.format).await,
            // It is on its way up or down.
            Ok(_) | Err(SupervisorError::NotRunning { .. }) if Instant::now() < deadline => sleep(LOOK).await,
            Ok(_) | Err(SupervisorError::NotRunning { .. }) => {
                return Err(SupervisorError::Silent(dir.path().to_owned()));
            }
            Err(error) => return Err(error),
        }
    }
}

/// Stays beside processes that the running supervisor has started for us, and stops them when we are stopped.
async fn join(dir: &RuntimeDir, names: Vec<String>, format: LogFormat) -> Result<u8, SupervisorError> {
    let ready = ready(dir).await?;
    if names.is_empty() {
        say(&format!("already running; see `{}`", dir.invocation().command("status")));
        if let Some(invitation) = &ready {
            say(invitation);
        }
        return Ok(0);
    }
    let catch = |kind| signal(kind).map_err(doing("catch signals"));
    let (mut interrupt, mut terminate) = (catch(SignalKind::interrupt())?, catch(SignalKind::terminate())?);
    let look = Look::of_stdout(names.iter().map(String::len).max().unwrap_or_default(), format);
    let say = |text: &str| {
        let line = Line { process: OWN_NAME.into(), text: text.to_owned(), at_ms: now_ms() };
        io::stdout().write_all(look.line(&line).as_bytes()).ok();
    };
    if let Some(invitation) = &ready {
        say(invitation);
    }
    let shown = [names.clone(), vec![OWN_NAME.to_owned()]].concat();
    let show = lines(dir, shown, Past::lines(EARLIER_LINES), true, |line| {
        io::stdout().write_all(look.line(&line).as_bytes()).ok();
        true
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
        Ok(_) | Err(SupervisorError::NotRunning { .. }) => say("the supervisor has ended"),
        Err(error) => return Err(error),
    }
    Ok(0)
}

/// Where to go, if the website of the running system can be visited.
async fn ready(dir: &RuntimeDir) -> Result<Option<String>, SupervisorError> {
    let Some(Reply::Status(status)) = one_answer(dir, &Request::Status).await? else { return Ok(None) };
    let website = Part::Website.to_string();
    let running =
        status.processes.iter().any(|row| row.process.name == website && row.process.state == ProcessState::Running);
    Ok(running.then(|| invitation(dir, &status.url)))
}
