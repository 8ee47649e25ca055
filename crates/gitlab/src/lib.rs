//! The GitLab client: GraphQL documents, REST lists, paging, retries, the cost of a query, and signing in by OAuth.
//!
//! It knows nothing of jobs or storage. A [`Client`] speaks to one instance with one token; each method is one
//! operation that answers in the plain structs of [`model`]. Every method may be dropped at any await point: it holds
//! nothing that would be lost.

mod client;
pub mod cost;
mod document;
mod error;
mod global_id;
pub mod model;
pub mod oauth;
mod operations;
mod pace;
mod page;
mod page_size;
mod response;
pub mod rest;
mod retry;
mod transport;
mod wire;

pub use client::{Client, Endpoint, Options};
pub use error::Error;
pub use model::{
    Account, Group, Issue, IssueState, IssueType, Label, MergeRequest, MergeRequestState, Milestone, MilestoneState,
    Note, Person, Project, Timelog,
};
pub use operations::{
    ISSUES_PER_PAGE, IssuesQuery, MERGE_REQUESTS_PER_PAGE, MergeRequestsQuery, NOTES_INSIDE, NOTES_PER_BATCH,
    NOTES_PER_PAGE, NotesOf, NotesQuery, SIGHTINGS_PER_PAGE, Sighted, TEST_REPORTS_PER_PAGE, TokenFacts,
    VULNERABILITIES_PER_PAGE,
};
pub use page::{Cursor, Page};
pub use page_size::PageSize;
pub use retry::{Retry, RetryNotice};
