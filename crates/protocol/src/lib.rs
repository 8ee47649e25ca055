//! What Trawl's processes say to each other about jobs and credentials, and how it gets there.
//!
//! - [`message`] and [`auth`]: the words.
//! - [`header`], [`codec`]: their bytes.
//! - [`socket`], [`handshake`]: local sockets, and who may speak on them.
//! - [`window`], [`bus`], [`arrivals`], [`delivery`]: at-least-once delivery across crashes of anything in between.

pub mod arrivals;
pub mod auth;
pub mod bus;
pub mod codec;
pub mod delivery;
pub mod halves;
pub mod handshake;
pub mod header;
pub mod identity;
mod mailbox;
pub mod message;
mod pump;
mod room;
pub mod secret;
pub mod socket;
pub mod window;

pub use arrivals::Arrivals;
pub use auth::{AuthMessage, Credential, CredentialReader, CredentialWriter, Token};
pub use bus::{Bus, BusOptions, Incoming, Receipt};
pub use codec::{Frame, FrameCodec, FrameError, Wired, decode, encode};
pub use handshake::{Hello, Refusal, Role, Welcome};
pub use header::{Header, Kind};
pub use identity::{Boot, ProcessId};
pub use message::{Message, Peer, ProcessInfo, ProcessState, StartJob, StopJob};
pub use secret::LaunchSecret;

/// Version of everything in this crate. Two processes of different versions refuse each other with a sentence.
pub const PROTOCOL_VERSION: u8 = 4;

/// Path of the job socket, given to children.
pub const BUS_SOCKET_ENV: &str = "SUPERVISOR_SOCKET_PATH";
/// Path of the credentials socket, given to children.
pub const AUTH_SOCKET_ENV: &str = "AUTH_IPC_SOCKET_PATH";
/// Set for a website that is to take the place of one which still runs.
pub const SUCCESSOR_ENV: &str = "SUPERVISOR_SUCCESSOR";
/// Name of the child, such as `crawler-1`.
pub const PROCESS_ENV: &str = "SUPERVISOR_PROCESS_ID";
