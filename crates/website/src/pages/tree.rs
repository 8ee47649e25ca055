//! The tree of groups and projects, made from their paths.

use super::area::{AreaRow, Completeness};
use chrono::{DateTime, Utc};
use std::collections::{BTreeMap, HashSet};
use trawl_jobs::AreaKind;

/// A step of a walk through the tree, so that a template needs no recursion.
#[derive(Debug)]
pub enum Visit<'a> {
    /// A group, followed by what it contains, and [`Visit::Leave`].
    Enter(&'a AreaRow, Below),
    /// The group's end.
    Leave,
    /// A project, and its depth.
    Leaf(&'a AreaRow, usize),
}

/// What is below a group, at any depth.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Below {
    /// Depth of the group itself, 0 at the top.
    pub depth: usize,
    /// Projects.
    pub projects: i64,
    /// Projects that are complete.
    pub complete: i64,
    /// The oldest last pass among its projects; none while one of them has had no pass.
    pub synced_at: Option<DateTime<Utc>>,
    /// Mirrored issues.
    pub issues: i64,
    /// Mirrored merge requests.
    pub merge_requests: i64,
}

/// Walks through the areas: groups before projects, each in the order of their names. An area whose group is not
/// among them stands at the top.
#[must_use]
pub fn walk(areas: &[AreaRow]) -> Vec<Visit<'_>> {
    let groups: HashSet<&str> =
        areas.iter().filter(|area| area.kind == AreaKind::Group).map(|area| area.full_path.as_str()).collect();
    let mut children: BTreeMap<Option<&str>, Vec<&AreaRow>> = BTreeMap::new();
    for area in areas {
        let parent = area.parent_path().filter(|parent| groups.contains(parent));
        children.entry(parent).or_default().push(area);
    }
    for siblings in children.values_mut() {
        siblings.sort_by_cached_key(|area| (area.kind == AreaKind::Project, area.name.to_lowercase(), area.id));
    }
    let mut visits = Vec::with_capacity(areas.len() * 2);
    descend(&children, None, 0, &mut visits);
    visits
}

fn descend<'a>(
    children: &BTreeMap<Option<&'a str>, Vec<&'a AreaRow>>,
    parent: Option<&'a str>,
    depth: usize,
    visits: &mut Vec<Visit<'a>>,
) -> Below {
    let mut sum = Below { depth, ..Below::default() };
    let mut oldest = Vec::new();
    for area in children.get(&parent).into_iter().flatten() {
        match area.kind {
            AreaKind::Project => {
                sum.projects += 1;
                sum.complete += i64::from(area.completeness == Completeness::Complete);
                sum.issues += area.issues;
                sum.merge_requests += area.merge_requests;
                oldest.push(area.synced_at);
                visits.push(Visit::Leaf(area, depth));
            }
            AreaKind::Group => {
                let entered = visits.len();
                visits.push(Visit::Leave);
                let below = descend(children, Some(&area.full_path), depth + 1, visits);
                visits.push(Visit::Leave);
                sum.projects += below.projects;
                sum.complete += below.complete;
                sum.issues += below.issues;
                sum.merge_requests += below.merge_requests;
                if below.projects > 0 {
                    oldest.push(below.synced_at);
                }
                visits[entered] = Visit::Enter(area, Below { depth, ..below });
            }
        }
    }
    // None sorts first: one project without a pass makes the group stale.
    sum.synced_at = oldest.into_iter().min().flatten();
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn area(kind: AreaKind, path: &str, minute: Option<u32>) -> AreaRow {
        AreaRow {
            id: 1,
            kind,
            full_path: path.to_owned(),
            name: path.rsplit('/').next().unwrap().to_owned(),
            archived: false,
            issues: 10,
            merge_requests: 1,
            synced_at: minute.map(|minute| format!("2026-11-22T12:{minute:02}:00Z").parse().unwrap()),
            completeness: if minute.is_some() { Completeness::Complete } else { Completeness::Pending },
        }
    }

    fn told(visits: &[Visit]) -> String {
        let words = visits.iter().map(|visit| match visit {
            Visit::Enter(area, below) => format!("{}({}/{}", area.name, below.complete, below.projects),
            Visit::Leave => ")".to_owned(),
            Visit::Leaf(area, _) => area.name.clone(),
        });
        words.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn groups_come_first_and_count_what_is_below() {
        let areas = [
            area(AreaKind::Project, "platform/portal", Some(3)),
            area(AreaKind::Project, "platform/infra/router", None),
            area(AreaKind::Group, "platform/infra", Some(1)),
            area(AreaKind::Project, "platform/infra/gateway", Some(5)),
            area(AreaKind::Group, "platform", Some(1)),
            area(AreaKind::Project, "maria/notes", Some(9)),
        ];
        let visits = walk(&areas);
        assert_eq!(told(&visits), "platform(2/3 infra(1/2 gateway router ) portal ) notes");
        let Visit::Enter(_, below) = &visits[0] else { panic!("a group comes first") };
        assert_eq!((below.depth, below.issues, below.merge_requests, below.synced_at), (0, 30, 3, None));
        let Visit::Enter(_, below) = &visits[1] else { panic!("its group comes next") };
        assert_eq!(below.depth, 1);
    }

    #[test]
    fn a_group_is_as_fresh_as_its_stalest_project() {
        let areas = [
            area(AreaKind::Group, "a", None),
            area(AreaKind::Project, "a/x", Some(7)),
            area(AreaKind::Project, "a/y", Some(2)),
        ];
        let visits = walk(&areas);
        let Visit::Enter(_, below) = &visits[0] else { panic!("a group comes first") };
        assert_eq!(below.synced_at, areas[2].synced_at);
        assert!(walk(&[]).is_empty());
    }
}
