//! The worker: takes a job, talks to the outside world, reports back. It keeps no state of its own, so it may die at
//! any instant: what a job reported is with the website, and another worker goes on from there.
//!
//! - [`worker`]: the dispatcher, which owns the running jobs.
//! - [`attempt`], [`control`]: one attempt of one job, and all that a job's author needs.
//! - [`registry`]: which job runs what. The engine above knows no family.
//! - [`forge`]: the jobs that read GitLab; [`links`]: those that check links; `drill`: one that does nothing, to see that jobs run.

pub mod attempt;
pub mod control;
pub mod credentials;
mod drill;
pub mod failure;
pub mod forge;
pub mod launch;
pub mod links;
mod outgoing;
pub mod registry;
pub mod worker;

pub use attempt::{Completed, JobFuture, Registry};
pub use control::{JobControl, Steps};
pub use credentials::Credentials;
pub use failure::JobFailure;
pub use worker::{End, Worker, WorkerOptions};
