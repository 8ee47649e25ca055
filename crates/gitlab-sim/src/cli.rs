//! The command line.

use std::{net::TcpListener, path::PathBuf, time::Duration};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use clap::Parser;
use listenfd::ListenFd;
use trawl_gitlab_sim::{Options, read_rules};

const EXAMPLES: &str = "Examples:
  gitlab-sim                                     a forge of 24 projects on 127.0.0.1:8929
  gitlab-sim --moving 3 --latency-ms 40          the same, alive: as in the demo
  gitlab-sim --scale 20 --seed 7                 another one, with 50,000 issues
  gitlab-sim --faults faults.toml                with faults

Tokens:
  glpat-demo-maria-0000000000   maria, owner of all groups
  glpat-demo-tom-00000000000    tom, member of half of them

Application for signing in (OAuth), from any port of this machine:
  trawl-demo-application, with the secret gloas-demo-secret or without one

A fault file has tables like this one; its kinds are 429, 502, html, timeout, truncate, graphql-error, unauthorized:
  [[fault]]
  path = \"/api/graphql\"
  body = \"ProjectIssues\"      # optional: what the request's body contains
  rate = 0.1                  # or: times = 3
  kind = \"429\"
  retry_after_s = 5

For this machine only: GET /-/sim/counts, /-/sim/truth?kind=issues, /-/sim/keys?kind=tags,
/-/sim/requests, /-/sim/refusals, /-/sim/grants; POST /-/sim/move, /-/sim/faults, /-/sim/expire, /-/sim/end-sign-ins.";

/// A simulated GitLab for demonstrations and tests.
#[derive(Debug, Parser)]
#[command(name = "gitlab-sim", version, after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Address to listen on. A socket inherited through `LISTEN_FDS` comes first.
    #[arg(long, default_value = "127.0.0.1:8929")]
    listen: String,

    /// The same seed gives the same forge.
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// How many issues and merge requests, as a multiple of 2,500 and 1,200.
    #[arg(long, default_value_t = 1.0)]
    scale: f64,

    /// How often all groups and projects are there; what is in them is shared out.
    #[arg(long, default_value_t = 1)]
    copies: usize,

    /// Last moment of the generated history, such as 2026-01-15T12:00:00Z [default: now].
    #[arg(long)]
    epoch: Option<DateTime<Utc>>,

    /// Change something every so many seconds.
    #[arg(long, value_name = "SECONDS")]
    moving: Option<f64>,

    /// Milliseconds added to each answer.
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,

    /// Requests per minute and user before 429.
    #[arg(long, default_value_t = 2_000)]
    rate_limit: u32,

    /// Say nothing of that limit in headers.
    #[arg(long)]
    rate_untold: bool,

    /// How long access tokens are good for that are given for a sign-in.
    #[arg(long, value_name = "SECONDS", default_value_t = 7_200)]
    oauth_token_seconds: u64,

    /// Base of web addresses [default: the host that a request comes to].
    #[arg(long, value_name = "URL")]
    external_url: Option<String>,

    /// File with fault rules, TOML or JSON.
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,
}

impl Args {
    /// The inherited socket, or one bound to the address given.
    pub(crate) fn listener(&self) -> anyhow::Result<TcpListener> {
        let inherited = ListenFd::from_env().take_tcp_listener(0).context("failed to use the inherited socket")?;
        match inherited {
            Some(listener) => Ok(listener),
            None => TcpListener::bind(&self.listen)
                .with_context(|| format!("failed to listen on {}; choose another address with --listen", self.listen)),
        }
    }

    pub(crate) fn options(&self) -> anyhow::Result<Options> {
        let moving = self.moving.map(Duration::try_from_secs_f64).transpose().context("failed to read --moving")?;
        let faults = match &self.faults {
            Some(path) => read_rules(path).with_context(|| format!("failed to use {}", path.display()))?,
            None => Vec::new(),
        };
        Ok(Options {
            seed: self.seed,
            scale: self.scale,
            copies: self.copies,
            epoch: self.epoch.unwrap_or_else(Utc::now),
            moving,
            latency: Duration::from_millis(self.latency_ms),
            rate_limit: self.rate_limit,
            rate_told: !self.rate_untold,
            oauth_token_lifetime: Duration::from_secs(self.oauth_token_seconds),
            external_url: self.external_url.clone(),
            faults,
            ..Options::default()
        })
    }
}
