//! `/explore`: all groups and projects.

use super::{
    area::AreaRow,
    frame::{Frame, Section},
    parts,
    tree::{self, Visit},
    words,
};
use askama::Template;
use trawl_jobs::AreaKind;

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
}

impl Explore {
    const SECTION: Section = Section::Explore;
    const LIVE: &str = "area account";

    fn walk(&self) -> Vec<Visit<'_>> {
        tree::walk(&self.areas)
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
