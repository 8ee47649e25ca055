//! The command line.

use std::path::PathBuf;

const EXAMPLES: &str = "\
The supervisor starts crawlers by itself; nobody needs to run this. A crawler that is started by
hand joins the supervisor of the same user and works for one GitLab instance with a token of its
own, read from the environment:

  SUPERVISOR_SOCKET_PATH  the supervisor's bus.sock, in its runtime directory
  GITLAB_URL              the instance, as in the browser's address bar
  GITLAB_TOKEN            a token with the scope read_api

Examples:
  # One more worker, beside those that `supervisor start` runs
  SUPERVISOR_SOCKET_PATH=~/.local/state/trawl/run/bus.sock \\
  GITLAB_URL=https://gitlab.example.com GITLAB_TOKEN=$(cat token) crawler

  # The same with another configuration, and more to read in the log
  TRAWL_LOG__FILTER=debug crawler --config /etc/trawl/supervisor.toml

Exit codes: 0 ended as asked, 68 GitLab cannot be reached, 69 no supervisor, 77 GitLab refused
the token, 78 something is missing or wrong in environment or configuration.";

/// Trawl's worker: takes jobs from the supervisor, reads GitLab, reports back.
#[derive(Debug, clap::Parser)]
#[command(name = "crawler", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Configuration file [default: what `TRAWL_CONFIG` names, else supervisor.toml here, if there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}
