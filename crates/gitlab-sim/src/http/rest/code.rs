//! Branches, tags, releases and commits.

use std::cmp::Reverse;

use actix_web::HttpResponse;
use chrono::Utc;
use serde_json::{Value, json};

use super::{Ask, time, user};
use crate::forge::{
    model::{DEVELOPER, MAINTAINER},
    repository::{Branch, Commit, DEFAULT_BRANCH, Release, Repository, Tag},
};

pub(super) fn branches(ask: &Ask<'_>, at: usize) -> HttpResponse {
    let project = &ask.world.projects[at];
    let repository = &*ask.world.repositories[at];
    let level = if project.archived { 0 } else { ask.world.project_level(ask.reader, at) };
    let head = repository.branches.first().map(|one| one.head);
    let merged = repository.reached(head);
    let mut branches: Vec<&Branch> = repository.branches.iter().collect();
    branches.sort_by_key(|one| &one.name);
    ask.paged(branches, |one| {
        json!({
            "name": one.name,
            "commit": commit(ask, at, &repository.commits[one.head], repository),
            "merged": Some(one.head) != head && merged[one.head],
            "protected": one.protected(),
            "developers_can_push": false,
            "developers_can_merge": false,
            "can_push": level >= if one.protected() { MAINTAINER } else { DEVELOPER },
            "default": one.name == DEFAULT_BRANCH,
            "web_url": format!("{}/{}/-/tree/{}", ask.base, project.full_path, one.name),
        })
    })
}

pub(super) fn tags(ask: &Ask<'_>, at: usize) -> HttpResponse {
    let repository = &*ask.world.repositories[at];
    let mut tags: Vec<&Tag> = repository.tags.iter().collect();
    if ask.params.order_by.as_deref() == Some("name") {
        tags.sort_by_key(|one| &one.name);
    } else {
        tags.sort_by_key(|one| (repository.tagged(one), &one.name));
    }
    if ask.params.sort.as_deref() != Some("asc") {
        tags.reverse();
    }
    ask.paged(tags, |one| {
        let target = &repository.commits[one.commit];
        json!({
            "name": one.name,
            "message": one.annotation.as_ref().map_or("", |annotation| &annotation.message),
            "target": one.annotation.as_ref().map_or(&target.sha, |annotation| &annotation.sha),
            "commit": commit(ask, at, target, repository),
            "release": one.release.as_ref().map(|release| {
                json!({ "tag_name": one.name, "description": release.description })
            }),
            "protected": false,
            "created_at": one.annotation.as_ref().map(|annotation| time(annotation.created)),
        })
    })
}

pub(super) fn releases(ask: &Ask<'_>, at: usize) -> HttpResponse {
    let repository = &*ask.world.repositories[at];
    let tags = repository.tags.iter();
    let mut releases: Vec<(&Tag, &Release)> = tags.filter_map(|tag| Some((tag, tag.release.as_ref()?))).collect();
    releases.sort_by_key(|(_, one)| (one.created, one.id));
    if ask.params.sort.as_deref() != Some("asc") {
        releases.reverse();
    }
    ask.paged(releases, |(tag, one)| release(ask, at, tag, one))
}

/// Who does not get at the code is told that there was a release, but not of which tag.
fn release(ask: &Ask<'_>, at: usize, tag: &Tag, one: &Release) -> Value {
    let path = &ask.world.projects[at].full_path;
    let mut row = json!({
        "name": format!("Release-{}", one.id),
        "description": one.description,
        "created_at": time(one.created),
        "released_at": time(one.created),
        "upcoming_release": one.created > Utc::now(),
        "author": user(ask.world, one.author, ask.base),
        "assets": { "count": 0, "links": [] },
        "_links": {},
    });
    if ask.world.reads_code(ask.reader, at) {
        let repository = &*ask.world.repositories[at];
        let target = &repository.commits[tag.commit];
        row["name"] = one.name.as_str().into();
        row["tag_name"] = tag.name.as_str().into();
        row["commit"] = commit(ask, at, target, repository);
        row["commit_path"] = format!("/{path}/-/commit/{}", target.sha).into();
        row["tag_path"] = format!("/{path}/-/tags/{}", tag.name).into();
        row["assets"]["sources"] = json!([]);
        row["_links"]["self"] = format!("{}/{path}/-/releases/{}", ask.base, tag.name).into();
    }
    row
}

pub(super) fn commits(ask: &Ask<'_>, at: usize) -> HttpResponse {
    let params = ask.params;
    let repository = &*ask.world.repositories[at];
    let reached = if params.all == Some(true) {
        repository.reached(repository.all_refs())
    } else {
        repository.reached(repository.resolve(params.ref_name.as_deref().unwrap_or(DEFAULT_BRANCH)))
    };
    let mut commits: Vec<(usize, &Commit)> = repository
        .commits
        .iter()
        .map(AsRef::as_ref)
        .enumerate()
        .filter(|&(nth, _)| reached[nth])
        .filter(|(_, one)| params.since.is_none_or(|from| one.committed >= from))
        .filter(|(_, one)| params.until.is_none_or(|to| one.committed <= to))
        .collect();
    commits.sort_by_key(|&(nth, one)| Reverse((one.committed, nth)));
    ask.uncounted(commits, |(_, one)| commit(ask, at, one, repository))
}

fn commit(ask: &Ask<'_>, project: usize, one: &Commit, repository: &Repository) -> Value {
    let (author, committer) = (&ask.world.people[one.author], &ask.world.people[one.committer]);
    let parents: Vec<&str> = one.parents.iter().map(|&at| repository.commits[at].sha.as_str()).collect();
    json!({
        "id": one.sha,
        "short_id": &one.sha[..8],
        "created_at": time(one.committed),
        "parent_ids": parents,
        "title": one.title,
        "message": one.message,
        "author_name": author.name,
        "author_email": format!("{}@forge.example", author.username),
        "authored_date": time(one.authored),
        "committer_name": committer.name,
        "committer_email": format!("{}@forge.example", committer.username),
        "committed_date": time(one.committed),
        "trailers": {},
        "extended_trailers": {},
        "web_url": format!("{}/{}/-/commit/{}", ask.base, ask.world.projects[project].full_path, one.sha),
    })
}
