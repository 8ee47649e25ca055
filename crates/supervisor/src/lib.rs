//! The supervisor: one process that starts the others, connects them, hands credentials on, watches, and stops them.
//!
//! - [`dispatcher`]: the one task that owns the process table; [`process`], [`restart`]: its rules, without I/O.
//! - [`spawn`], [`reap`], [`launch`]: lives of processes, begun and ended.
//! - [`relay`], [`admission`], [`broker`]: the sockets of the children.
//! - [`control`], [`cli`], [`commands`], [`invocation`]: the socket of the people.
//! - [`logs`]: what everybody says; [`usage`]: what everybody takes.
//! - [`reload`]: a configuration that has changed.

pub mod admission;
pub mod broker;
pub mod cli;
pub mod commands;
pub mod control;
mod demo;
pub mod dispatcher;
pub mod error;
mod invitation;
pub mod invocation;
pub mod launch;
mod listen;
pub mod logs;
pub mod part;
mod probe;
pub mod process;
pub mod reap;
pub mod relay;
pub mod reload;
pub mod restart;
pub mod runtime_dir;
pub mod spawn;
pub mod system;
pub mod usage;

pub use cli::{Cli, run};
