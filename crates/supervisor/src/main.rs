//! `supervisor`: starts, watches and stops Trawl.

use anyhow::Context as _;
use clap::Parser as _;
use std::{
    io::{self, Write as _},
    process::ExitCode,
};
use trawl_supervisor::{Cli, run};

fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    // One thread: the relay is twice as quick without handing frames from core to core, and children die with the
    // thread that starts them, which is another one.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("failed to start the asynchronous runtime")?;
    match runtime.block_on(run(cli)) {
        Ok(code) => Ok(ExitCode::from(code)),
        Err(error) => {
            writeln!(io::stderr(), "supervisor: {error}").ok();
            Ok(ExitCode::from(error.exit_code()))
        }
    }
}
