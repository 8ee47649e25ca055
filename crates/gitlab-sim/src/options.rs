//! What a simulator is started with.

use std::time::Duration;

use chrono::{DateTime, TimeZone as _, Utc};

use crate::faults::Rule;

/// How to start a simulator. The default is made for tests: a fixed epoch, no latency, nothing moves by itself.
#[derive(Debug, Clone)]
pub struct Options {
    /// The same seed gives the same forge.
    pub seed: u64,
    /// How many issues and merge requests, as a multiple of about 2,500 and 1,200; commits and the like with them.
    pub scale: f64,
    /// How often all groups and projects are there; what is in them is shared out.
    pub copies: usize,
    /// The "today" that generated history ends at.
    pub epoch: DateTime<Utc>,
    /// How often something changes by itself; `None`: never.
    pub moving: Option<Duration>,
    /// Added to every answer.
    pub latency: Duration,
    /// Requests per window and user before 429.
    pub rate_limit: u32,
    /// How long such a window is; with GitLab a minute.
    pub rate_window: Duration,
    /// Whether answers tell of it: an instance behind a proxy of its own may not.
    pub rate_told: bool,
    /// How long an access token is good for that was given for a sign-in; with GitLab two hours.
    pub oauth_token_lifetime: Duration,
    /// Base of web addresses; otherwise the host that a request came to.
    pub external_url: Option<String>,
    /// Faults from the start.
    pub faults: Vec<Rule>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            scale: 1.0,
            copies: 1,
            epoch: fixed_epoch(),
            moving: None,
            latency: Duration::ZERO,
            rate_limit: 2_000,
            rate_window: Duration::from_mins(1),
            rate_told: true,
            oauth_token_lifetime: Duration::from_hours(2),
            external_url: None,
            faults: Vec::new(),
        }
    }
}

/// 2026-01-15, noon.
fn fixed_epoch() -> DateTime<Utc> {
    Utc.timestamp_opt(1_768_478_400, 0).single().unwrap_or_default()
}
