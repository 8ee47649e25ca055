//! The supervisor's program with real processes: shell scripts, and this very test program in the part of website
//! and crawler.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod child;
mod faults;
mod harness;
mod identities;
mod lives;
mod operating;
mod starts;
