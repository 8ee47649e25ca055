//! The few REST routes that a mirror needs beside GraphQL.

mod code;
mod extras;
mod lists;

use std::convert::identity;

use actix_web::{HttpRequest, HttpResponse, http::Method, web::Query};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{answer, base};
use crate::{
    forge::{
        model::{Item, Kind, When, World},
        rights::Reader,
    },
    graphql::{REVISION, VERSION},
    state::State,
};

#[derive(Debug, Default, Deserialize)]
struct Params {
    page: Option<usize>,
    per_page: Option<usize>,
    membership: Option<bool>,
    all_available: Option<bool>,
    order_by: Option<String>,
    sort: Option<String>,
    state: Option<String>,
    updated_after: Option<DateTime<Utc>>,
    updated_before: Option<DateTime<Utc>>,
    since: Option<DateTime<Utc>>,
    until: Option<DateTime<Utc>>,
    all: Option<bool>,
    ref_name: Option<String>,
    status: Option<String>,
    with_counts: Option<bool>,
    include_ancestor_groups: Option<bool>,
}

/// One request: who asks for what, and at which moment.
struct Ask<'a> {
    req: &'a HttpRequest,
    params: &'a Params,
    world: &'a World,
    reader: Reader,
    base: &'a str,
}

/// Answers a request for the path below `/api/v4/`.
pub(super) fn handle(req: &HttpRequest, path: &str, state: &State, reader: Reader) -> HttpResponse {
    if req.method() != Method::GET {
        return answer::message(405, "405 Method Not Allowed");
    }
    let Ok(Query(params)) = Query::<Params>::from_query(req.query_string()) else {
        return answer::status(400).json(json!({ "error": "a parameter is invalid" }));
    };
    let world = state.world();
    let base = base(req, state);
    let ask = Ask { req, params: &params, world: &world, reader, base: &base };
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    match (parts.as_slice(), reader.0) {
        (["projects"], _) => ask.paged(projects(&world, reader, &params, &base), identity),
        (["groups"], _) => ask.paged(groups(&world, reader, &params, &base), identity),
        (["projects", id], _) => match project_at(&world, reader, id) {
            Some(at) => HttpResponse::Ok().json(project(&world, at, &base)),
            None => answer::message(404, "404 Project Not Found"),
        },
        (["projects", id, "issues"], _) => match project_at(&world, reader, id) {
            Some(at) => ask.paged(issues(&world, reader, at, &params, &base), identity),
            None => answer::message(404, "404 Project Not Found"),
        },
        (["projects", id, list @ ..], _) => match project_at(&world, reader, id) {
            Some(at) => lists::of_project(&ask, at, list),
            None => answer::message(404, "404 Project Not Found"),
        },
        (["groups", id], _) => match group_at(&world, reader, id) {
            Some(at) => HttpResponse::Ok().json(group(&world, at, &base)),
            None => answer::message(404, "404 Group Not Found"),
        },
        (["groups", id, "members"], _) => match group_at(&world, reader, id) {
            Some(at) => lists::members(&ask, &world.groups[at].members),
            None => answer::message(404, "404 Group Not Found"),
        },
        (["groups", id, list], _) => match group_at(&world, reader, id) {
            Some(at) => extras::of_group(&ask, at, list).unwrap_or_else(|| answer::message(404, "404 Not Found")),
            None => answer::message(404, "404 Group Not Found"),
        },
        (["version" | "user"] | ["personal_access_tokens", "self"], None) => answer::message(401, "401 Unauthorized"),
        (["version"], Some(_)) => {
            HttpResponse::Ok().json(json!({ "version": VERSION, "revision": REVISION, "enterprise": true }))
        }
        (["user"], Some(person)) => HttpResponse::Ok().json(user(&world, person, &base)),
        (["personal_access_tokens", "self"], Some(person)) => HttpResponse::Ok().json(token(&world, person)),
        _ => answer::message(404, "404 Not Found"),
    }
}

impl Ask<'_> {
    /// One page of rows with the headers that lead to the others.
    fn paged<T>(&self, rows: Vec<T>, show: impl FnMut(T) -> Value) -> HttpResponse {
        self.page(rows, true, show)
    }

    /// The same for a list that GitLab does not count: nothing says how many there are, or which page is the last.
    fn uncounted<T>(&self, rows: Vec<T>, show: impl FnMut(T) -> Value) -> HttpResponse {
        self.page(rows, false, show)
    }

    fn page<T>(&self, rows: Vec<T>, counted: bool, show: impl FnMut(T) -> Value) -> HttpResponse {
        let size = self.params.per_page.unwrap_or(20).clamp(1, 100);
        let page = self.params.page.unwrap_or(1).max(1);
        let pages = rows.len().div_ceil(size).max(1);
        let mut links = Vec::new();
        if page > 1 {
            links.push(self.link(page - 1, size, "prev"));
        }
        if page < pages {
            links.push(self.link(page + 1, size, "next"));
        }
        links.push(self.link(1, size, "first"));
        let mut answer = answer::status(200);
        if counted {
            links.push(self.link(pages, size, "last"));
            answer.insert_header(("X-Total", rows.len().to_string()));
            answer.insert_header(("X-Total-Pages", pages.to_string()));
        }
        let next = if page < pages { (page + 1).to_string() } else { String::new() };
        let previous = if page > 1 { (page - 1).to_string() } else { String::new() };
        let shown: Vec<Value> = rows.into_iter().skip((page - 1).saturating_mul(size)).take(size).map(show).collect();
        answer
            .insert_header(("Link", links.join(", ")))
            .insert_header(("X-Page", page.to_string()))
            .insert_header(("X-Per-Page", size.to_string()))
            .insert_header(("X-Next-Page", next))
            .insert_header(("X-Prev-Page", previous))
            .json(shown)
    }

    /// A link to another page of the same list.
    fn link(&self, to: usize, size: usize, rel: &str) -> String {
        let kept = self
            .req
            .query_string()
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.starts_with("page=") && !pair.starts_with("per_page="));
        let query: Vec<String> =
            kept.map(str::to_owned).chain([format!("page={to}"), format!("per_page={size}")]).collect();
        format!("<{}{}?{}>; rel=\"{rel}\"", self.base, self.req.path(), query.join("&"))
    }
}

/// REST writes milliseconds where GraphQL writes seconds.
fn time(when: When) -> String {
    when.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A project by its number or by its full path with `%2F` for each slash, if the reader may see it.
fn project_at(world: &World, reader: Reader, id: &str) -> Option<usize> {
    let path = id.replace("%2F", "/").replace("%2f", "/");
    let at = world.projects.iter().position(|one| one.id.to_string() == id || one.full_path == path)?;
    world.sees_project(reader, at).then_some(at)
}

/// The same for a group.
fn group_at(world: &World, reader: Reader, id: &str) -> Option<usize> {
    let path = id.replace("%2F", "/").replace("%2f", "/");
    let at = world.groups.iter().position(|one| one.id.to_string() == id || one.full_path == path)?;
    world.sees_group(reader, at).then_some(at)
}

fn projects(world: &World, reader: Reader, params: &Params, base: &str) -> Vec<Value> {
    let mut seen: Vec<usize> = (0..world.projects.len())
        .filter(|&at| world.sees_project(reader, at))
        .filter(|&at| params.membership != Some(true) || world.project_level(reader, at) > 0)
        .collect();
    if params.sort.as_deref() != Some("asc") {
        seen.reverse();
    }
    seen.into_iter().map(|at| project(world, at, base)).collect()
}

fn project(world: &World, at: usize, base: &str) -> Value {
    let one = &world.projects[at];
    let group = &world.groups[one.group];
    json!({
        "id": one.id,
        "name": one.name,
        "name_with_namespace": one.name_with_namespace,
        "path": one.path,
        "path_with_namespace": one.full_path,
        "description": one.description,
        "visibility": one.visibility.as_str(),
        "web_url": format!("{base}/{}", one.full_path),
        "avatar_url": null,
        "archived": one.archived,
        "issues_enabled": one.issues_enabled,
        "merge_requests_enabled": one.merge_requests_enabled,
        "star_count": one.stars,
        "topics": one.topics,
        "created_at": time(one.created),
        "updated_at": time(one.updated),
        "last_activity_at": time(one.last_activity),
        "namespace": {
            "id": group.id, "name": group.name, "path": group.path, "kind": "group", "full_path": group.full_path,
        },
    })
}

fn groups(world: &World, reader: Reader, params: &Params, base: &str) -> Vec<Value> {
    (0..world.groups.len())
        .filter(|&at| world.sees_group(reader, at))
        .filter(|&at| params.all_available != Some(false) || world.group_level(reader, at) > 0)
        .map(|at| group(world, at, base))
        .collect()
}

fn group(world: &World, at: usize, base: &str) -> Value {
    let one = &world.groups[at];
    json!({
        "id": one.id,
        "name": one.name,
        "path": one.path,
        "full_name": one.full_name,
        "full_path": one.full_path,
        "description": one.description,
        "visibility": one.visibility.as_str(),
        "web_url": format!("{base}/groups/{}", one.full_path),
        "avatar_url": null,
        "parent_id": one.parent.map(|parent| world.groups[parent].id),
        "created_at": time(one.created),
    })
}

fn issues(world: &World, reader: Reader, project: usize, params: &Params, base: &str) -> Vec<Value> {
    let wanted = params.state.as_deref().filter(|state| *state != "all");
    let mut items: Vec<_> = world
        .visible_items(reader, project, Kind::Issue)
        .filter(|item| wanted.is_none_or(|state| state == item.state.as_str()))
        .filter(|item| params.updated_after.is_none_or(|from| item.updated >= from))
        .filter(|item| params.updated_before.is_none_or(|to| item.updated <= to))
        .collect();
    items.sort_by_key(|item| match params.order_by.as_deref() {
        Some("updated_at") => (item.updated, item.id),
        _ => (item.created, item.id),
    });
    if params.sort.as_deref() != Some("asc") {
        items.reverse();
    }
    items.into_iter().map(|item| issue(world, reader, item, base)).collect()
}

fn issue(world: &World, reader: Reader, item: &Item, base: &str) -> Value {
    let project = &world.projects[item.project];
    let labels: Vec<&str> = item.labels.iter().map(|&at| project.labels[at].title.as_str()).collect();
    let assignees: Vec<Value> = item.assignees.iter().map(|&at| user(world, at, base)).collect();
    let comments = world.visible_notes(reader, item).filter(|note| !note.system).count();
    json!({
        "id": item.id,
        "iid": item.iid,
        "project_id": project.id,
        "title": item.title,
        "description": &*item.description,
        "state": item.state.as_str(),
        "author": user(world, item.author, base),
        "assignees": assignees,
        "labels": labels,
        "confidential": item.confidential,
        "discussion_locked": item.locked,
        "weight": item.weight,
        "due_date": item.due.map(|when| when.date_naive().to_string()),
        "user_notes_count": comments,
        "upvotes": item.upvotes,
        "downvotes": item.downvotes,
        "created_at": time(item.created),
        "updated_at": time(item.updated),
        "closed_at": item.closed.map(time),
        "web_url": format!("{base}/{}/-/issues/{}", project.full_path, item.iid),
    })
}

fn user(world: &World, at: usize, base: &str) -> Value {
    let one = &world.people[at];
    json!({
        "id": one.id,
        "username": one.username,
        "name": one.name,
        "state": if one.blocked { "blocked" } else { "active" },
        "bot": one.bot,
        "avatar_url": null,
        "web_url": format!("{base}/{}", one.username),
    })
}

fn token(world: &World, at: usize) -> Value {
    let one = &world.people[at];
    json!({
        "id": one.id,
        "name": "demo",
        "revoked": false,
        "active": true,
        "scopes": ["read_api"],
        "user_id": one.id,
        "created_at": time(one.created),
        "last_used_at": time(Utc::now()),
        "expires_at": null,
    })
}
