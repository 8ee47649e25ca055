//! Who may see what. Memberships are inherited downwards; seeing a project opens the groups above it.

use super::model::{DEVELOPER, Item, Kind, Level, MAINTAINER, Note, Project, REPORTER, Visibility, World};

/// A reader: a signed-in person by index, or nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reader(pub(crate) Option<usize>);

impl World {
    /// The highest level that the reader holds in a group or in one above it.
    pub(crate) fn group_level(&self, reader: Reader, group: usize) -> Level {
        self.lineage(group)
            .flat_map(|at| &self.groups[at].members)
            .filter(|one| Some(one.person) == reader.0)
            .map(|one| one.level)
            .max()
            .unwrap_or(0)
    }

    pub(crate) fn project_level(&self, reader: Reader, project: usize) -> Level {
        let own = self.projects[project]
            .members
            .iter()
            .filter(|one| Some(one.person) == reader.0)
            .map(|one| one.level)
            .max()
            .unwrap_or(0);
        own.max(self.group_level(reader, self.projects[project].group))
    }

    pub(crate) fn sees_project(&self, reader: Reader, project: usize) -> bool {
        open_to(reader, self.projects[project].visibility) || self.project_level(reader, project) > 0
    }

    pub(crate) fn sees_group(&self, reader: Reader, group: usize) -> bool {
        open_to(reader, self.groups[group].visibility)
            || self.group_level(reader, group) > 0
            || (0..self.projects.len()).any(|at| {
                self.project_level(reader, at) > 0 && self.lineage(self.projects[at].group).any(|above| above == group)
            })
    }

    /// Whether confidential issues and internal notes of a project are for this reader.
    pub(crate) fn trusted(&self, reader: Reader, project: usize) -> bool {
        self.project_level(reader, project) >= REPORTER
    }

    /// Whether a reader gets at the code of a project: anyone to whom it is open, and its reporters.
    pub(crate) fn reads_code(&self, reader: Reader, project: usize) -> bool {
        open_to(reader, self.projects[project].visibility) || self.trusted(reader, project)
    }

    pub(crate) fn reads_pipelines(&self, reader: Reader, project: usize) -> bool {
        self.projects[project].ci_enabled && self.reads_code(reader, project)
    }

    /// Whether what scanners have found in a project is for this reader.
    pub(crate) fn reads_weaknesses(&self, reader: Reader, project: usize) -> bool {
        self.project_level(reader, project) >= DEVELOPER
    }

    /// Whether this reader may list the files that were put into a project's texts.
    pub(crate) fn lists_attachments(&self, reader: Reader, project: usize) -> bool {
        self.project_level(reader, project) >= MAINTAINER
    }

    /// The items of a kind in a project that the reader may see. A disabled feature looks like an empty list.
    pub(crate) fn visible_items(
        &self,
        reader: Reader,
        project: usize,
        kind: Kind,
    ) -> impl Iterator<Item = &std::sync::Arc<Item>> {
        let on = enabled(&self.projects[project], kind) && self.sees_project(reader, project);
        let trusted = self.trusted(reader, project);
        self.items(kind)[project].iter().filter(move |item| on && (trusted || !item.confidential))
    }

    /// The notes of an item that the reader may see.
    pub(crate) fn visible_notes<'a>(&self, reader: Reader, item: &'a Item) -> impl Iterator<Item = &'a Note> + use<'a> {
        let trusted = self.trusted(reader, item.project);
        item.notes.iter().filter(move |note| trusted || !note.internal)
    }
}

fn open_to(reader: Reader, visibility: Visibility) -> bool {
    match visibility {
        Visibility::Public => true,
        Visibility::Internal => reader.0.is_some(),
        Visibility::Private => false,
    }
}

fn enabled(project: &Project, kind: Kind) -> bool {
    match kind {
        Kind::Issue => project.issues_enabled,
        Kind::MergeRequest => project.merge_requests_enabled,
    }
}
