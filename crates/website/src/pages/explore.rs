//! `/explore`: all groups and projects.

use super::{
    area::AreaRow,
    frame::{Frame, Section},
    link::{self, Query},
    parts,
    tree::{self, Visit},
    words,
};
use askama::Template;
use chrono::{DateTime, Utc};
use trawl_jobs::{AreaKind, RecordKind};

/// The tree of groups and projects.
#[derive(Debug, Template)]
#[template(path = "explore.html")]
pub struct Explore {
    /// What surrounds the page.
    pub frame: Frame,
    /// How many accounts the user has linked; 0 shows how to begin.
    pub linked_accounts: i64,
    /// `q`: text in the path or name. A search shows a flat list instead of the tree.
    pub q: String,
    /// Everything that the user may see, or what the search found, in any order: the page makes the tree from the
    /// paths.
    pub areas: Vec<AreaRow>,
    /// Whether more were found than are listed.
    pub more: bool,
    /// Objects that the search found, best first.
    pub objects: Vec<FoundRow>,
    /// `kind`: objects of this kind only.
    pub kind: Option<RecordKind>,
}

/// One object that a search found.
#[derive(Debug, Clone)]
pub struct FoundRow {
    /// Our id.
    pub id: i64,
    /// What it is.
    pub kind: RecordKind,
    /// Title, or for what has none its text.
    pub title: String,
    /// Its page here, where there is one.
    pub href: Option<String>,
    /// Its page in GitLab.
    pub web_url: Option<String>,
    /// Path of its group or project.
    pub path: String,
    /// Username of the author.
    pub author: Option<String>,
    /// Last change, or when it was made.
    pub at: Option<DateTime<Utc>>,
    /// What stands around the words, where they are in its text.
    pub excerpt: Option<String>,
}

impl FoundRow {
    fn link(&self) -> Option<&str> {
        self.href.as_deref().or_else(|| link::external(self.web_url.as_deref()))
    }
}

/// A link that changes of what kind the objects are.
#[derive(Debug)]
struct KindChip {
    href: String,
    word: &'static str,
    on: bool,
}

impl Explore {
    const SECTION: Section = Section::Explore;
    const LIVE: &str = "area account";

    fn walk(&self) -> Vec<Visit<'_>> {
        tree::walk(&self.areas)
    }

    fn kind_chips(&self) -> Vec<KindChip> {
        let kinds = [
            RecordKind::Issue,
            RecordKind::MergeRequest,
            RecordKind::Note,
            RecordKind::Commit,
            RecordKind::Milestone,
            RecordKind::Release,
        ];
        let chip = |kind: Option<RecordKind>| KindChip {
            href: Query::new("/explore")
                .with("q", Some(self.q.as_str()))
                .with("kind", kind.map(RecordKind::as_str))
                .url(),
            word: kind.map_or("all", RecordKind::plural),
            on: self.kind == kind,
        };
        std::iter::once(None).chain(kinds.into_iter().map(Some)).map(chip).collect()
    }

    /// The flat list that a search shows.
    fn found(&self) -> Vec<&AreaRow> {
        let mut found: Vec<_> = self.areas.iter().collect();
        found.sort_by(|a, b| a.full_path.cmp(&b.full_path));
        found
    }

    fn counts(&self) -> String {
        let projects = self.areas.iter().map(|area| i64::from(area.kind == AreaKind::Project)).sum::<i64>();
        let groups = words::len(&self.areas) - projects;
        let (groups, projects) =
            (words::plural(groups, "group", "groups"), words::plural(projects, "project", "projects"));
        format!("{groups}, {projects}")
    }
}
