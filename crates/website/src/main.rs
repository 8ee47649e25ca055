//! The `website` binary.

use clap::{Parser, Subcommand};
use listenfd::ListenFd;
use std::{io::Write as _, path::PathBuf, process::ExitCode};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use trawl_protocol::LaunchSecret;
use trawl_settings::{exit, logging};
use trawl_website::{
    backup::{self, BackupArguments, RestoreArguments},
    commands::{self, ExportArguments},
    run::{Inherited, STOP_LIMIT, run},
};

/// Trawl's web UI, API and job manager.
///
/// Usually started by `supervisor start`. Started alone it serves pages and plans jobs, and needs a supervisor's
/// socket for crawlers to run them.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Examples:\n  website\n  TRAWL_SERVER__LISTEN=127.0.0.1:9000 website --config supervisor.toml\n  \
                  website export issues.csv > issues.csv"
)]
struct Arguments {
    /// Configuration file; default: the one that `TRAWL_CONFIG` names, else ./supervisor.toml if there is one.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What to do instead of serving
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write everything of one kind to a file
    Export(ExportArguments),
    /// Copy the SQLite database to a file, whether Trawl runs or not
    Backup(BackupArguments),
    /// Put such a copy in the place of the database; nothing may run
    Restore(RestoreArguments),
}

fn main() -> ExitCode {
    match start(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err((code, sentence)) => {
            writeln!(std::io::stderr(), "website: {sentence}").ok();
            ExitCode::from(code)
        }
    }
}

fn start(arguments: &Arguments) -> Result<(), (u8, String)> {
    let config = |error: &dyn std::fmt::Display| (exit::CONFIG, error.to_string());
    let secret = LaunchSecret::inherited().map_err(|error| config(&error))?;
    // Hides environment, memory and descriptors, tokens among them, from other processes of this user.
    nix::sys::prctl::set_dumpable(false).map_err(|error| config(&error))?;
    let settings = trawl_settings::load(arguments.config.as_deref()).map_err(|error| config(&error))?;
    logging::start(&settings.log);
    match &arguments.command {
        None => {}
        Some(Command::Export(arguments)) => {
            let runtime = tokio::runtime::Runtime::new().map_err(|error| config(&error))?;
            return runtime.block_on(commands::export(&settings, arguments));
        }
        Some(Command::Backup(arguments)) => return backup::write(&settings, arguments),
        Some(Command::Restore(arguments)) => return backup::restore(&settings, arguments),
    }
    let listener = ListenFd::from_env().take_tcp_listener(0).map_err(|error| config(&error))?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| config(&error))?;
    let done = runtime.block_on(async {
        let stop = CancellationToken::new();
        let (mut terminate, mut interrupt) = signal(SignalKind::terminate())
            .and_then(|terminate| Ok((terminate, signal(SignalKind::interrupt())?)))
            .map_err(|error| config(&error))?;
        let asked = stop.clone();
        tokio::spawn(async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            asked.cancel();
        });
        let inherited = Inherited::new(listener, secret);
        Box::pin(run(settings, inherited, stop)).await.map_err(|error| (error.exit_code(), error.to_string()))
    });
    runtime.shutdown_timeout(STOP_LIMIT);
    done
}
