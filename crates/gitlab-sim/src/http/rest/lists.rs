//! Labels, milestones, members and pipelines.

use std::sync::Arc;

use actix_web::HttpResponse;
use serde_json::{Value, json};

use super::{Ask, code, extras, time};
use crate::{
    forge::{
        model::{Kind, Label, Member, State},
        pipelines::Pipeline,
    },
    http::answer,
};

/// A list of a project that the reader sees, by the rest of its path.
pub(super) fn of_project(ask: &Ask<'_>, at: usize, list: &[&str]) -> HttpResponse {
    let open = match list {
        ["repository" | "registry", _] | ["packages"] => ask.world.reads_code(ask.reader, at),
        ["pipelines" | "jobs" | "deployments" | "environments" | "pipeline_schedules"] => {
            ask.world.reads_pipelines(ask.reader, at)
        }
        ["uploads"] => ask.world.lists_attachments(ask.reader, at),
        _ => true,
    };
    if !open {
        return answer::message(403, "403 Forbidden");
    }
    match list {
        ["labels"] => labels(ask, at),
        ["milestones"] => milestones(ask, at),
        ["members"] => members(ask, &ask.world.projects[at].members),
        ["pipelines"] => pipelines(ask, at),
        ["releases"] => code::releases(ask, at),
        ["repository", "branches"] => code::branches(ask, at),
        ["repository", "tags"] => code::tags(ask, at),
        ["repository", "commits"] => code::commits(ask, at),
        _ => extras::of_project(ask, at, list).unwrap_or_else(|| answer::message(404, "404 Not Found")),
    }
}

fn labels(ask: &Ask<'_>, project: usize) -> HttpResponse {
    let mut labels: Vec<_> = ask.world.projects[project].labels.iter().enumerate().collect();
    labels.sort_by_key(|(_, one)| one.title.to_lowercase());
    let count = |label: usize, kind: Kind, state: State| {
        let items = ask.world.visible_items(ask.reader, project, kind);
        items.filter(|item| item.state == state && item.labels.contains(&label)).count()
    };
    // As GitLab does, unless it is told not to.
    let above = ask.params.include_ancestor_groups != Some(false);
    let groups = ask.world.lineage(ask.world.projects[project].group).filter(|_| above);
    let inherited = groups.flat_map(|group| crate::forge::extras::group_labels(ask.world, group));
    let labels = labels.into_iter().map(Ok).chain(inherited.map(Err)).collect();
    ask.paged(labels, |label: Result<(usize, &Arc<Label>), (u64, String)>| {
        let (at, one) = match label {
            Ok(own) => own,
            Err((id, name)) => return extras::group_label(id, &name),
        };
        let mut row = json!({
            "id": one.id,
            "name": one.title,
            "description": one.description,
            "description_html": one.description.unwrap_or_default(),
            "color": one.color,
            "text_color": "#FFFFFF",
            "subscribed": false,
            "priority": null,
            "is_project_label": true,
        });
        if ask.params.with_counts == Some(true) {
            row["open_issues_count"] = count(at, Kind::Issue, State::Opened).into();
            row["closed_issues_count"] = count(at, Kind::Issue, State::Closed).into();
            row["open_merge_requests_count"] = count(at, Kind::MergeRequest, State::Opened).into();
        }
        row
    })
}

fn milestones(ask: &Ask<'_>, project: usize) -> HttpResponse {
    let params = ask.params;
    let project = &ask.world.projects[project];
    let state = |closed| if closed { "closed" } else { "active" };
    let milestones: Vec<_> = project
        .milestones
        .iter()
        .filter(|one| params.state.as_deref().is_none_or(|wanted| wanted == state(one.closed)))
        .filter(|one| params.updated_after.is_none_or(|from| one.updated >= from))
        .filter(|one| params.updated_before.is_none_or(|to| one.updated <= to))
        .collect();
    ask.paged(milestones, |one| {
        json!({
            "id": one.id,
            "iid": one.iid,
            "project_id": project.id,
            "title": one.title,
            "description": null,
            "state": state(one.closed),
            "created_at": time(one.created),
            "updated_at": time(one.updated),
            "due_date": one.due.date_naive().to_string(),
            "start_date": one.start.date_naive().to_string(),
            "expired": one.expired,
            "web_url": format!("{}/{}/-/milestones/{}", ask.base, project.full_path, one.iid),
        })
    })
}

pub(super) fn members(ask: &Ask<'_>, members: &[Member]) -> HttpResponse {
    ask.paged(members.to_vec(), |member| {
        let one = &ask.world.people[member.person];
        json!({
            "id": one.id,
            "username": one.username,
            "name": one.name,
            "state": if one.blocked { "blocked" } else { "active" },
            "locked": false,
            "avatar_url": null,
            "web_url": format!("{}/{}", ask.base, one.username),
            "access_level": member.level,
            "created_at": time(member.created),
            "expires_at": null,
            "membership_state": "active",
        })
    })
}

fn pipelines(ask: &Ask<'_>, project: usize) -> HttpResponse {
    let params = ask.params;
    let mut pipelines: Vec<_> = ask.world.pipelines[project]
        .iter()
        .filter(|one| params.status.as_deref().is_none_or(|wanted| wanted == one.status.as_str()))
        .filter(|one| params.updated_after.is_none_or(|from| one.updated >= from))
        .filter(|one| params.updated_before.is_none_or(|to| one.updated <= to))
        .collect();
    if params.order_by.as_deref() == Some("updated_at") {
        pipelines.sort_by_key(|one| (one.updated, one.id));
    }
    if params.sort.as_deref() != Some("asc") {
        pipelines.reverse();
    }
    ask.paged(pipelines, |one| pipeline(ask, project, one))
}

fn pipeline(ask: &Ask<'_>, project: usize, one: &Pipeline) -> Value {
    let project = &ask.world.projects[project];
    json!({
        "id": one.id,
        "iid": one.iid,
        "project_id": project.id,
        "sha": one.sha,
        "ref": one.ref_name,
        "status": one.status.as_str(),
        "source": one.source,
        "created_at": time(one.created),
        "updated_at": time(one.updated),
        "web_url": format!("{}/{}/-/pipelines/{}", ask.base, project.full_path, one.id),
        "name": null,
    })
}
