//! Conditions with their values written out, and what else is said of a table and not by its columns. A partial index is used only where the planner sees that the query implies
//! its condition, and it sees no value that is bound.

use diesel::{
    QueryResult,
    backend::Backend,
    expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate},
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::{Bool, Text},
};

macro_rules! literal {
    ($($(#[$doc:meta])* $name:ident: $type:ty = $sql:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub(crate) struct $name;

        impl Expression for $name {
            type SqlType = $type;
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
    IsLive: Bool = "jobs.finished_at IS NULL";
    /// The same of its row.
    IsLiveRow: Bool = "job_rows.finished_at IS NULL";
    /// A job that is parked.
    IsWaiting: Bool = "jobs.at_rest = 'waiting'";
    /// The same of its row.
    IsWaitingRow: Bool = "job_rows.state = 'waiting'";
    /// A job that has failed for good.
    IsFailed: Bool = "jobs.at_rest = 'failed'";
    /// A job that is not completed, by the state of its row.
    IsNotCompleted: Bool = "jobs.at_rest <> 'completed'";
    /// The same of its row.
    IsNotCompletedRow: Bool = "job_rows.state <> 'completed'";
    /// A job that nobody holds. Written like this, a planner does not take it for seldom.
    IsUnheld: Bool = "CASE WHEN jobs.worker IS NULL THEN TRUE ELSE FALSE END";
    /// A row that nobody holds.
    IsFree: Bool = "NOT EXISTS (SELECT 1 FROM leases WHERE leases.job_id = job_rows.id)";
    /// The state of a job's row: its own while nobody holds it.
    AtRest: Text = "jobs.at_rest";
}
