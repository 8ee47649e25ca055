//! GitLab's objects as records for the mirror.

use trawl_gitlab::{Group, Issue, MergeRequest, Note, Project, Timelog};
use trawl_jobs::{AreaKind, FoundArea, Record, RecordKind};

/// A record that says only what it is of; the rest is filled in by its kind.
pub(super) fn plain(kind: RecordKind, gitlab_id: i64, payload: &impl serde::Serialize) -> Record {
    Record {
        kind,
        gitlab_id,
        iid: None,
        parent: None,
        title: String::new(),
        state: None,
        author: None,
        created_at: None,
        updated_at: None,
        closed_at: None,
        merged_at: None,
        web_url: None,
        confidential: false,
        payload: serde_json::to_string(payload).expect("plain structs with text keys always serialize"),
    }
}

pub(super) fn group(group: &Group) -> Record {
    Record {
        title: group.name.clone(),
        created_at: group.created_at,
        updated_at: group.updated_at,
        web_url: Some(group.web_url.clone()),
        ..plain(RecordKind::Group, group.id, group)
    }
}

pub(super) fn project(project: &Project) -> Record {
    Record {
        title: project.name.clone(),
        created_at: project.created_at,
        updated_at: project.updated_at,
        web_url: project.web_url.clone(),
        ..plain(RecordKind::Project, project.id, project)
    }
}

pub(super) fn issue(issue: &Issue) -> Record {
    Record {
        iid: Some(issue.iid),
        title: issue.title.clone(),
        state: Some(issue.state.to_string()),
        author: Some(issue.author.username.clone()),
        created_at: Some(issue.created_at),
        updated_at: Some(issue.updated_at),
        closed_at: issue.closed_at,
        web_url: Some(issue.web_url.clone()),
        confidential: issue.confidential,
        ..plain(RecordKind::Issue, issue.id, issue)
    }
}

pub(super) fn merge_request(merge_request: &MergeRequest) -> Record {
    Record {
        iid: Some(merge_request.iid),
        title: merge_request.title.clone(),
        state: Some(merge_request.state.to_string()),
        author: merge_request.author.as_ref().map(|author| author.username.clone()),
        created_at: Some(merge_request.created_at),
        updated_at: Some(merge_request.updated_at),
        closed_at: merge_request.closed_at,
        merged_at: merge_request.merged_at,
        web_url: merge_request.web_url.clone(),
        ..plain(RecordKind::MergeRequest, merge_request.id, merge_request)
    }
}

/// A note on the object whose record is `parent`; what hangs on something confidential is confidential.
pub(super) fn note(note: &Note, parent: (RecordKind, i64), parent_confidential: bool) -> Record {
    Record {
        parent: Some(parent),
        author: note.author.as_ref().map(|author| author.username.clone()),
        created_at: Some(note.created_at),
        updated_at: Some(note.updated_at),
        web_url: note.web_url.clone(),
        confidential: parent_confidential || note.internal,
        ..plain(RecordKind::Note, note.id, note)
    }
}

/// Time logged on the object whose record is `parent`, which is named by what it was spent on.
pub(super) fn timelog(timelog: &Timelog, parent: (RecordKind, i64)) -> Record {
    let minutes = || format!("{} min", timelog.time_spent / 60);
    Record {
        parent: Some(parent),
        title: timelog.summary.clone().filter(|text| !text.is_empty()).unwrap_or_else(minutes),
        author: Some(timelog.user.username.clone()),
        created_at: timelog.spent_at,
        // GitLab shows it from the role of a reporter on, as it does what is confidential.
        confidential: true,
        ..plain(RecordKind::Timelog, timelog.id, timelog)
    }
}

pub(super) fn found_group(group: &Group) -> FoundArea {
    FoundArea {
        kind: AreaKind::Group,
        gitlab_id: group.id,
        full_path: group.full_path.clone(),
        name: group.name.clone(),
        web_url: Some(group.web_url.clone()),
        visibility: group.visibility.clone(),
        archived: group.archived.unwrap_or(false),
        issues_enabled: true,
        merge_requests_enabled: true,
        access_level: None,
    }
}

pub(super) fn found_project(project: &Project) -> FoundArea {
    FoundArea {
        kind: AreaKind::Project,
        gitlab_id: project.id,
        full_path: project.full_path.clone(),
        name: project.name.clone(),
        web_url: project.web_url.clone(),
        visibility: project.visibility.clone(),
        archived: project.archived,
        issues_enabled: project.issues_enabled,
        merge_requests_enabled: project.merge_requests_enabled,
        access_level: project.access_level.and_then(|level| i32::try_from(level).ok()),
    }
}
