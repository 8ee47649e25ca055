//! What the tests stand on.

mod binaries;
mod client;
mod database;
mod eventually;
mod ledger;
mod mirror;
mod rounds;
mod running;
mod site;
mod survivors;
mod system;

pub(crate) use binaries::binaries;
pub(crate) use client::{Answer, Client};
pub(crate) use database::{Database, Line};
pub(crate) use eventually::{PATIENCE, eventually};
pub(crate) use ledger::{assert_no_twins, assert_sound, assert_undisturbed};
pub(crate) use mirror::{assert_lists, assert_mirrors, until_mirrored};
pub(crate) use rounds::{Round, strike};
pub(crate) use running::Running;
pub(crate) use site::{Site, crawled, distant_forge, forge};
pub(crate) use system::{PASSWORD, System, USERNAME};
