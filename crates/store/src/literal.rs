//! Conditions with their values written out. A partial index is used only where the planner sees that the query implies
//! its condition, and it sees no value that is bound.

use diesel::{
    QueryResult,
    backend::Backend,
    expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate},
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::Bool,
};

macro_rules! literal {
    ($($(#[$doc:meta])* $name:ident = $sql:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $name;

        impl Expression for $name {
            type SqlType = Bool;
        }
        impl<QS> AppearsOnTable<QS> for $name {}
        impl<QS> SelectableExpression<QS> for $name {}
        impl<G> ValidGrouping<G> for $name {
            type IsAggregate = is_aggregate::Never;
        }
        impl QueryId for $name {
            type QueryId = Self;
            const HAS_STATIC_QUERY_ID: bool = true;
        }
        impl<DB: Backend> QueryFragment<DB> for $name {
            fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
                out.push_sql($sql);
                Ok(())
            }
        }
    )*};
}

literal! {
    /// A job that has not ended: at most one of a key.
    IsLive = "jobs.finished_at IS NULL";
    /// A job that is parked.
    IsWaiting = "jobs.state = 'waiting'";
    /// A job that has failed for good.
    IsFailed = "jobs.state = 'failed'";
    /// A job that nobody holds and that is not completed.
    IsAtRest = "jobs.worker IS NULL AND jobs.state <> 'completed'";
}
