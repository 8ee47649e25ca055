//! The job manager: decides which jobs there are, who runs them, and writes down what comes of it.
//!
//! - [`plan`]: which jobs follow from a linked account or a found area; the only place that submits jobs by itself.
//! - [`ingest`]: a worker's report, written in one transaction with what follows from it.
//! - [`workers`]: who is there, what each runs, what is free.
//! - [`dispatcher`]: the task that ties these to the bus; [`own_jobs`]: what needs no crawler.
//! - [`refresh`]: what has grown old is read again; [`schedules`]: what people want again and
//!   again; [`retention`]: what ended long ago goes.

pub mod dispatcher;
pub mod ingest;
pub mod own_jobs;
pub mod plan;
pub mod refresh;
pub mod retention;
pub mod schedules;
pub mod workers;

use crate::pseudonyms::Pseudonyms;
use std::time::Duration;
use trawl_jobs::{RetryPolicy, Slots};
use trawl_settings::Settings;

/// What supervisor.toml says about jobs.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Jobs at once.
    pub slots: Slots,
    /// From here on a job is urgent.
    pub priority_threshold: i32,
    /// Attempts before a job has failed.
    pub max_attempts: i32,
    /// Silence after which a lease is void.
    pub stale: Duration,
    /// Between looks at an area for changes.
    pub incremental: Duration,
    /// Between passes over short lists, which are always read whole.
    pub lists: Duration,
    /// Between passes that are about everything, so that what is gone is noticed.
    pub full: Duration,
    /// Between checks of what an account can reach, and of the details of areas.
    pub scope: Duration,
    /// What follows a failure.
    pub retry: RetryPolicy,
    /// What takes the place of people.
    pub pseudonyms: Option<Pseudonyms>,
}

impl From<&Settings> for Rules {
    fn from(settings: &Settings) -> Self {
        let pipeline = &settings.pipeline;
        Self {
            slots: Slots { total: pipeline.max_parallel_jobs, reserved: pipeline.priority_lane_slots },
            priority_threshold: pipeline.priority_threshold,
            max_attempts: pipeline.max_attempts_default,
            stale: Duration::from_secs(pipeline.stale_seconds),
            incremental: Duration::from_secs(settings.forge.incremental_seconds),
            lists: Duration::from_secs(settings.forge.lists_seconds),
            full: Duration::from_secs(settings.forge.full_seconds),
            scope: Duration::from_secs(settings.forge.scope_seconds),
            retry: RetryPolicy::default(),
            pseudonyms: None,
        }
    }
}
