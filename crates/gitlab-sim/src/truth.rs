//! The truth, for comparing a mirror with it.

use serde::{Deserialize, Serialize};

use crate::forge::{
    model::{Kind, World},
    rights::Reader,
};

/// How many objects there are, in whole or for one user.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    out
}
