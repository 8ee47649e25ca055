//! The simulator from outside: over HTTP, and against GitLab's own schema.
#![expect(clippy::unwrap_used, reason = "tests")]

mod binary;
mod client;
mod faults;
mod limits;
mod lists;
mod paging;
mod rest;
mod rights;
mod schema;
mod truth;
