use serde_json::json;
use trawl_gitlab::{
    Cursor, Error, IssueType, IssuesQuery, MergeRequestState, MergeRequestsQuery, NOTES_PER_BATCH, NotesOf, NotesQuery,
};
use wiremock::matchers::{body_partial_json, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::answers::{account, group, issue, list, merge_request, notes, project};
use crate::server::{answering, bodies, client, client_at, data, graphql, options};

#[tokio::test]
async fn a_token_is_checked() {
    let server = answering(data(&account())).await;
    let account = client(&server).current_user().await.unwrap();
    assert_eq!((account.person.id, account.person.username.as_str()), (1, "user1"));
    assert_eq!((account.version.as_deref(), account.enterprise), (Some("18.7.0-ee"), Some(true)));
}

#[tokio::test]
async fn operations_run_on_any_thread() {
    let server = answering(data(&json!({ "project": { "issues": list(&[issue(1)], None) } }))).await;
    let client = client(&server);
    let query = IssuesQuery::default();
    let page = tokio::spawn(async move { client.issues("acme/hammer", &query).await }).await.unwrap().unwrap();
    assert_eq!(page.items.len(), 1);
}

#[tokio::test]
async fn what_an_edition_does_not_have_is_as_good_as_forbidden() {
    let message = "Field 'vulnerabilities' doesn't exist on type 'Project'";
    let server =
        answering(ResponseTemplate::new(200).set_body_json(json!({ "errors": [{ "message": message }] }))).await;
    assert_eq!(client(&server).vulnerabilities("acme/hammer", None, 100).await, Err(Error::Forbidden));
}

#[tokio::test]
async fn a_token_of_nobody_is_not_accepted() {
    let server = answering(data(&json!({ "currentUser": null, "metadata": null }))).await;
    assert_eq!(client(&server).current_user().await, Err(Error::Unauthorized));
}

#[tokio::test]
async fn an_instance_under_a_path_is_reached() {
    let server = MockServer::start().await;
    Mock::given(path("/gitlab/api/graphql")).respond_with(data(&account())).expect(1).mount(&server).await;
    client_at(&format!("{}/gitlab/", server.uri()), &options(1)).current_user().await.unwrap();
}

#[tokio::test]
async fn issues_come_with_everything_inside() {
    let server = MockServer::start().await;
    graphql()
        .and(body_partial_json(json!({
            "operationName": "Issues",
            "variables": { "path": "acme/hammer", "first": 100, "after": "c1", "updatedAfter": "2026-05-01T00:00:00.000000Z" }
        })))
        .respond_with(data(&json!({ "project": { "issues": list(&[issue(1)], Some("c2")) } })))
        .mount(&server)
        .await;
    let query = IssuesQuery {
        after: Some(Cursor::new("c1")),
        first: 1000,
        updated_after: Some("2026-05-01T00:00:00Z".parse().unwrap()),
        iids: None,
    };
    let page = client(&server).issues("acme/hammer", &query).await.unwrap();
    assert_eq!((page.next, page.total, page.skipped), (Some(Cursor::new("c2")), Some(4711), vec![]));
    let issue = &page.items[0];
    assert_eq!((issue.id, issue.iid, issue.weight), (1001, 1, Some(3)));
    assert_eq!(issue.kind, Some(IssueType::Other("EPIC_OF_TOMORROW".to_owned())));
    assert_eq!(issue.due_date.unwrap().to_string(), "2026-06-01");
    assert_eq!(issue.updated_at.to_rfc3339(), "2026-05-20T10:00:00.123+00:00");
    assert_eq!(issue.assignees.iter().map(|person| person.id).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(issue.truncated, ["labels"]);
    assert_eq!(issue.milestone.as_ref().unwrap().id, 9);
    assert_eq!(issue.notes.items[0].id, 11);
    assert_eq!(issue.notes.next, Some(Cursor::new("n20")));
}

#[tokio::test]
async fn issues_are_read_by_number_or_told_by_it_alone() {
    let server = MockServer::start().await;
    let by_number = json!({ "operationName": "Issues", "variables": { "iids": ["1", "7"], "updatedAfter": null } });
    graphql()
        .and(body_partial_json(by_number))
        .respond_with(data(&json!({ "project": { "issues": list(&[issue(1)], None) } })))
        .expect(1)
        .mount(&server)
        .await;
    let query = IssuesQuery { iids: Some(vec![1, 7]), ..IssuesQuery::default() };
    assert_eq!(client(&server).issues("acme/hammer", &query).await.unwrap().items.len(), 1, "the other is gone");

    let seen = |iid: i64, count: serde_json::Value| {
        json!({
            "id": format!("gid://gitlab/MergeRequest/{}", iid + 1000), "iid": iid.to_string(), "projectId": 5,
            "updatedAt": "2026-05-20T10:00:00Z", "userNotesCount": count
        })
    };
    let nodes = [seen(1, json!(4)), seen(2, json!(null)), json!(null)];
    graphql()
        .and(body_partial_json(json!({ "operationName": "MergeRequestSightings", "variables": { "after": "c1" } })))
        .respond_with(data(&json!({ "project": { "mergeRequests": list(&nodes, Some("c2")) } })))
        .expect(1)
        .mount(&server)
        .await;
    let after = Cursor::new("c1");
    let page = client(&server).sightings(NotesOf::MergeRequests, "acme/hammer", Some(&after), 1000).await.unwrap();
    let told: Vec<_> = page.items.iter().map(|one| (one.id, one.iid, one.project_id, one.user_notes_count)).collect();
    assert_eq!(told, [(1001, 1, Some(5), Some(4)), (1002, 2, Some(5), None)]);
    assert_eq!((page.next, page.skipped.len()), (Some(Cursor::new("c2")), 1));
}

#[tokio::test]
async fn an_issue_is_stored_and_read_back_without_its_notes() {
    let server = answering(data(&json!({ "project": { "issues": list(&[issue(1)], None) } }))).await;
    let page = client(&server).issues("acme/hammer", &IssuesQuery::default()).await.unwrap();
    let stored = serde_json::to_value(&page.items[0]).unwrap();
    assert_eq!(
        (&stored["state"], &stored["type"], stored.get("notes")),
        (&json!("opened"), &json!("EPIC_OF_TOMORROW"), None)
    );
    let mut expected = page.items[0].clone();
    expected.notes = trawl_gitlab::Page::default();
    assert_eq!(std::mem::take(&mut expected.timelogs)[0].time_spent, 60);
    assert_eq!(serde_json::from_value::<trawl_gitlab::Issue>(stored).unwrap(), expected);
}

#[tokio::test]
async fn what_cannot_be_understood_is_named() {
    let mut bad = issue(2);
    bad["createdAt"] = json!("yesterday");
    let mut bad_note = issue(3);
    bad_note["notes"]["nodes"][0]["id"] = json!("gid://gitlab/LabelNote/0b3e");
    let nodes = [issue(1), bad, serde_json::Value::Null, bad_note];
    let server = answering(data(&json!({ "project": { "issues": list(&nodes, None) } }))).await;
    let page = client(&server).issues("acme/hammer", &IssuesQuery::default()).await.unwrap();
    assert_eq!(page.items.iter().map(|issue| issue.iid).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(page.skipped, ["issue #2: \"yesterday\" is not a time", "GitLab sent an empty item"]);
    assert_eq!(page.items[1].notes.skipped.len(), 1);
}

#[tokio::test]
async fn merge_requests_come_with_everything_inside() {
    let server = answering(data(&json!({ "project": { "mergeRequests": list(&[merge_request(1)], None) } }))).await;
    let page = client(&server).merge_requests("acme/hammer", &MergeRequestsQuery::default()).await.unwrap();
    assert_eq!(bodies(&server).await[0]["variables"]["first"], 44);
    let merge_request = &page.items[0];
    assert_eq!((merge_request.id, &merge_request.state), (2001, &MergeRequestState::Merged));
    assert_eq!(merge_request.reviewers.len(), 2);
    assert_eq!(merge_request.approved_by[0].id, 3);
    assert_eq!(merge_request.merge_user.as_ref().unwrap().id, 2);
    assert_eq!(merge_request.diff_stats.unwrap().additions, 10);
    assert_eq!(merge_request.notes.items[0].position.as_ref().unwrap().new_line, Some(3));
}

#[tokio::test]
async fn a_hidden_project_is_not_an_empty_one() {
    let server = answering(data(&json!({ "project": null }))).await;
    let client = client(&server);
    assert_eq!(client.issues("a/b", &IssuesQuery::default()).await, Err(Error::NotFound));
    assert_eq!(client.merge_requests("a/b", &MergeRequestsQuery::default()).await, Err(Error::NotFound));
    assert_eq!(client.issue_notes("a/b", 1, None).await, Err(Error::NotFound));
    assert_eq!(client.merge_request_notes("a/b", 1, None).await, Err(Error::NotFound));
    assert_eq!(client.project("a/b").await, Ok(None));
}

#[tokio::test]
async fn a_list_that_goes_on_nobody_knows_where_is_an_error() {
    let mut issues = list(&[issue(1)], Some("c2"));
    issues["pageInfo"]["endCursor"] = json!(null);
    let server = answering(data(&json!({ "project": { "issues": issues } }))).await;
    let error = client(&server).issues("a/b", &IssuesQuery::default()).await.unwrap_err();
    assert!(matches!(error, Error::Server { .. }), "{error}");
}

#[tokio::test]
async fn groups_and_projects_of_the_owner() {
    let server = MockServer::start().await;
    let both = json!({
        "groups": list(&[group(1, None), group(2, Some(1))], None),
        "projects": list(&[project()], Some("p2")),
    });
    graphql().respond_with(data(&both)).mount(&server).await;
    let groups = client(&server).groups(None).await.unwrap();
    assert_eq!(groups.items.iter().map(|group| group.parent_id).collect::<Vec<_>>(), [None, Some(1)]);
    assert_eq!(groups.items[1].archived, None);
    let projects = client(&server).projects(Some(&Cursor::new("p1"))).await.unwrap();
    let project = &projects.items[0];
    assert_eq!(
        (project.access_level, project.namespace_id, project.merge_requests_enabled),
        (Some(40), Some(4), false)
    );
    assert_eq!(bodies(&server).await[1]["variables"], json!({ "first": 100, "after": "p1" }));
}

#[tokio::test]
async fn a_project_without_its_namespace_still_knows_the_path() {
    let mut bare = project();
    bare.as_object_mut().unwrap().remove("namespace");
    let server = answering(data(&json!({ "project": bare }))).await;
    let project = client(&server).project("acme/hammer").await.unwrap().unwrap();
    assert_eq!((project.namespace_id, project.namespace_path.as_deref()), (None, Some("acme")));
}

#[tokio::test]
async fn notes_are_fetched_in_batches_without_writing_values_into_the_query() {
    let server = MockServer::start().await;
    let first = json!({ "project": {
        "n0": { "notes": notes(&[1, 2], Some("more")) },
        "n1": null,
        "n2": { "notes": notes(&[3], None) },
        "n3": { "notes": notes(&[], None) },
    } });
    graphql().respond_with(data(&first)).up_to_n_times(1).mount(&server).await;
    let second = json!({ "project": { "n0": { "notes": notes(&[4], None) } } });
    graphql().respond_with(data(&second)).mount(&server).await;

    let queries: Vec<_> =
        (0_i64..5).map(|n| NotesQuery { iid: 100 + n, after: Some(Cursor::new("\"} evil")) }).collect();
    assert_eq!(queries.len(), NOTES_PER_BATCH + 1);
    let pages = client(&server).notes_batch(NotesOf::MergeRequests, "acme/hammer", &queries).await.unwrap();
    let ids =
        |index: usize| pages[index].as_ref().map(|page| page.items.iter().map(|note| note.id).collect::<Vec<_>>());
    assert_eq!(
        [ids(0), ids(1), ids(2), ids(3), ids(4)],
        [Some(vec![1, 2]), None, Some(vec![3]), Some(vec![]), Some(vec![4])]
    );
    assert_eq!(pages[0].as_ref().unwrap().next, Some(Cursor::new("more")));

    let sent = bodies(&server).await;
    assert_eq!(sent[0]["variables"]["iid3"], "103");
    assert_eq!(sent[1]["variables"]["iid0"], "104");
    assert_eq!(sent[0]["variables"]["after0"], "\"} evil");
    let text = sent[0]["query"].as_str().unwrap();
    assert!(!text.contains("evil") && !text.contains("103"), "{text}");
}

#[tokio::test]
async fn a_field_that_the_edition_lacks_is_left_out_from_then_on() {
    let server = MockServer::start().await;
    let complaint = json!({ "errors": [{ "message": "Field 'weight' doesn't exist on type 'Issue'" }] });
    graphql()
        .respond_with(wiremock::ResponseTemplate::new(200).set_body_json(complaint))
        .up_to_n_times(1)
        .mount(&server)
        .await;
    let mut free = issue(1);
    free.as_object_mut().unwrap().remove("weight");
    graphql().respond_with(data(&json!({ "project": { "issues": list(&[free], None) } }))).mount(&server).await;
    let client = client(&server);
    for _ in 0..2 {
        let page = client.issues("a/b", &IssuesQuery::default()).await.unwrap();
        assert_eq!(page.items[0].weight, None);
    }
    let asked: Vec<_> =
        bodies(&server).await.iter().map(|body| body["query"].as_str().unwrap().contains("weight")).collect();
    assert_eq!(asked, [true, false, false]);
}
