//! Trawl's database: one schema on SQLite and PostgreSQL, one module per aggregate. Only the website uses it.
//!
//! Every function takes a [`Conn`], so that a caller composes as many as it likes into one transaction with
//! [`Db::write`]; nothing in here begins a transaction of its own.

pub mod accounts;
pub mod areas;
pub mod attempts;
pub mod audit;
pub mod backup;
pub mod charts;
mod checkpoints;
pub mod claims;
mod conn;
pub mod counters;
mod db;
mod error;
pub mod facts;
mod heads;
pub mod instances;
pub mod items;
pub mod jobs;
pub mod leases;
mod literal;
pub mod master_key;
pub mod messages;
mod migrate;
pub mod news;
pub mod oauth;
pub mod pauses;
pub mod renewals;
pub mod resources;
pub mod schedules;
mod schema;
pub mod search;
pub mod sessions;
pub mod sightings;
mod statement;
pub mod sync;
mod tally;
mod text;
mod turns;
pub mod users;
pub mod webhooks;
mod when;
pub mod workers;
mod writer;

pub use conn::{Backend, Conn};
pub use db::{Db, DbOptions};
pub use error::StoreError;
pub use when::now;
