//! The jobs that read GitLab, one file a kind.

pub mod authorization_scope;
mod clients;
mod explain;
pub mod group;
pub mod issues;
mod listing;
pub(crate) mod lists;
pub mod merge_requests;
mod notes;
mod paging;
mod pass;
pub mod project;
mod record;
mod session;
mod sweep;

use crate::Credentials;
use clients::Clients;
use std::time::Duration;
use trawl_gitlab::{Options, Retry};
use trawl_settings::ForgeSettings;

pub(crate) use explain::explain;

/// What these jobs share.
#[derive(Debug)]
pub struct Forge {
    credentials: Credentials,
    clients: Clients,
    /// By how much passes overlap.
    overlap: Duration,
}

impl Forge {
    /// Jobs that use these credentials. `retry` says how patient a request is.
    #[must_use]
    pub fn new(credentials: Credentials, settings: &ForgeSettings, retry: Retry) -> Self {
        Self {
            clients: Clients::new(client_options(settings, retry)),
            credentials,
            overlap: Duration::from_secs(settings.overlap_seconds),
        }
    }
}

/// How requests are made.
#[must_use]
pub fn client_options(settings: &ForgeSettings, retry: Retry) -> Options {
    Options { request_timeout: Duration::from_secs(settings.request_timeout_seconds), retry, ..Options::default() }
}
