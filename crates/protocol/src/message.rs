//! The words about jobs.

use crate::{Boot, ProcessId, Role};
use serde::{Deserialize, Serialize};
use trawl_jobs::{AccountId, AreaRef, Lease, Progress, Report};

/// What website and crawlers say to each other. The supervisor passes it on unread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Message {
    /// Website to crawler: run this.
    StartJob(Box<StartJob>),
    /// Website to crawler: stop running this.
    StopJob(StopJob),
    /// Website to crawler, after either of them was restarted: which leases do you hold? Names the life that asks, since
    /// an answer may reach the next one.
    AskHoldings(Boot),
    /// The answer to the life that asked, complete.
    Holdings(Boot, Vec<Lease>),
    /// Crawler to website: what happened to a job.
    JobUpdate(Box<Report>),
    /// Crawler to website, as a signal: these are alive.
    Heartbeat(Vec<Lease>),
}

/// Everything a worker needs to run a job, and nothing secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StartJob {
    /// The right to report about it.
    pub lease: Lease,
    /// Kind of job, one of [`trawl_jobs::JobSpec::KINDS`].
    pub kind: String,
    /// The kind's options as JSON.
    pub payload: String,
    /// Base URL of the GitLab instance.
    pub instance_url: String,
    /// Accounts whose token may be used, best first. An unlinked account is not among them.
    pub accounts: Vec<AccountId>,
    /// The group or project, for kinds that are about one.
    pub area: Option<AreaRef>,
    /// Where an earlier attempt left off.
    pub cursor: Option<String>,
    /// How far an earlier attempt was.
    pub progress: Progress,
    /// Everything before this time has been seen by an earlier pass. Microseconds since 1970, UTC.
    pub watermark_us: Option<i64>,
}

/// Stop running a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopJob {
    /// A person asked: end it soon and report [`trawl_jobs::Outcome::Aborted`].
    Abort(Lease),
    /// The lease is gone: end it at once and report nothing.
    Drop(Lease),
}

/// A process that has been admitted to the bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Its address.
    pub id: ProcessId,
    /// Its life. Another life under the same address has lost everything that the earlier one held in memory.
    pub boot: Boot,
    /// What it does.
    pub role: Role,
    /// Number of its connection, new for each. None: it is alive, but cannot be reached for the moment. A process
    /// that is dead is not listed at all.
    pub connection: Option<u32>,
    /// How many jobs it runs at once; 0 for a website.
    pub capacity: u16,
    /// The kinds of job that it can run.
    pub kinds: Vec<String>,
    /// Base URL of the one instance whose credentials it brought along; none: it is given credentials.
    pub own_instance: Option<String>,
}

/// Where a supervised process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessState {
    /// Not started because it waits for something; the detail says what.
    Waiting,
    /// Started, not ready yet.
    Starting,
    /// Ready.
    Running,
    /// Ended; started again after a pause.
    Backoff,
    /// Ended too often; stays down until somebody starts it.
    Failed,
    /// Asked to end.
    Stopping,
    /// Down because somebody wanted it.
    Stopped,
}

impl ProcessState {
    /// The word that is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Backoff => "backoff",
            Self::Failed => "failed",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }
}

/// A row of the process table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessInfo {
    /// Name, such as `crawler-1`.
    pub name: String,
    /// Where it stands.
    pub state: ProcessState,
    /// Process id of the operating system, while it lives.
    pub pid: Option<u32>,
    /// When this state began. Milliseconds since 1970, UTC.
    pub since_ms: i64,
    /// How often it was started again since the supervisor started.
    pub restarts: u32,
    /// What it waits for, or how it ended last, in words.
    pub detail: Option<String>,
}
