//! Lists that follow from the rest of the forge.

use actix_web::HttpResponse;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Ask, time, user};
use crate::{
    forge::{
        extras::{self, Named},
        generate::MARIA_AT,
        pipelines::Status,
    },
    http::answer,
};

/// A list of a project; `None`: there is no such list.
pub(super) fn of_project(ask: &Ask<'_>, at: usize, list: &[&str]) -> Option<HttpResponse> {
    let project = &ask.world.projects[at];
    let (created, base) = (project.created, format!("{}/{}", ask.base, project.full_path));
    let maria = || user(ask.world, MARIA_AT, ask.base);
    let at_times = |row: Value| with(row, &json!({ "created_at": time(created), "updated_at": time(created) }));
    Some(match list {
        ["jobs"] => jobs(ask, at),
        ["deployments"] => deployments(ask, at),
        ["environments"] => rows(ask, extras::environments(ask.world, at), |id, name| {
            at_times(json!({ "id": id, "name": name, "slug": name, "state": "available", "tier": name,
                             "external_url": format!("https://{name}.example.com"), "description": null }))
        }),
        ["pipeline_schedules"] => rows(ask, extras::schedules(ask.world, at), |id, name| {
            at_times(json!({ "id": id, "description": name, "ref": "main", "cron": "0 1 * * *", "cron_timezone": "UTC",
                             "next_run_at": time(created), "active": true, "owner": maria() }))
        }),
        ["snippets"] => rows(ask, extras::snippets(ask.world, at), |id, name| {
            at_times(json!({ "id": id, "title": name, "description": null, "visibility": "private", "author": maria(),
                             "file_name": "a.sh", "web_url": format!("{base}/-/snippets/{id}") }))
        }),
        ["wikis"] => HttpResponse::Ok().json(
            extras::wiki_pages(ask.world, at)
                .into_iter()
                .map(|slug| json!({ "format": "markdown", "slug": slug, "title": slug, "wiki_page_meta_id": null }))
                .collect::<Vec<_>>(),
        ),
        ["packages"] => rows(ask, extras::packages(ask.world, at), |id, version| {
            json!({ "id": id, "name": project.path, "version": version, "package_type": "generic", "status": "default",
                    "created_at": time(created), "last_downloaded_at": null, "tags": [],
                    "pipeline": { "id": 1, "user": maria() } })
        }),
        ["registry", "repositories"] => rows(ask, extras::container_repositories(ask.world, at), |id, path| {
            json!({ "id": id, "name": "", "path": path, "project_id": project.id, "status": null,
                    "location": format!("registry.example.com/{path}"), "created_at": time(created) })
        }),
        ["uploads"] => rows(
            ask,
            extras::attachments(ask.world, at),
            |id, filename| json!({ "id": id, "size": 1000 + id, "filename": filename, "created_at": time(created), "uploaded_by": maria() }),
        ),
        ["boards"] => rows(
            ask,
            extras::boards(ask.world, at),
            |id, name| json!({ "id": id, "name": name, "hide_backlog_list": false, "lists": [] }),
        ),
        _ => return None,
    })
}

/// A list of a group; `None`: there is no such list.
pub(super) fn of_group(ask: &Ask<'_>, at: usize, list: &str) -> Option<HttpResponse> {
    let group = &ask.world.groups[at];
    let (created, base) = (group.created, format!("{}/groups/{}", ask.base, group.full_path));
    let times = json!({ "created_at": time(created), "updated_at": time(created), "start_date": "2026-01-01",
                        "due_date": "2026-01-14" });
    let dated = |row: Value| with(row, &times);
    Some(match list {
        "labels" => rows(ask, extras::group_labels(ask.world, at), group_label),
        "milestones" => rows(ask, extras::group_milestones(ask.world, at), |id, title| {
            dated(json!({ "id": id, "iid": id % 10, "group_id": group.id, "title": title, "description": null,
                          "state": "active", "expired": false, "web_url": format!("{base}/-/milestones/{}", id % 10) }))
        }),
        // GitLab says of what a plan does not have that it is forbidden.
        "iterations" | "epics" if !extras::is_premium(ask.world, at) => answer::message(403, "403 Forbidden"),
        "iterations" => rows(ask, extras::iterations(ask.world, at), |id, title| {
            dated(
                json!({ "id": id, "iid": id % 10, "group_id": group.id, "title": title, "description": null, "state": 3,
                          "web_url": format!("{base}/-/iterations/{id}") }),
            )
        }),
        "epics" => {
            // All of them are as old as their group.
            let new = ask.params.updated_after.is_none_or(|from| created >= from);
            let epics = if new { extras::epics(ask.world, at) } else { Named::new() };
            rows(ask, epics, |id, title| {
                dated(json!({ "id": id, "iid": id % 10, "group_id": group.id, "title": title, "description": "",
                              "state": "opened", "confidential": false, "parent_iid": null, "labels": [],
                              "author": user(ask.world, MARIA_AT, ask.base), "closed_at": null,
                              "web_url": format!("{base}/-/epics/{}", id % 10) }))
            })
        }
        _ => return None,
    })
}

/// A group's label, as its projects show it as well.
pub(super) fn group_label(id: u64, name: &str) -> Value {
    json!({ "id": id, "name": name, "description": null, "color": "#6699cc", "text_color": "#FFFFFF", "subscribed": false,
            "is_project_label": false })
}

fn rows(ask: &Ask<'_>, named: Named, show: impl Fn(u64, &str) -> Value) -> HttpResponse {
    ask.paged(named, |(id, name)| show(id, &name))
}

fn with(mut row: Value, more: &Value) -> Value {
    if let (Some(row), Some(more)) = (row.as_object_mut(), more.as_object()) {
        row.extend(more.clone());
    }
    row
}

fn jobs(ask: &Ask<'_>, at: usize) -> HttpResponse {
    let project = &ask.world.projects[at];
    let newest_first = ask.world.pipelines[at].iter().rev();
    let jobs: Vec<_> = newest_first
        .flat_map(|pipeline| extras::jobs(pipeline).into_iter().rev().map(move |job| (pipeline, job)))
        .collect();
    let when = |at: Option<DateTime<Utc>>| at.map(time);
    ask.uncounted(jobs, |(pipeline, job)| {
        let took = job.started.zip(job.finished).map(|(from, to)| (to - from).num_milliseconds());
        #[expect(clippy::cast_precision_loss, reason = "minutes in milliseconds")]
        let duration = took.map(|ms| ms as f64 / 1000.0);
        json!({
            "id": job.id,
            "name": job.name,
            "stage": job.stage,
            "status": job.status,
            "ref": pipeline.ref_name,
            "tag": false,
            "coverage": null,
            "allow_failure": false,
            "created_at": time(job.created),
            "started_at": when(job.started),
            "finished_at": when(job.finished),
            "duration": duration,
            "queued_duration": 1.5,
            "failure_reason": (job.status == "failed").then_some("script_failure"),
            "user": user(ask.world, MARIA_AT, ask.base),
            "commit": { "id": pipeline.sha, "author_email": "maria@example.com" },
            "pipeline": { "id": pipeline.id, "sha": pipeline.sha, "status": pipeline.status.as_str() },
            "runner": { "id": 1, "description": "shared", "token": "never to be stored" },
            "tag_list": [],
            "web_url": format!("{}/{}/-/jobs/{}", ask.base, project.full_path, job.id),
        })
    })
}

fn deployments(ask: &Ask<'_>, at: usize) -> HttpResponse {
    let params = ask.params;
    let mut all: Vec<_> = extras::deployments(ask.world, at)
        .enumerate()
        .filter(|(_, one)| params.updated_after.is_none_or(|from| one.updated >= from))
        .collect();
    if params.order_by.as_deref() == Some("updated_at") {
        all.sort_by_key(|(_, one)| (one.updated, one.id));
    }
    if params.sort.as_deref() == Some("desc") {
        all.reverse();
    }
    let environment = extras::environments(ask.world, at).into_iter().next();
    ask.paged(all, |(nth, one)| {
        json!({
            "id": extras::deployment_id(one),
            "iid": nth + 1,
            "ref": one.ref_name,
            "sha": one.sha,
            "status": if one.status == Status::Success { "success" } else { "failed" },
            "created_at": time(one.created),
            "updated_at": time(one.updated),
            "user": user(ask.world, MARIA_AT, ask.base),
            "environment": environment.as_ref().map(|(id, name)| json!({ "id": id, "name": name })),
            "deployable": { "id": one.id * 10 + 3, "commit": { "author_email": "maria@example.com" } },
        })
    })
}
