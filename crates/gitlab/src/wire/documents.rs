//! The documents under `graphql/`, typed by `graphql_client`. Nothing outside this crate sees these types.

use graphql_client::GraphQLQuery;

// Names that the generated modules look up here.
use crate::model::{IssueState, IssueType, MergeRequestState, MilestoneState as MilestoneStateEnum};

type Time = String;
type UserID = String;
type LabelID = String;
type NoteID = String;
type DiscussionID = String;
// Kept as words: nothing here depends on which they are.
type VulnerabilityState = String;
type VulnerabilitySeverity = String;
type VulnerabilityReportType = String;
type VulnerabilityDismissalReason = String;

#[derive(GraphQLQuery)]
#[graphql(schema_path = "graphql/schema.graphql", query_path = "graphql/account.graphql")]
pub(crate) struct Account;

#[derive(GraphQLQuery)]
#[graphql(schema_path = "graphql/schema.graphql", query_path = "graphql/group.graphql")]
pub(crate) struct GroupByPath;

#[derive(GraphQLQuery)]
#[graphql(schema_path = "graphql/schema.graphql", query_path = "graphql/groups.graphql")]
pub(crate) struct Groups;

#[derive(GraphQLQuery)]
#[graphql(schema_path = "graphql/schema.graphql", query_path = "graphql/project.graphql")]
pub(crate) struct ProjectByPath;

#[derive(GraphQLQuery)]
#[graphql(schema_path = "graphql/schema.graphql", query_path = "graphql/projects.graphql")]
pub(crate) struct Projects;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "graphql/schema.graphql",
    query_path = "graphql/issues.graphql",
    extern_enums("IssueState", "IssueType", "MilestoneStateEnum")
)]
pub(crate) struct Issues;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "graphql/schema.graphql",
    query_path = "graphql/merge_requests.graphql",
    extern_enums("MergeRequestState", "MilestoneStateEnum")
)]
pub(crate) struct MergeRequests;

#[derive(GraphQLQuery)]
#[graphql(schema_path = "graphql/schema.graphql", query_path = "graphql/issue_sightings.graphql")]
pub(crate) struct IssueSightings;

#[derive(GraphQLQuery)]
#[graphql(schema_path = "graphql/schema.graphql", query_path = "graphql/merge_request_sightings.graphql")]
pub(crate) struct MergeRequestSightings;

#[derive(GraphQLQuery)]
#[graphql(schema_path = "graphql/schema.graphql", query_path = "graphql/issue_notes.graphql")]
pub(crate) struct IssueNotes;

#[derive(GraphQLQuery)]
#[graphql(schema_path = "graphql/schema.graphql", query_path = "graphql/merge_request_notes.graphql")]
pub(crate) struct MergeRequestNotes;

#[derive(GraphQLQuery)]
#[graphql(schema_path = "graphql/schema.graphql", query_path = "graphql/test_reports.graphql")]
pub(crate) struct TestReports;

#[derive(GraphQLQuery)]
#[graphql(
    schema_path = "graphql/schema.graphql",
    query_path = "graphql/vulnerabilities.graphql",
    extern_enums(
        "VulnerabilityState",
        "VulnerabilitySeverity",
        "VulnerabilityReportType",
        "VulnerabilityDismissalReason"
    )
)]
pub(crate) struct Vulnerabilities;
