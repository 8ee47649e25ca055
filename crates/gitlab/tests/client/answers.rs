//! What GitLab answers.

use serde_json::{Value, json};

pub(crate) fn account() -> Value {
    json!({
        "currentUser": person(1),
        "metadata": { "version": "18.7.0-ee", "enterprise": true }
    })
}

pub(crate) fn person(id: u32) -> Value {
    json!({
        "id": format!("gid://gitlab/User/{id}"),
        "username": format!("user{id}"),
        "name": format!("User {id}"),
        "avatarUrl": null,
        "bot": false
    })
}

pub(crate) fn page_info(next: Option<&str>) -> Value {
    json!({ "endCursor": next.unwrap_or("end"), "hasNextPage": next.is_some() })
}

pub(crate) fn note(id: u32) -> Value {
    json!({
        "id": format!("gid://gitlab/Note/{id}"),
        "body": "looks good",
        "system": false,
        "internal": null,
        "resolvable": true,
        "resolved": true,
        "resolvedAt": "2026-05-20T10:00:00Z",
        "systemNoteIconName": null,
        "url": null,
        "createdAt": "2026-05-20T09:00:00Z",
        "updatedAt": "2026-05-20T10:00:00Z",
        "lastEditedAt": null,
        "author": person(3),
        "discussion": { "id": "gid://gitlab/Discussion/abc" },
        "position": { "filePath": "src/main.rs", "newLine": 3, "oldLine": null }
    })
}

pub(crate) fn notes(ids: &[u32], next: Option<&str>) -> Value {
    json!({ "pageInfo": page_info(next), "nodes": ids.iter().map(|id| note(*id)).collect::<Vec<_>>() })
}

fn people(ids: &[u32]) -> Value {
    json!({ "pageInfo": { "hasNextPage": false }, "nodes": ids.iter().map(|id| person(*id)).collect::<Vec<_>>() })
}

fn labels() -> Value {
    json!({
        "pageInfo": { "hasNextPage": true },
        "nodes": [{ "id": "gid://gitlab/ProjectLabel/5", "title": "bug", "color": "#ff0000", "description": null }]
    })
}

fn milestone() -> Value {
    json!({
        "id": "gid://gitlab/Milestone/9",
        "iid": "2",
        "title": "18.8",
        "state": "active",
        "startDate": "2026-05-01",
        "dueDate": null,
        "webPath": "/acme/hammer/-/milestones/2"
    })
}

pub(crate) fn issue(iid: u32) -> Value {
    json!({
        "id": format!("gid://gitlab/Issue/{}", 1000 + iid),
        "iid": iid.to_string(),
        "projectId": 7,
        "title": "It breaks",
        "description": "every time",
        "state": "opened",
        "type": "EPIC_OF_TOMORROW",
        "confidential": true,
        "discussionLocked": false,
        "weight": 3,
        "dueDate": "2026-06-01",
        "upvotes": 2,
        "downvotes": 0,
        "userNotesCount": 21,
        "timeEstimate": 3600,
        "totalTimeSpent": 60,
        "timelogs": list(&[json!({
            "id": "gid://gitlab/Timelog/31", "timeSpent": 60, "spentAt": "2026-05-19T10:00:00Z", "summary": "Looked at it",
            "user": person(2)
        })], None),
        "webUrl": "https://example.com/acme/hammer/-/issues/1",
        "createdAt": "2026-05-20T08:00:00Z",
        "updatedAt": "2026-05-20T10:00:00.123Z",
        "closedAt": null,
        "author": person(1),
        "milestone": milestone(),
        "assignees": people(&[2, 3]),
        "labels": labels(),
        "notes": notes(&[11], Some("n20")),
        "aFieldOfTomorrow": [1, 2, 3]
    })
}

pub(crate) fn merge_request(iid: u32) -> Value {
    json!({
        "id": format!("gid://gitlab/MergeRequest/{}", 2000 + iid),
        "iid": iid.to_string(),
        "projectId": 7,
        "sourceProjectId": null,
        "targetProjectId": 7,
        "title": "Mend it",
        "description": null,
        "state": "merged",
        "draft": false,
        "discussionLocked": false,
        "squash": true,
        "sourceBranch": "mend",
        "targetBranch": "main",
        "diffHeadSha": "aaaa",
        "mergeCommitSha": "bbbb",
        "commitCount": 2,
        "upvotes": 0,
        "downvotes": 1,
        "userNotesCount": 1,
        "timeEstimate": 0,
        "totalTimeSpent": 0,
        "timelogs": list(&[], None),
        "webUrl": "https://example.com/acme/hammer/-/merge_requests/1",
        "createdAt": "2026-05-20T08:00:00Z",
        "updatedAt": "2026-05-20T10:00:00Z",
        "mergedAt": "2026-05-20T10:00:00Z",
        "closedAt": null,
        "preparedAt": "2026-05-20T08:00:05Z",
        "diffStatsSummary": { "additions": 10, "deletions": 4, "fileCount": 2 },
        "author": person(1),
        "mergeUser": person(2),
        "milestone": null,
        "assignees": people(&[1]),
        "reviewers": people(&[2, 3]),
        "approvedBy": people(&[3]),
        "labels": labels(),
        "notes": notes(&[12], None)
    })
}

/// A connection of `nodes` as GitLab answers it.
pub(crate) fn list(nodes: &[Value], next: Option<&str>) -> Value {
    json!({ "count": 4711, "pageInfo": page_info(next), "nodes": nodes })
}

pub(crate) fn project() -> Value {
    json!({
        "id": "gid://gitlab/Project/7",
        "fullPath": "acme/hammer",
        "path": "hammer",
        "name": "Hammer",
        "nameWithNamespace": "Acme / Hammer",
        "description": null,
        "visibility": "private",
        "webUrl": "https://example.com/acme/hammer",
        "avatarUrl": null,
        "archived": null,
        "topics": ["tools"],
        "starCount": 1,
        "forksCount": 0,
        "issuesEnabled": true,
        "mergeRequestsEnabled": false,
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-01-02T00:00:00Z",
        "lastActivityAt": "2026-01-03T00:00:00Z",
        "namespace": { "id": "gid://gitlab/Namespaces::UserNamespace/4", "fullPath": "acme" },
        "maxAccessLevel": { "integerValue": 40 }
    })
}

pub(crate) fn group(id: u32, parent: Option<u32>) -> Value {
    json!({
        "id": format!("gid://gitlab/Group/{id}"),
        "fullPath": "acme/tools",
        "path": "tools",
        "name": "Tools",
        "fullName": "Acme / Tools",
        "description": "",
        "visibility": "internal",
        "webUrl": "https://example.com/groups/acme/tools",
        "avatarUrl": null,
        "createdAt": "2026-01-01T00:00:00Z",
        "parent": parent.map(|id| json!({ "id": format!("gid://gitlab/Group/{id}"), "fullPath": "acme" }))
    })
}
