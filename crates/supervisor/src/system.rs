//! A whole system: everything that a supervisor sets up before its dispatcher takes over.

use crate::{
    broker,
    commands::Configured,
    demo,
    dispatcher::{self, Parts},
    error::{SupervisorError, doing},
    launch::Launcher,
    logs::{self, FileWriter, Files, Limits, Logs, Look, Terminal},
    part::{self, Part},
    relay::{self, Door, Hub, Ticket},
    runtime_dir::{Lock, RuntimeDir},
    spawn::Spawner,
};
use nix::{
    libc::{MCL_ONFAULT, RLIM_INFINITY},
    sys::{
        mman::{MlockAllFlags, mlockall},
        prctl,
        resource::{Resource, getrlimit},
    },
};
use std::{fs, path::Path, sync::Arc};
use tokio::sync::watch;
use trawl_protocol::{ProcessId, codec::BUS_FRAME_LIMIT, handshake, socket::Listener};
use trawl_settings::LogSettings;

/// Only pages that are used: stacks are large and mostly empty.
const ON_FAULT: MlockAllFlags = MlockAllFlags::from_bits_retain(MCL_ONFAULT);

/// What to run.
#[derive(Debug)]
pub struct Plan {
    /// The configuration.
    pub configured: Configured,
    /// Names of the processes that are wanted; none: all.
    pub names: Vec<String>,
}

impl Plan {
    /// All parts, and whether each is wanted.
    ///
    /// # Errors
    /// A name means nothing here.
    pub fn parts(&self) -> Result<Vec<(Part, bool)>, SupervisorError> {
        let all = part::all(&self.configured.settings, self.configured.demo);
        let named = part::select(&all, &self.names).map_err(SupervisorError::UnknownName)?;
        // A demo without its GitLab shows nothing.
        Ok(all.into_iter().map(|part| (part, part == Part::GitlabSim || named.contains(&part))).collect())
    }
}

/// Runs a system until its end. Returns the exit code.
///
/// # Errors
/// It cannot even begin: nothing has been started then.
pub async fn run(plan: Plan, runtime: RuntimeDir, lock: Lock) -> Result<u8, SupervisorError> {
    let parts = plan.parts()?;
    let configured = plan.configured;
    // Nobody else of this user may look into our memory.
    prctl::set_dumpable(false).map_err(std::io::Error::from).map_err(doing("protect the supervisor's memory"))?;
    keep_out_of_swap();
    if configured.demo {
        demo::empty(&configured.settings.state_dir(), runtime.path())?;
    }
    configured.accept(&runtime)?;
    // A website that was killed may have left one.
    fs::remove_file(runtime.first_visit()).ok();
    let (listen, environment) = (configured.settings.server.listen, configured.environment(&runtime));
    let mut launcher = Launcher::new(&runtime, listen, configured.demo, environment)?;
    for (part, wanted) in &parts {
        if *wanted {
            launcher.prepare(*part)?;
        }
    }
    let logs = Logs::default();
    let log = &configured.settings.log;
    logs::start_events(log, logs.clone());
    let width = parts.iter().map(|(part, _)| part.to_string().len()).max().unwrap_or_default();
    let terminal = Terminal::show(&logs, Look::of_stdout(width, log.format));
    let files = log.directory.as_ref().map(|directory| open_files(directory, log, &logs)).transpose()?;
    let (first_visit, accepted) = (runtime.first_visit(), runtime.accepted());
    let ended = serve(configured, runtime, launcher, &logs, parts).await;
    fs::remove_file(first_visit).ok();
    fs::remove_file(accepted).ok();
    logs.close();
    terminal.finish();
    files.into_iter().for_each(FileWriter::finish);
    drop(lock);
    ended
}

/// Tokens pass through our memory: where the limits allow it, none of it is ever written to disk.
fn keep_out_of_swap() {
    // Under a limit, the first allocation beyond it would fail.
    let unlimited = getrlimit(Resource::RLIMIT_MEMLOCK).is_ok_and(|(soft, _)| soft == RLIM_INFINITY);
    if unlimited && let Err(error) = mlockall(MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE | ON_FAULT) {
        tracing::debug!(%error, "the supervisor's memory is not kept out of swap");
    }
}

fn open_files(directory: &Path, settings: &LogSettings, logs: &Logs) -> Result<FileWriter, SupervisorError> {
    let files = Files::open(directory, Limits::from(settings))
        .map_err(|source| SupervisorError::Directory { path: directory.to_owned(), source })?;
    Ok(FileWriter::start(logs, files, Look::of_file(settings.format)))
}

async fn serve(
    configured: Configured,
    runtime: RuntimeDir,
    launcher: Launcher,
    logs: &Logs,
    parts: Vec<(Part, bool)>,
) -> Result<u8, SupervisorError> {
    let listen =
        |path: std::path::PathBuf| Listener::bind(&path).map_err(|source| SupervisorError::Directory { path, source });
    let (bus, auth) = (listen(runtime.bus_socket())?, listen(runtime.auth_socket())?);
    let control = listen(runtime.control_socket())?;
    let (hub, list) = (Arc::new(Hub::default()), watch::Sender::new(None));
    let spawner = Spawner::start().map_err(doing("start the thread that starts processes"))?;
    let parts = Parts {
        configured,
        runtime,
        launcher,
        spawner,
        hub: Arc::clone(&hub),
        list: list.clone(),
        logs: logs.clone(),
        parts,
    };
    let (dispatcher, inputs, outputs) = dispatcher::build(parts).map_err(doing("catch signals"))?;
    // Their end is ours: dropping the set drops the listeners, and those remove their files.
    let mut sockets = tokio::task::JoinSet::new();
    sockets.spawn(relay::open(bus, Door::Bus, outputs.bus, move |connection, ticket| {
        serve_bus(connection, ticket, Arc::clone(&hub))
    }));
    sockets.spawn(relay::open(auth, Door::Auth, outputs.auth, move |connection, id: ProcessId| {
        broker::serve(connection, id, list.clone())
    }));
    sockets.spawn(crate::control::open(control, outputs.asked, logs.clone()));
    let code = dispatcher.run(inputs).await;
    sockets.shutdown().await;
    Ok(code)
}

/// Serves a process that was let in to the bus.
pub async fn serve_bus(mut connection: handshake::Connection, ticket: Ticket, hub: Arc<Hub>) {
    match handshake::welcome(&mut connection, ticket.id, BUS_FRAME_LIMIT).await {
        Ok(()) => relay::serve(connection, &hub, &ticket).await,
        Err(error) => {
            tracing::debug!(%error, "{} hung up at the door", ticket.id);
            hub.lost(&ticket);
        }
    }
}
