//! The command line.

use crate::{
    commands::{self, LogsArguments},
    error::SupervisorError,
};
use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::Shell;
use std::path::PathBuf;

const EXAMPLES: &str = "Examples:
  supervisor start                    everything; open the link that is printed
  supervisor start --demo             the same beside a simulated GitLab, in a directory of its own
  supervisor start website            only the website …
  supervisor start crawler            … and, in a second terminal, the crawlers of the same system
  supervisor status                   who runs, since when, and what the others wait for
  supervisor status --watch
  supervisor logs crawler -f          what the crawlers say; --since 10m for what they have said
  supervisor restart crawler-2
  supervisor restart website          nobody waits: the new one is ready before the old one ends
  supervisor reload                   after a change of supervisor.toml
  supervisor stop                     everything, and waits until it has ended
  supervisor export issues.parquet -o issues.parquet
  supervisor backup trawl-backup.db   while it runs; then restore trawl-backup.db, when it does not
  supervisor check --config new.toml
  supervisor completions bash > ~/.local/share/bash-completion/completions/supervisor

Names: website, crawler (all crawlers), crawler-1, crawler-2 …, gitlab-sim (in a demo). Several are separated by
commas or spaces.

Exit codes of start: 0 stopped cleanly, 70 a process failed for good, 71 the address is taken, 72 a program is
missing, 78 the configuration is wrong; else that of the process which failed. Of status: 0 all that are wanted run,
3 nothing runs, 1 anything in between.";

/// Starts, watches and stops Trawl.
#[derive(Debug, Parser)]
#[command(name = "supervisor", version, after_help = EXAMPLES)]
pub struct Cli {
    /// Configuration file [default: `$TRAWL_CONFIG`, else supervisor.toml here, else /etc/trawl/supervisor.toml, else
    /// defaults]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The demo: a simulated GitLab, and a directory of its own that is emptied at each start
    #[arg(long, global = true)]
    pub demo: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start processes and show what they say, until Ctrl+C
    Start {
        /// Which; all if none is named
        #[arg(value_delimiter = ',')]
        names: Vec<String>,
    },
    /// Show who runs
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
        /// Again every second, until Ctrl+C
        #[arg(long, short)]
        watch: bool,
    },
    /// Show what processes say
    Logs(LogsArguments),
    /// Stop processes, or all of them and the supervisor
    Stop {
        /// Which; all if none is named
        #[arg(value_delimiter = ',')]
        names: Vec<String>,
    },
    /// Give processes a new life
    Restart {
        /// Which; all if none is named
        #[arg(value_delimiter = ',')]
        names: Vec<String>,
    },
    /// Write everything of one kind to a file: issues.csv, pipelines.jsonl, commits.parquet
    Export {
        /// A kind in the plural and a format
        #[arg(value_name = "KIND.FORMAT")]
        file: String,
        /// Only of the group or project with this path
        #[arg(long, value_name = "PATH")]
        area: Option<String>,
        /// Where to write it [default: standard output]
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Copy the SQLite database to a file, whether Trawl runs or not
    Backup {
        /// Where to write it
        file: PathBuf,
    },
    /// Put such a copy in the place of the database; nothing may run
    Restore {
        /// A file that `backup` has written
        file: PathBuf,
    },
    /// Read the configuration again; what cannot change while everything runs is said
    Reload,
    /// Check the configuration
    Check,
    /// Write what a shell needs to complete this command line
    Completions {
        /// For which shell
        shell: Shell,
    },
    /// Write the manual page: supervisor manual > supervisor.1
    Manual,
}

/// Does what the command line says. Returns the exit code.
///
/// # Errors
/// See [`SupervisorError`].
pub async fn run(cli: Cli) -> Result<u8, SupervisorError> {
    // What needs no configuration works with a wrong one as well.
    match cli.command {
        Command::Completions { shell } => return commands::completions(&mut Cli::command(), shell),
        Command::Manual => return commands::manual(Cli::command()),
        _ => {}
    }
    let configured = match cli.command {
        Command::Status { .. }
        | Command::Logs(_)
        | Command::Stop { .. }
        | Command::Restart { .. }
        | Command::Reload => commands::Configured::find(cli.config, cli.demo)?,
        _ => commands::Configured::read(cli.config, cli.demo)?,
    };
    match cli.command {
        Command::Start { names } => commands::start(configured, names).await,
        Command::Status { json, watch } => commands::status(&configured, json, watch).await,
        Command::Logs(arguments) => commands::logs(&configured, arguments).await,
        Command::Reload => commands::reload(&configured).await,
        Command::Stop { names } => commands::stop(&configured, names).await,
        Command::Restart { names } => commands::restart(&configured, names).await,
        Command::Export { file, area, output } => commands::export(&configured, file, area, output.as_deref()),
        Command::Backup { file } => commands::backup(&configured, &file),
        Command::Restore { file } => commands::restore(&configured, &file),
        Command::Check => Ok(commands::check(&configured)),
        Command::Completions { .. } | Command::Manual => Ok(0),
    }
}
