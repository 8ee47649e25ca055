//! The crawler as a program.

use clap::Parser as _;
use std::{env, io::Write as _, process::ExitCode, time::Duration};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use trawl_crawler::launch::{Launch, Problem};
use trawl_protocol::LaunchSecret;
use trawl_settings::exit;

mod cli;

/// How long what does not stop by itself may hold up the end.
const LAST_GRACE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    match run(&cli::Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            writeln!(std::io::stderr(), "crawler: {problem}").ok();
            ExitCode::from(problem.code)
        }
    }
}

fn run(args: &cli::Args) -> Result<(), Problem> {
    let config = |error: &dyn std::fmt::Display| Problem::new(exit::CONFIG, error.to_string());
    let secret =
        LaunchSecret::inherited().map_err(|error| config(&format!("cannot read the launch secret: {error}")))?;
    // Hides environment, memory and descriptors, tokens among them, from other processes of this user.
    nix::sys::prctl::set_dumpable(false).map_err(|error| config(&format!("cannot protect this process: {error}")))?;
    let settings = trawl_settings::load(args.config.as_deref()).map_err(|error| config(&error))?;
    trawl_settings::logging::start(&settings.log);
    let launch = Launch::read(|name| env::var(name).ok(), secret)?;
    let runtime = tokio::runtime::Runtime::new().map_err(|error| config(&error))?;
    let done = runtime.block_on(async {
        let shutdown = CancellationToken::new();
        let (mut terminate, mut interrupt) = signal(SignalKind::terminate())
            .and_then(|terminate| Ok((terminate, signal(SignalKind::interrupt())?)))
            .map_err(|error| config(&error))?;
        let asked = shutdown.clone();
        tokio::spawn(async move {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            asked.cancel();
        });
        Box::pin(launch.run(&settings, shutdown)).await
    });
    runtime.shutdown_timeout(LAST_GRACE);
    done
}
