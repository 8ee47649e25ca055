//! What the forge holds. A `World` is an immutable snapshot to its readers: whoever changes it clones it, which
//! copies pointers only, so each answer is made from one moment.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{pipelines::Pipeline, repository::Repository};

pub(crate) type When = DateTime<Utc>;

/// GitLab's access levels, as numbers; 0 is none.
pub(crate) type Level = i32;
pub(crate) const GUEST: Level = 10;
pub(crate) const REPORTER: Level = 20;
pub(crate) const DEVELOPER: Level = 30;
pub(crate) const MAINTAINER: Level = 40;
pub(crate) const OWNER: Level = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visibility {
    Private,
    Internal,
    Public,
}

impl Visibility {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Private => "private",
            Self::Internal => "internal",
            Self::Public => "public",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) id: u64,
    pub(crate) username: String,
    pub(crate) name: String,
    pub(crate) bot: bool,
    pub(crate) blocked: bool,
    pub(crate) created: When,
}

/// A membership of a person (by index) in the group or project that holds it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) id: u64,
    pub(crate) person: usize,
    pub(crate) level: Level,
    pub(crate) created: When,
}

#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) id: u64,
    /// Index of the group above.
    pub(crate) parent: Option<usize>,
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) full_path: String,
    pub(crate) full_name: String,
    pub(crate) description: String,
    pub(crate) visibility: Visibility,
    pub(crate) created: When,
    pub(crate) updated: When,
    pub(crate) members: Vec<Member>,
}

#[derive(Debug)]
pub(crate) struct Label {
    pub(crate) id: u64,
    pub(crate) title: String,
    pub(crate) color: &'static str,
    pub(crate) description: Option<&'static str>,
    pub(crate) created: When,
}

#[derive(Debug, Clone)]
pub(crate) struct Milestone {
    pub(crate) id: u64,
    pub(crate) iid: u64,
    pub(crate) title: String,
    pub(crate) closed: bool,
    /// Its due date has passed.
    pub(crate) expired: bool,
    pub(crate) start: When,
    pub(crate) due: When,
    pub(crate) created: When,
    pub(crate) updated: When,
}

#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own in GitLab as well")]
pub(crate) struct Project {
    pub(crate) id: u64,
    /// Index of the group that it is in.
    pub(crate) group: usize,
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) full_path: String,
    pub(crate) name_with_namespace: String,
    pub(crate) description: String,
    pub(crate) visibility: Visibility,
    pub(crate) archived: bool,
    pub(crate) issues_enabled: bool,
    pub(crate) merge_requests_enabled: bool,
    pub(crate) ci_enabled: bool,
    pub(crate) stars: i32,
    pub(crate) topics: Vec<&'static str>,
    pub(crate) created: When,
    pub(crate) updated: When,
    pub(crate) last_activity: When,
    pub(crate) members: Vec<Member>,
    pub(crate) labels: Vec<Arc<Label>>,
    pub(crate) milestones: Vec<Arc<Milestone>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Issue,
    MergeRequest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Opened,
    Closed,
    Merged,
}

impl State {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Closed => "closed",
            Self::Merged => "merged",
        }
    }
}

/// An issue or a merge request; what only the latter has is in `merge`.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    pub(crate) id: u64,
    pub(crate) iid: u64,
    /// Index of its project.
    pub(crate) project: usize,
    pub(crate) title: String,
    pub(crate) description: Arc<str>,
    pub(crate) state: State,
    pub(crate) author: usize,
    pub(crate) assignees: Vec<usize>,
    /// Indexes into the labels of its project.
    pub(crate) labels: Vec<usize>,
    pub(crate) milestone: Option<usize>,
    pub(crate) created: When,
    pub(crate) updated: When,
    pub(crate) closed: Option<When>,
    pub(crate) confidential: bool,
    pub(crate) locked: bool,
    pub(crate) task: bool,
    pub(crate) weight: Option<i32>,
    pub(crate) due: Option<When>,
    pub(crate) estimate_s: i32,
    pub(crate) spent_s: i32,
    pub(crate) upvotes: i32,
    pub(crate) downvotes: i32,
    /// Oldest first.
    pub(crate) notes: Vec<Note>,
    pub(crate) merge: Option<Box<Merge>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Merge {
    pub(crate) draft: bool,
    pub(crate) source_branch: String,
    pub(crate) target_branch: &'static str,
    pub(crate) reviewers: Vec<usize>,
    pub(crate) approved_by: Vec<usize>,
    pub(crate) merged: Option<When>,
    pub(crate) merged_by: Option<usize>,
    pub(crate) head_sha: String,
    pub(crate) commit_sha: Option<String>,
    pub(crate) additions: i32,
    pub(crate) deletions: i32,
    pub(crate) files: i32,
    pub(crate) commits: i32,
    pub(crate) squash: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Note {
    pub(crate) id: u64,
    pub(crate) author: usize,
    pub(crate) body: Arc<str>,
    pub(crate) created: When,
    pub(crate) updated: When,
    pub(crate) system: bool,
    pub(crate) internal: bool,
    /// Part of a thread: GitLab gives it another global id.
    pub(crate) thread: bool,
}

/// One moment of the whole forge.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub(crate) people: Vec<Arc<Person>>,
    pub(crate) groups: Vec<Arc<Group>>,
    pub(crate) projects: Vec<Arc<Project>>,
    /// Per project, by creation.
    pub(crate) issues: Vec<Vec<Arc<Item>>>,
    pub(crate) merge_requests: Vec<Vec<Arc<Item>>>,
    /// Per project.
    pub(crate) repositories: Vec<Arc<Repository>>,
    /// Per project, by id.
    pub(crate) pipelines: Vec<Vec<Arc<Pipeline>>>,
    pub(crate) last_issue: u64,
    pub(crate) last_merge_request: u64,
    pub(crate) last_note: u64,
    pub(crate) last_label: u64,
    pub(crate) last_release: u64,
    pub(crate) last_pipeline: u64,
}

impl World {
    pub(crate) fn items(&self, kind: Kind) -> &[Vec<Arc<Item>>] {
        match kind {
            Kind::Issue => &self.issues,
            Kind::MergeRequest => &self.merge_requests,
        }
    }

    pub(crate) fn items_mut(&mut self, kind: Kind) -> &mut [Vec<Arc<Item>>] {
        match kind {
            Kind::Issue => &mut self.issues,
            Kind::MergeRequest => &mut self.merge_requests,
        }
    }

    pub(crate) fn person(&self, username: &str) -> Option<usize> {
        self.people.iter().position(|one| one.username == username)
    }

    /// The group and all those above it, from the inside out.
    pub(crate) fn lineage(&self, group: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(group), |&at| self.groups[at].parent)
    }
}
