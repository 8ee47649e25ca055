//! Trawl as a whole: the real daemons from the target directory, a simulated GitLab, a database and directories of
//! their own for each test. One file per promise.
#![expect(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod alone;
mod backups;
mod browser;
mod clock;
mod crawl;
mod cycles;
mod dedupe;
mod demo;
mod drills;
mod exports;
mod faults;
mod harness;
mod house;
mod kills;
mod live;
mod mixed;
mod nodes;
mod oauth;
#[path = "../../crates/store/tests/support/postgres.rs"]
mod postgres;
mod privacy;
mod refusals;
mod renewal;
mod scan;
mod service;
mod soak;
mod stop;
mod strangers;
mod visibility;
mod webhooks;
