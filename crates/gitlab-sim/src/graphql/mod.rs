//! GraphQL as GitLab offers it: a subset of the types of 18.7, each spelled as there.
#![expect(clippy::unused_async, reason = "async-graphql takes asynchronous resolvers only")]

mod access;
pub(crate) mod complexity;
mod connection;
mod diff;
mod filter;
mod group;
mod issue;
mod item;
mod label;
mod merge_request;
mod namespace;
mod note;
mod person;
mod pipeline;
mod project;
mod query;
pub(crate) mod scalars;
mod sorts;
mod timelog;
mod vulnerability;

use std::sync::Arc;

use async_graphql::{Context, EmptyMutation, EmptySubscription, Schema};

use crate::forge::{model::World, rights::Reader};

pub(crate) use query::{REVISION, VERSION};

pub(crate) type GitlabSchema = Schema<query::Query, EmptyMutation, EmptySubscription>;

/// What all resolvers of one request share: one moment of the forge and who looks at it.
pub(crate) struct View {
    pub(crate) world: Arc<World>,
    pub(crate) reader: Reader,
    /// Base of web addresses, without a slash at its end.
    pub(crate) base: String,
    /// The query's own complexity, and the most that it may be.
    pub(crate) score: i32,
    pub(crate) limit: i32,
}

pub(crate) fn schema() -> GitlabSchema {
    Schema::build(query::Query, EmptyMutation, EmptySubscription).finish()
}

/// Each request is executed with a `View`; see `http::graphql`.
fn view<'a>(ctx: &Context<'a>) -> &'a View {
    ctx.data_unchecked::<View>()
}

/// Numeric ids are far below the limits of GraphQL's numbers.
fn int(n: impl TryInto<i32>) -> i32 {
    n.try_into().unwrap_or(i32::MAX)
}
