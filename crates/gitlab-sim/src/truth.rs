//! The truth, for comparing a mirror with it.

use serde::{Deserialize, Serialize};

use crate::forge::{
    extras::{self, Named},
    model::{Kind, World},
    rights::Reader,
};

/// How many objects there are, in whole or for one user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Groups.
    pub groups: usize,
    /// Projects.
    pub projects: usize,
    /// Issues in projects that have issues enabled.
    pub issues: usize,
    /// Merge requests in projects that have them enabled.
    pub merge_requests: usize,
    /// Notes on those issues and merge requests.
    pub notes: usize,
    /// Labels of projects.
    pub labels: usize,
    /// Milestones of projects.
    pub milestones: usize,
    /// Direct memberships in groups and projects.
    pub members: usize,
    /// Branches.
    pub branches: usize,
    /// Tags.
    pub tags: usize,
    /// Releases whose tag may be seen.
    pub releases: usize,
    /// Commits that a branch or a tag leads to.
    pub commits: usize,
    /// Pipelines in projects that have CI enabled.
    pub pipelines: usize,
}

/// Lists of which `Sim::keys` knows what is in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListKind {
    /// Labels, by name.
    Labels,
    /// Milestones, by id.
    Milestones,
    /// Direct members of projects and groups, by id of the user.
    Members,
    /// Branches, by name.
    Branches,
    /// Tags, by name.
    Tags,
    /// Releases, by name of the tag.
    Releases,
    /// Commits of all branches and tags, by id.
    Commits,
    /// Pipelines, by id.
    Pipelines,
    /// Jobs of pipelines, by id.
    PipelineJobs,
    /// Deployments, by id.
    Deployments,
    /// Environments, by id.
    Environments,
    /// Schedules of pipelines, by id.
    PipelineSchedules,
    /// Snippets, by id.
    Snippets,
    /// Pages of wikis, by slug.
    WikiPages,
    /// Packages, by id.
    Packages,
    /// Container repositories, by id.
    ContainerRepositories,
    /// Boards, by id.
    Boards,
    /// Iterations of groups, by id.
    Iterations,
    /// Epics of groups, by id.
    Epics,
    /// Time spent on issues and merge requests, by id.
    Timelogs,
    /// What tests came to, by id of the pipeline.
    TestReports,
    /// Weaknesses, by id.
    Vulnerabilities,
    /// Files in texts, by id.
    Attachments,
}

/// One issue or merge request as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// Numeric id.
    pub id: u64,
    /// Number within the project.
    pub iid: u64,
    /// Numeric id of the project.
    pub project_id: u64,
    /// Title.
    pub title: String,
    /// `opened`, `closed` or `merged`.
    pub state: String,
    /// As GraphQL writes it: UTC, whole seconds.
    pub updated_at: String,
    /// How many notes, system notes among them.
    pub notes: usize,
}

/// Who is asked about: everything there is, what a user sees, or what a user sees and is a member of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    All,
    Seen(Reader),
    Member(Reader),
}

impl Scope {
    fn project(self, world: &World, at: usize) -> bool {
        match self {
            Self::All => true,
            Self::Seen(reader) => world.sees_project(reader, at),
            Self::Member(reader) => world.project_level(reader, at) > 0,
        }
    }

    fn group(self, world: &World, at: usize) -> bool {
        match self {
            Self::All => true,
            Self::Seen(reader) => world.sees_group(reader, at),
            Self::Member(reader) => world.group_level(reader, at) > 0,
        }
    }

    /// maria sees everything, so "all" is what she sees.
    fn reader(self) -> Reader {
        match self {
            Self::All => Reader(Some(crate::forge::generate::MARIA_AT)),
            Self::Seen(reader) | Self::Member(reader) => reader,
        }
    }
}

pub(crate) fn facts(world: &World, kind: Kind, scope: Scope) -> Vec<Fact> {
    let reader = scope.reader();
    let mut out: Vec<Fact> = (0..world.projects.len())
        .filter(|&at| scope.project(world, at))
        .flat_map(|at| world.visible_items(reader, at, kind))
        .map(|item| Fact {
            id: item.id,
            iid: item.iid,
            project_id: world.projects[item.project].id,
            title: item.title.clone(),
            state: item.state.as_str().to_owned(),
            updated_at: crate::graphql::scalars::time_text(item.updated),
            notes: world.visible_notes(reader, item).count(),
        })
        .collect();
    out.sort_unstable_by_key(|fact| fact.id);
    out
}

pub(crate) fn counts(world: &World, scope: Scope) -> Counts {
    let reader = scope.reader();
    let projects: Vec<usize> = (0..world.projects.len()).filter(|&at| scope.project(world, at)).collect();
    let mut out = Counts {
        groups: (0..world.groups.len()).filter(|&at| scope.group(world, at)).count(),
        projects: projects.len(),
        ..Counts::default()
    };
    for at in projects {
        for item in world.visible_items(reader, at, Kind::Issue) {
            out.issues += 1;
            out.notes += world.visible_notes(reader, item).count();
        }
        for item in world.visible_items(reader, at, Kind::MergeRequest) {
            out.merge_requests += 1;
            out.notes += world.visible_notes(reader, item).count();
        }
    }
    let listed = |kind| keys(world, kind, scope).len();
    out.labels = listed(ListKind::Labels);
    out.milestones = listed(ListKind::Milestones);
    out.members = listed(ListKind::Members);
    out.branches = listed(ListKind::Branches);
    out.tags = listed(ListKind::Tags);
    out.releases = listed(ListKind::Releases);
    out.commits = listed(ListKind::Commits);
    out.pipelines = listed(ListKind::Pipelines);
    out
}

/// What is in the lists of a kind, each with the number of its project (or `g` and that of its group), sorted.
pub(crate) fn keys(world: &World, kind: ListKind, scope: Scope) -> Vec<String> {
    let reader = scope.reader();
    let mut out = Vec::new();
    for at in (0..world.projects.len()).filter(|&at| scope.project(world, at)) {
        let id = world.projects[at].id;
        out.extend(names(world, kind, reader, at).into_iter().map(|name| format!("{id}/{name}")));
    }
    for at in (0..world.groups.len()).filter(|&at| scope.group(world, at)) {
        let id = world.groups[at].id;
        out.extend(names_of_group(world, kind, at).into_iter().map(|name| format!("g{id}/{name}")));
    }
    out.sort_unstable();
    out
}

fn ids(named: Named) -> Vec<String> {
    named.into_iter().map(|(id, _)| id.to_string()).collect()
}

fn names_of_group(world: &World, kind: ListKind, at: usize) -> Vec<String> {
    match kind {
        ListKind::Members => {
            let members = &world.groups[at].members;
            members.iter().map(|one| world.people[one.person].id.to_string()).collect()
        }
        ListKind::Labels => extras::group_labels(world, at).into_iter().map(|(_, name)| name).collect(),
        ListKind::Milestones => ids(extras::group_milestones(world, at)),
        ListKind::Iterations => ids(extras::iterations(world, at)),
        ListKind::Epics => ids(extras::epics(world, at)),
        _ => Vec::new(),
    }
}

fn names(world: &World, kind: ListKind, reader: Reader, at: usize) -> Vec<String> {
    let project = &world.projects[at];
    let repository = &world.repositories[at];
    let open = match kind {
        ListKind::Labels
        | ListKind::Milestones
        | ListKind::Members
        | ListKind::Snippets
        | ListKind::WikiPages
        | ListKind::Boards
        | ListKind::Iterations
        | ListKind::Epics
        | ListKind::Timelogs => true,
        ListKind::Branches
        | ListKind::Tags
        | ListKind::Releases
        | ListKind::Commits
        | ListKind::Packages
        | ListKind::ContainerRepositories => world.reads_code(reader, at),
        ListKind::Pipelines
        | ListKind::PipelineJobs
        | ListKind::Deployments
        | ListKind::Environments
        | ListKind::PipelineSchedules
        | ListKind::TestReports => world.reads_pipelines(reader, at),
        ListKind::Vulnerabilities => world.reads_weaknesses(reader, at),
        ListKind::Attachments => world.lists_attachments(reader, at),
    };
    if !open {
        return Vec::new();
    }
    match kind {
        ListKind::Labels => project.labels.iter().map(|one| one.title.clone()).collect(),
        ListKind::Milestones => project.milestones.iter().map(|one| one.id.to_string()).collect(),
        ListKind::Members => project.members.iter().map(|one| world.people[one.person].id.to_string()).collect(),
        ListKind::Branches => repository.branches.iter().map(|one| one.name.clone()).collect(),
        ListKind::Tags => repository.tags.iter().map(|one| one.name.clone()).collect(),
        ListKind::Releases => {
            let tags = repository.tags.iter().filter(|one| one.release.is_some());
            tags.map(|one| one.name.clone()).collect()
        }
        ListKind::Commits => {
            let reached = repository.reached(repository.all_refs());
            let commits = repository.commits.iter().zip(reached).filter(|(_, reached)| *reached);
            commits.map(|(one, _)| one.sha.clone()).collect()
        }
        ListKind::Pipelines => world.pipelines[at].iter().map(|one| one.id.to_string()).collect(),
        ListKind::PipelineJobs => {
            let jobs = world.pipelines[at].iter().flat_map(|one| extras::jobs(one));
            jobs.map(|job| job.id.to_string()).collect()
        }
        ListKind::Deployments => {
            extras::deployments(world, at).map(|one| extras::deployment_id(one).to_string()).collect()
        }
        ListKind::Environments => ids(extras::environments(world, at)),
        ListKind::PipelineSchedules => ids(extras::schedules(world, at)),
        ListKind::Snippets => ids(extras::snippets(world, at)),
        ListKind::WikiPages => extras::wiki_pages(world, at).into_iter().map(str::to_owned).collect(),
        ListKind::Packages => ids(extras::packages(world, at)),
        ListKind::ContainerRepositories => ids(extras::container_repositories(world, at)),
        ListKind::Boards => ids(extras::boards(world, at)),
        ListKind::TestReports => {
            let tested = world.pipelines[at].iter().filter(|one| extras::tests(one).is_some());
            tested.map(|one| one.id.to_string()).collect()
        }
        ListKind::Vulnerabilities => ids(extras::vulnerabilities(world, at)),
        ListKind::Attachments => ids(extras::attachments(world, at)),
        ListKind::Iterations | ListKind::Epics => Vec::new(),
        ListKind::Timelogs => {
            let items = |kind| world.visible_items(reader, at, kind);
            let items = items(Kind::Issue).chain(items(Kind::MergeRequest));
            items.flat_map(|item| extras::time_spent(item)).map(|spent| spent.id.to_string()).collect()
        }
    }
}
