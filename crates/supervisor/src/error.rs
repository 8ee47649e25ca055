//! Why the supervisor cannot do what it was asked for, each with what to do about it.

use std::{io, net::SocketAddr, path::PathBuf};
use trawl_settings::{SettingsError, exit};

/// The exit code for arguments that mean nothing, as the command line's own parser uses it.
const USAGE: u8 = 2;

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum SupervisorError {
    /// The configuration is wrong.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A program to be started is not there.
    #[error("cannot find {}; build the whole workspace first: cargo build --workspace", .0.display())]
    MissingBinary(PathBuf),
    /// Somebody else listens on our address.
    #[error(
        "{0} is taken by another program; stop that program, or listen elsewhere with server.listen in \
         supervisor.toml or TRAWL_SERVER__LISTEN"
    )]
    AddressTaken(SocketAddr),
    /// The address is not ours to listen on.
    #[error("cannot listen on {address}: {source}; set server.listen in supervisor.toml or TRAWL_SERVER__LISTEN")]
    Address {
        /// Which one.
        address: SocketAddr,
        /// The cause.
        source: io::Error,
    },
    /// A directory cannot be used.
    #[error("cannot use the directory {}: {source}", path.display())]
    Directory {
        /// Which one.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// Socket addresses are short.
    #[error(
        "the socket path {} is {} bytes long and may have at most {max}; choose a shorter directory with \
         paths.runtime in supervisor.toml or TRAWL_PATHS__RUNTIME", path.display(), path.as_os_str().len()
    )]
    PathTooLong {
        /// Which one.
        path: PathBuf,
        /// Bytes allowed.
        max: usize,
    },
    /// A system is running there and does not answer.
    #[error("another supervisor holds {} and does not answer on its control socket; end it first", .0.display())]
    Silent(PathBuf),
    /// Nobody to talk to.
    #[error("no supervisor is running in {}; start one with `{start}`", dir.display())]
    NotRunning {
        /// Where one was looked for.
        dir: PathBuf,
        /// The command that starts one there.
        start: String,
    },
    /// The demo empties its directory, and this one may be somebody's.
    #[error(
        "the demo empties its directory at each start, and {} is neither empty nor that of an earlier demo; choose \
         another with TRAWL_PATHS__STATE, or unset that variable", .0.display()
    )]
    NotADemo(PathBuf),
    /// A name on the command line means nothing.
    #[error("{0}")]
    UnknownName(String),
    /// The running supervisor said no.
    #[error("{0}")]
    Refused(String),
    /// A call to the operating system failed.
    #[error("cannot {what}: {source}")]
    System {
        /// What was to be done.
        what: &'static str,
        /// The cause.
        source: io::Error,
    },
}

impl SupervisorError {
    /// The exit code that tells a program what the sentence tells a person.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Settings(_) | Self::PathTooLong { .. } | Self::Directory { .. } | Self::NotADemo(_) => exit::CONFIG,
            Self::MissingBinary(_) => exit::MISSING_BINARY,
            Self::AddressTaken(_) | Self::Address { .. } => exit::ADDRESS,
            Self::Silent(_) | Self::NotRunning { .. } | Self::Refused(_) => exit::NO_SUPERVISOR,
            Self::UnknownName(_) => USAGE,
            Self::System { .. } => 1,
        }
    }
}

/// Names what was being done when a call failed.
pub(crate) fn doing(what: &'static str) -> impl FnOnce(io::Error) -> SupervisorError {
    move |source| SupervisorError::System { what, source }
}
