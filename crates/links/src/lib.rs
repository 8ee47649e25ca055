//! Links: find them on a page, give each one identity, and tell whether it is alive.
//!
//! It knows nothing of jobs or storage. A [`Checker`] is shared by everything in the process: it holds the pool of
//! hosts, the request policy and the cache of verdicts. [`Checker::check`] judges one link, [`Checker::visit`] fetches a
//! page to look for links in it, and a [`Frontier`] says which page of a scan comes next. Every future may be dropped
//! at any await point: it holds nothing that would be lost.
//!
//! Every request goes through one door: the policy looks at the URL, the resolver hands out only addresses that the
//! policy lets pass, and each redirect comes through the same door again.

mod body;
mod cause;
mod checker;
mod error;
mod failure;
mod fetch;
pub mod find;
pub mod frontier;
mod hosts;
mod memo;
pub mod normalize;
mod options;
pub mod policy;
mod resolve;
mod retry;
mod retry_after;
pub mod robots;
mod text;
mod transport;
mod verdict;
mod visit;

pub use cause::Cause;
pub use checker::Checker;
pub use error::Error;
pub use find::{Anchors, Cut, Element, Found, PageLinks};
pub use frontier::{Counts, Fresh, Frontier, Novelty, PageTask, Scope, State};
pub use ipnet::IpNet;
pub use normalize::{Link, Rejected, Unfit};
pub use options::Options;
pub use policy::{Policy, Range, Refusal};
pub use resolve::{Looking, Lookup, SystemLookup};
pub use url::Url;
pub use verdict::{Check, Redirect, Verdict};
pub use visit::{Contents, Visit};
