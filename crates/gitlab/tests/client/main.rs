//! The client against a server that answers as GitLab does, and as what stands before it does.

#![expect(clippy::unwrap_used, reason = "tests")]

mod answers;
mod errors;
mod mock;
mod operations;
mod retries;
mod server;
