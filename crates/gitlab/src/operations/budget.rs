//! Checks that every operation at its best page size stays within what GitLab allows.

use serde_json::{Value, json};

use super::notes::{batch_document, batch_variables};
use super::{
    ISSUES_PER_PAGE, MERGE_REQUESTS_PER_PAGE, NOTES_INSIDE, NOTES_PER_BATCH, NOTES_PER_PAGE, NotesQuery,
    SIGHTINGS_PER_PAGE, TEST_REPORTS_PER_PAGE, VULNERABILITIES_PER_PAGE,
};
use crate::cost;
use crate::page::Cursor;
use crate::wire::documents::{
    account, group_by_path, groups, issue_notes, issue_sightings, issues, merge_request_notes, merge_request_sightings,
    merge_requests, project_by_path, projects, test_reports, vulnerabilities,
};

/// GitLab's limit on the length of a query, in characters.
const MAX_LENGTH: usize = 10_000;

fn assert_affordable(name: &str, query: &str, variables: &Value) {
    let cost = cost::of(query, variables).unwrap();
    assert!(cost <= cost::LIMIT, "{name} costs {cost}");
    assert!(query.len() <= MAX_LENGTH, "{name} is {} characters long", query.len());
}

#[test]
fn every_document_is_affordable() {
    let page = |first: u32| json!({ "path": "a/b", "first": first, "after": "x", "updatedAfter": "x", "iid": "1", "notesFirst": NOTES_INSIDE });
    for (name, query, first) in [
        ("account", account::QUERY, 1),
        ("group", group_by_path::QUERY, 1),
        ("groups", groups::QUERY, 100),
        ("project", project_by_path::QUERY, 1),
        ("projects", projects::QUERY, 100),
        ("issues", issues::QUERY, ISSUES_PER_PAGE),
        ("merge requests", merge_requests::QUERY, MERGE_REQUESTS_PER_PAGE),
        ("sightings of issues", issue_sightings::QUERY, SIGHTINGS_PER_PAGE),
        ("sightings of merge requests", merge_request_sightings::QUERY, SIGHTINGS_PER_PAGE),
        ("test reports", test_reports::QUERY, TEST_REPORTS_PER_PAGE),
        ("vulnerabilities", vulnerabilities::QUERY, VULNERABILITIES_PER_PAGE),
        ("issue notes", issue_notes::QUERY, NOTES_PER_PAGE),
        ("merge request notes", merge_request_notes::QUERY, NOTES_PER_PAGE),
    ] {
        assert_affordable(name, query, &page(first));
    }
}

#[test]
fn a_full_batch_of_notes_is_affordable_and_another_item_is_not() {
    let query = NotesQuery { iid: 7, after: Some(Cursor::new("x")) };
    for (field, single) in [("issue", issue_notes::QUERY), ("mergeRequest", merge_request_notes::QUERY)] {
        let batch = vec![query.clone(); NOTES_PER_BATCH];
        assert_affordable(field, &batch_document(field, single, batch.len()), &batch_variables("a/b", &batch));
    }
    let larger = vec![query; NOTES_PER_BATCH + 1];
    let document = batch_document("mergeRequest", merge_request_notes::QUERY, larger.len());
    assert!(cost::of(&document, &batch_variables("a/b", &larger)).unwrap() > cost::LIMIT);
}
