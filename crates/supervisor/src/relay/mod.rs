//! The bus: passes frames on from process to process without reading their bodies.

mod connection;
mod door;
mod hub;
mod queue;
#[cfg(test)]
mod tests;

pub use connection::serve;
pub use door::{Ask, Door, open};
pub use hub::{Counts, Hub, Load, Member, Ticket};
