//! A simulated GitLab: a generated forge behind GitLab's GraphQL and REST interfaces, with users of different rights,
//! GitLab's limits, time that moves and faults on demand.
//!
//! It is no mirror of any client of ours. Its shapes are those of GitLab 18.7, and a test compares each of them with
//! GitLab's own schema.
//!
//! ```no_run
//! # async fn example() -> Result<(), trawl_gitlab_sim::StartError> {
//! let sim = trawl_gitlab_sim::start(trawl_gitlab_sim::Options { scale: 0.1, ..Default::default() })?;
//! let base = sim.url(); // sign in with MARIA_TOKEN or TOM_TOKEN
//! sim.advance(10, None);
//! println!("{base} holds {:?}", sim.counts());
//! sim.stop().await;
//! # Ok(())
//! # }
//! ```

mod faults;
mod forge;
mod grants;
mod graphql;
mod http;
mod options;
mod server;
mod state;
mod truth;

pub use faults::{Fault, Rule, RulesError, read_rules};
pub use forge::motion::Change;
pub use grants::Grants;
pub use options::Options;
pub use server::{Sim, StartError, TruthKind, start, start_on};
pub use truth::{Counts, Fact, ListKind};

/// Token of `maria`, who owns all groups.
pub const MARIA_TOKEN: &str = http::MARIA_TOKEN;
/// Token of `tom`, who is a member of half of the top-level groups.
pub const TOM_TOKEN: &str = http::TOM_TOKEN;

/// The one application that may send people here to sign in, from any port of this machine.
pub const CLIENT_ID: &str = http::CLIENT_ID;
/// Its secret.
pub const CLIENT_SECRET: &str = http::CLIENT_SECRET;

/// The schema that is offered, in GraphQL's own language.
#[must_use]
pub fn sdl() -> String {
    graphql::schema().sdl()
}
