//! What can go wrong with a database.

use trawl_jobs::IllegalStep;

/// See the variants.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A query failed.
    #[error("the database refused a query: {0}")]
    Query(#[from] diesel::result::Error),
    /// No connection.
    #[error("the database at {url} cannot be opened: {}; check database.url and paths.state", one_line(reason))]
    Open {
        /// Where, without a password.
        url: String,
        /// In words.
        reason: String,
    },
    /// Somebody ran a newer Trawl here.
    #[error(
        "the database was written by a newer version of Trawl (it knows the migration {migration}, this build does \
         not); install that version, or restore a backup from before the upgrade"
    )]
    Newer {
        /// The first unknown migration.
        migration: String,
    },
    /// The tables have to be changed, and somebody works with them as they are.
    #[error("the database was written by an earlier version of Trawl, which still runs; it has to end first")]
    Behind,
    /// A migration failed.
    #[error("the database cannot be brought up to date: {0}")]
    Migration(String),
    /// The state machine says no.
    #[error(transparent)]
    Illegal(#[from] IllegalStep),
    /// A stored word is not one of ours.
    #[error("the database holds something that this build does not understand: {0}")]
    Corrupt(String),
    /// Not there, or not for this user.
    #[error("not found")]
    NotFound,
    /// The database's threads have ended.
    #[error("the database is closed")]
    Closed,
}

impl StoreError {
    /// Whether it is what was to be written that the database does not take. If not, the database itself has a bad
    /// moment (locked, full, restarting), and the same may succeed later.
    #[must_use]
    pub const fn is_about_data(&self) -> bool {
        use diesel::result::{DatabaseErrorKind as Kind, Error};
        match self {
            Self::Query(Error::DatabaseError(kind, _)) => matches!(
                kind,
                Kind::UniqueViolation | Kind::ForeignKeyViolation | Kind::NotNullViolation | Kind::CheckViolation
            ),
            Self::Query(error) => {
                matches!(error, Error::NotFound | Error::DeserializationError(_) | Error::SerializationError(_))
            }
            Self::Illegal(_) | Self::Corrupt(_) | Self::NotFound => true,
            Self::Open { .. } | Self::Newer { .. } | Self::Behind | Self::Migration(_) | Self::Closed => false,
        }
    }

    /// Whether a uniqueness rule was broken.
    #[must_use]
    pub const fn is_duplicate(&self) -> bool {
        matches!(
            self,
            Self::Query(diesel::result::Error::DatabaseError(diesel::result::DatabaseErrorKind::UniqueViolation, _))
        )
    }
}

/// Drivers put advice into lines of its own; a sentence in a log has one.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
