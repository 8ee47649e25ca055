//! Statements that are written out, and so prepared once for each connection. Diesel prepares every `UPDATE` and every
//! upsert of its own anew, since in general their text depends on their values; compiling one together with the triggers
//! that it fires takes several times as long as running it. So the few that run once for each job are written here.

/// Makes a statement of pieces of SQL, each followed by the value that belongs after it: for both databases, or for one.
macro_rules! statement {
    ($(#[$doc:meta])* $name:ident { $($sql:literal, $field:ident: $type:ty as $sql_type:ty,)* } $last:literal) => {
        $crate::statement::statement! {
            $(#[$doc])* on diesel::sqlite::Sqlite, diesel::pg::Pg:
            $name { $($sql, $field: $type as $sql_type,)* } $last
        }
    };
    (
        $(#[$doc:meta])* on $($backend:ty),+:
        $name:ident { $($sql:literal, $field:ident: $type:ty as $sql_type:ty,)* } $last:literal
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
    ($backend:ty; $name:ident { $($sql:literal, $field:ident as $sql_type:ty,)* } $last:literal) => {
        impl diesel::query_builder::QueryFragment<$backend> for $name<'_> {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, $backend>,
            ) -> diesel::QueryResult<()> {
                $(
                    out.push_sql($sql);
                    out.push_bind_param::<$sql_type, _>(&self.$field)?;
                )*
                out.push_sql($last);
                Ok(())
            }
        }
    };
}
pub(crate) use fragment;
