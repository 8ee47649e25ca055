//! Links checked against a server that misbehaves on purpose.

#![expect(clippy::unwrap_used, reason = "tests")]

mod bounds;
mod cache;
mod fragments;
mod pace;
mod policy;
mod resets;
mod robots;
mod scan;
mod server;
mod verdicts;
mod visits;
