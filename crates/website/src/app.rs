//! What every handler can reach.

use crate::{
    credentials::Credentials, events::Hub, first_visit::FirstVisit, intake::Intake, manager::Rules,
    manager::dispatcher::Handle, metrics::Metrics, processes::Processes, throttle::Throttle, traffic::Traffic,
};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use trawl_settings::Settings;
use trawl_store::Db;

/// Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The database.
    pub db: Db,
    /// `supervisor.toml`.
    pub settings: Arc<Settings>,
    /// What it says about jobs.
    pub rules: Rules,
    /// Live updates.
    pub hub: Hub,
    /// Figures for Prometheus.
    pub metrics: Metrics,
    /// Tokens of the linked accounts.
    pub credentials: Credentials,
    /// The process table.
    pub processes: Processes,
    /// Hands out jobs.
    pub dispatcher: Handle,
    /// Takes jobs in.
    pub intake: Intake,
    /// The link for whoever comes first.
    pub first_visit: FirstVisit,
    /// Slows down guessing.
    pub throttle: Throttle,
    /// Who is being answered.
    pub traffic: Traffic,
    /// The website is stopping: streams that would go on for ever end.
    pub stopping: CancellationToken,
}
