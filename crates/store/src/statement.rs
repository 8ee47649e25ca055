//! Statements that are written out, and so prepared once for each connection. Diesel prepares every `UPDATE` and every
//! upsert of its own anew, since in general their text depends on their values; compiling one together with the triggers
//! that it fires takes several times as long as running it. So the few that run once for each job are written here.

use diesel::{pg::Pg, query_builder::AstPass, sqlite::Sqlite};

/// Makes a statement of pieces of SQL, each followed by the value that belongs after it: for both databases, or for one.
macro_rules! statement {
    ($(#[$doc:meta])* $name:ident { $($sql:expr, $field:ident: $type:ty as $sql_type:ty,)* } $last:expr) => {
        $crate::statement::statement! {
            $(#[$doc])* on diesel::sqlite::Sqlite, diesel::pg::Pg:
            $name { $($sql, $field: $type as $sql_type,)* } $last
        }
    };
    (
        $(#[$doc:meta])* on $($backend:ty),+:
        $name:ident { $($sql:expr, $field:ident: $type:ty as $sql_type:ty,)* } $last:expr
    ) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name<'a> { $(pub(crate) $field: $type,)* pub(crate) of: std::marker::PhantomData<&'a ()> }

        impl diesel::query_builder::QueryId for $name<'_> {
            type QueryId = $name<'static>;
            const HAS_STATIC_QUERY_ID: bool = true;
        }
        impl<C> diesel::RunQueryDsl<C> for $name<'_> {}
        $crate::statement::fragment!($($backend),+; $name { $($sql, $field as $sql_type,)* } $last);
    };
}
pub(crate) use statement;

macro_rules! fragment {
    ($backend:ty, $($more:ty),+; $($rest:tt)+) => {
        $crate::statement::fragment!($backend; $($rest)+);
        $crate::statement::fragment!($($more),+; $($rest)+);
    };
    ($backend:ty; $name:ident { $($sql:expr, $field:ident as $sql_type:ty,)* } $last:expr) => {
        impl diesel::query_builder::QueryFragment<$backend> for $name<'_> {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, $backend>,
            ) -> diesel::QueryResult<()> {
                $(
                    $crate::statement::Dialect::push(&mut out, $sql);
                    out.push_bind_param::<$sql_type, _>(&self.$field)?;
                )*
                out.push_sql($last);
                Ok(())
            }
        }
    };
}
pub(crate) use fragment;

/// What is written differently for each database.
pub(crate) trait Dialect {
    fn push(&mut self, sql: &str);
}

impl Dialect for AstPass<'_, '_, Sqlite> {
    /// A statement that fires a trigger and may fail half-way keeps a journal of its own, and finding its end in that of
    /// the savepoint that it is in takes as long as the statement itself. Ours are in units of work that are rolled back
    /// as a whole when a statement of theirs fails, so one that fails may leave what it has done.
    fn push(&mut self, sql: &str) {
        match ["UPDATE", "INSERT"].into_iter().find_map(|verb| Some((verb, sql.strip_prefix(verb)?))) {
            Some((verb, rest)) => {
                self.push_sql(verb);
                self.push_sql(" OR FAIL");
                self.push_sql(rest);
            }
            None => self.push_sql(sql),
        }
    }
}

impl Dialect for AstPass<'_, '_, Pg> {
    fn push(&mut self, sql: &str) {
        self.push_sql(sql);
    }
}
