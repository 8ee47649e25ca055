//! The worker in a house of its own: real local sockets, a website that is played by the test, and for the forge a
//! simulated GitLab.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod engine;
mod forge;
mod house;
mod program;
mod renewal;
mod restarts;
mod trouble;
