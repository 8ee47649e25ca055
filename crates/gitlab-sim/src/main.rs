//! The simulated GitLab as a program.

mod cli;

use std::io::{IsTerminal as _, Write as _};

use anyhow::Context as _;
use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info,actix_server=warn"));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    // Whoever runs us may add the time to each line itself.
    if std::env::var_os("TRAWL_LOG_UNTIMED").is_some() {
        lines.without_time().init();
    } else {
        lines.init();
    }
    let args = cli::Args::parse();
    let mut terminated = signal(SignalKind::terminate()).context("failed to listen for SIGTERM")?;
    let mut interrupted = signal(SignalKind::interrupt()).context("failed to listen for Ctrl+C")?;
    let listener = args.listener()?;
    let sim = trawl_gitlab_sim::start_on(listener, args.options()?).context("failed to start")?;
    let mut out = std::io::stdout();
    writeln!(out, "gitlab-sim listening on {}", sim.url())?;
    out.flush()?;
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
    }
    tracing::info!("ending");
    sim.stop().await;
    Ok(())
}
