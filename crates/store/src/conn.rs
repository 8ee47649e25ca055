//! One connection of either kind. The macro type-checks each query for both, so that a construct that one of them
//! lacks does not compile.

use diesel::{PgConnection, Selectable, SqliteConnection, sqlite::Sqlite};

/// A connection that is in a transaction where it may write.
pub enum Conn<'a> {
    /// SQLite.
    Sqlite(&'a mut SqliteConnection),
    /// PostgreSQL.
    Postgres(&'a mut PgConnection),
}

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// A file of our own.
    Sqlite,
    /// A server that several nodes may share.
    Postgres,
}

impl Backend {
    /// Its name as people write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// Runs the same query on whichever database it is.
macro_rules! on_backend {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            $crate::Conn::Sqlite($c) => {
                let $c: &mut diesel::SqliteConnection = $c;
                $body
            }
            $crate::Conn::Postgres($c) => {
                let $c: &mut diesel::PgConnection = $c;
                $body
            }
        }
    };
}
pub(crate) use on_backend;

/// The columns that a row type is made of: the same tuple for both databases, unlike `as_select()`, whose type names
/// one of them.
pub(crate) fn columns<T: Selectable<Sqlite>>() -> T::SelectExpression {
    T::construct_selection()
}
