//! What GitLab told us, as plain structs. They are serialized into the mirror, so their field names are stable.

mod area;
mod issue;
mod merge_request;
mod note;
mod open_enum;
mod parts;
mod person;
mod test_report;
mod vulnerability;

pub use area::{Group, Project};
pub use issue::{Issue, IssueState, IssueType};
pub use merge_request::{DiffStats, MergeRequest, MergeRequestState};
pub use note::{DiffPosition, Note};
pub use parts::{Label, Milestone, MilestoneState, Timelog};
pub use person::{Account, Person};
pub use test_report::{TestFigures, TestReport, TestSuite};
pub use vulnerability::{Identifier, Scanner, Vulnerability};
