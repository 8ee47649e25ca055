//! Trawl's web UI, API and job manager, and the only process that touches the database.

pub mod answer;
pub mod app;
pub mod bulk;
pub mod credentials;
pub mod demo;
pub mod events;
pub mod first_visit;
pub mod freshness;
pub mod handlers;
pub mod link;
pub mod manager;
pub mod metrics;
pub mod nodes;
pub mod pages;
pub mod password;
pub mod pausing;
pub mod processes;
pub mod routes;
pub mod run;
pub mod same_origin;
pub mod seal;
pub mod session;
pub mod subject;
pub mod submission;
pub mod throttle;
pub mod token;
