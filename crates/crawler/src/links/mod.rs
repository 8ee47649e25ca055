//! The jobs that check links.

pub(crate) mod scan;

use trawl_links::{Checker, Error, Options};
use trawl_settings::LinksSettings;

/// What jobs that check links share: one pool of hosts, one memory of verdicts.
#[derive(Debug)]
pub struct Links {
    pub(crate) checker: Checker,
}

impl Links {
    /// As supervisor.toml says.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn new(settings: &LinksSettings) -> Result<Self, Error> {
        let options = Options {
            allow_networks: settings.allow_networks.clone(),
            timeout_ms: settings.request_timeout_seconds * 1000,
            per_host_concurrency: settings.per_host_concurrency,
            per_host_interval_ms: settings.per_host_interval_ms,
            ..Options::default()
        };
        Ok(Self { checker: Checker::new(options)? })
    }
}
