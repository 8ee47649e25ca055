//! What can be asked of GitLab, one file per subject.

mod account;
mod areas;
#[cfg(test)]
mod budget;
mod issues;
mod merge_requests;
mod notes;
mod sightings;
mod test_reports;
mod token;
mod vulnerabilities;

pub use issues::{ISSUES_PER_PAGE, IssuesQuery};
pub use merge_requests::{MERGE_REQUESTS_PER_PAGE, MergeRequestsQuery};
pub use notes::{NOTES_INSIDE, NOTES_PER_BATCH, NOTES_PER_PAGE, NotesOf, NotesQuery};
pub use sightings::{SIGHTINGS_PER_PAGE, Sighted};
pub use test_reports::TEST_REPORTS_PER_PAGE;
pub use token::TokenFacts;
pub use vulnerabilities::VULNERABILITIES_PER_PAGE;

use crate::{Cursor, Error};

/// A cursor as a GraphQL variable.
fn text(cursor: Option<&Cursor>) -> Option<String> {
    cursor.map(|cursor| cursor.as_str().to_owned())
}

/// The answer was read but a single thing in it makes no sense; there is no page to name it in.
fn nonsense(why: String) -> Error {
    Error::Server { status: 200, reason: why }
}
