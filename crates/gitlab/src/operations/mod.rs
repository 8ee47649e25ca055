//! What can be asked of GitLab, one file per subject.

mod account;
mod areas;
#[cfg(test)]
mod budget;
mod issues;
mod merge_requests;
mod notes;
mod sightings;
mod token;

pub use issues::{ISSUES_PER_PAGE, IssuesQuery};
pub use merge_requests::{MERGE_REQUESTS_PER_PAGE, MergeRequestsQuery};
pub use notes::{NOTES_INSIDE, NOTES_PER_BATCH, NOTES_PER_PAGE, NotesOf, NotesQuery};
pub use sightings::{SIGHTINGS_PER_PAGE, Sighted};
pub use token::TokenFacts;

use crate::{Cursor, Error};

/// A cursor as a GraphQL variable.
fn text(cursor: Option<&Cursor>) -> Option<String> {
    cursor.map(|cursor| cursor.as_str().to_owned())
}

/// The answer was read but a single thing in it makes no sense; there is no page to name it in.
fn nonsense(why: String) -> Error {
    Error::Server { status: 200, reason: why }
}
