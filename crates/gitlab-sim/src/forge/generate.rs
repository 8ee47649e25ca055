//! Makes the forge of a seed: first its frame (people, groups, projects), then what people wrote in it.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{
    dice::Dice,
    layout::{GROUPS, MARIA, PROJECTS, ProjectPlan, Special, TOM, TOM_GROUPS, TOM_PROJECTS, placed},
    model::{
        DEVELOPER, GUEST, Group, Kind, Label, MAINTAINER, Member, Milestone, OWNER, Person, Project, REPORTER,
        Visibility, When, World,
    },
    words::{LABELS, PEOPLE},
};

/// Index of the owner, who is always there.
pub(crate) const MARIA_AT: usize = 0;
pub(crate) const TOM_AT: usize = 1;

pub(crate) fn generate(seed: u64, scale: f64, copies: usize, epoch: When) -> World {
    let copies = copies.max(1);
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let scale = scale / copies as f64;
    let mut dice = Dice::new(seed);
    let mut world = World {
        people: people(epoch, &mut dice),
        groups: Vec::new(),
        projects: Vec::new(),
        issues: Vec::new(),
        merge_requests: Vec::new(),
        repositories: Vec::new(),
        pipelines: Vec::new(),
        last_issue: 0,
        last_merge_request: 0,
        last_note: 0,
        last_label: 0,
        last_release: 0,
        last_pipeline: 0,
    };
    let mut frame = Frame { epoch, dice: &mut dice, last_member: 0, last_label: 0, last_milestone: 0 };
    for copy in 0..copies {
        frame.groups(&mut world, copy);
        frame.projects(&mut world, copy);
    }
    world.last_label = frame.last_label;
    for kind in [Kind::Issue, Kind::MergeRequest] {
        super::items::fill(&mut world, kind, scale, epoch, &mut dice);
    }
    super::items::number_notes(&mut world);
    super::items::touch_projects(&mut world);
    super::repository::fill(&mut world, seed, scale, epoch);
    super::pipelines::fill(&mut world, seed, scale, epoch);
    world
}

fn people(epoch: When, dice: &mut Dice) -> Vec<Arc<Person>> {
    [MARIA, TOM]
        .iter()
        .chain(PEOPLE)
        .chain(&[("project_7_bot", "Release Bot")])
        .enumerate()
        .map(|(at, (username, name))| {
            Arc::new(Person {
                id: 2 + at as u64,
                username: (*username).to_owned(),
                name: (*name).to_owned(),
                bot: username.ends_with("_bot"),
                blocked: at > 1 && dice.chance(0.08),
                created: epoch - TimeDelta::days(dice.between(731, 1800)),
            })
        })
        .collect()
}

struct Frame<'a> {
    epoch: When,
    dice: &'a mut Dice,
    last_member: u64,
    last_label: u64,
    last_milestone: u64,
}

impl Frame<'_> {
    fn member(&mut self, person: usize, level: i32) -> Member {
        self.last_member += 1;
        Member {
            id: self.last_member,
            person,
            level,
            created: self.epoch - TimeDelta::hours(self.dice.between(17_600, 20_000)),
        }
    }

    fn groups(&mut self, world: &mut World, copy: usize) {
        for plan in GROUPS {
            let full_path = placed(plan.full_path, copy);
            let (above, path) = split(&full_path);
            let parent = above.and_then(|path| world.groups.iter().position(|one| one.full_path == path));
            let mut members = Vec::new();
            if parent.is_none() {
                members.push(self.member(MARIA_AT, OWNER));
                for person in self.dice.distinct(12, world.people.len() - 3) {
                    let level = *self.dice.pick(&[GUEST, REPORTER, DEVELOPER, DEVELOPER, MAINTAINER]);
                    members.push(self.member(person + 2, level));
                }
            }
            for (_, level) in TOM_GROUPS.iter().filter(|(path, _)| *path == full_path) {
                members.push(self.member(TOM_AT, *level));
            }
            let created = self.epoch - TimeDelta::minutes(self.dice.between(1_060_000, 1_200_000));
            world.groups.push(Arc::new(Group {
                id: 11 + 3 * world.groups.len() as u64,
                parent,
                name: plan.name.to_owned(),
                path: path.to_owned(),
                full_path: full_path.clone(),
                full_name: full_name(world, parent, plan.name),
                description: plan.about.to_owned(),
                visibility: plan.visibility,
                created,
                updated: created + TimeDelta::minutes(self.dice.between(1, 900_000)),
                members,
            }));
        }
    }

    fn projects(&mut self, world: &mut World, copy: usize) {
        for plan in PROJECTS {
            let project = self.project(world, copy, plan);
            world.projects.push(Arc::new(project));
            world.issues.push(Vec::new());
            world.merge_requests.push(Vec::new());
        }
    }

    fn project(&mut self, world: &World, copy: usize, plan: &ProjectPlan) -> Project {
        let at = world.projects.len();
        let full_path = placed(plan.full_path, copy);
        let (above, path) = split(&full_path);
        let group = world.groups.iter().position(|one| Some(one.full_path.as_str()) == above).unwrap_or(0);
        let created = self.epoch - TimeDelta::minutes(self.dice.between(1_052_000, 1_060_000));
        let members = TOM_PROJECTS
            .iter()
            .filter(|(path, _)| *path == full_path)
            .map(|(_, level)| self.member(TOM_AT, *level))
            .collect();
        let archived = plan.special == Special::Archived;
        Project {
            id: 101 + 7 * at as u64,
            group,
            name: plan.name.to_owned(),
            path: path.to_owned(),
            full_path: full_path.clone(),
            name_with_namespace: full_name(world, Some(group), plan.name),
            description: plan.about.to_owned(),
            visibility: within(world.groups[group].visibility, at),
            archived,
            issues_enabled: plan.special != Special::IssuesOff,
            merge_requests_enabled: plan.special != Special::MergeRequestsOff,
            ci_enabled: plan.special != Special::CiOff,
            stars: i32::try_from(self.dice.below(60)).unwrap_or(0),
            topics: plan.topics.to_vec(),
            created,
            updated: created + TimeDelta::minutes(self.dice.between(1, 1_000_000)),
            last_activity: created,
            members,
            labels: self.labels(created),
            milestones: self.milestones(created),
        }
    }

    fn labels(&mut self, created: When) -> Vec<Arc<Label>> {
        let n = 8 + self.dice.below(LABELS.len() - 7);
        LABELS[..n]
            .iter()
            .map(|(title, color, description)| {
                self.last_label += 1;
                Arc::new(Label {
                    id: self.last_label,
                    title: (*title).to_owned(),
                    color,
                    description: *description,
                    created,
                })
            })
            .collect()
    }

    fn milestones(&mut self, created: When) -> Vec<Arc<Milestone>> {
        (0..7_u64)
            .map(|nth| {
                self.last_milestone += 1;
                let start = created + TimeDelta::days(120 * i64::try_from(nth).unwrap_or(0));
                let due = start + TimeDelta::days(119);
                Arc::new(Milestone {
                    id: self.last_milestone,
                    iid: nth + 1,
                    title: format!("{}.{}", 4 + nth / 4, nth % 4),
                    closed: due < self.epoch,
                    expired: due < self.epoch,
                    start,
                    due,
                    created: start,
                    updated: start,
                })
            })
            .collect()
    }
}

/// Every fourth project in a public group is only internal; elsewhere a project is as open as its group.
fn within(group: Visibility, at: usize) -> Visibility {
    match group {
        Visibility::Public if at % 4 == 1 => Visibility::Internal,
        other => other,
    }
}

fn split(full_path: &str) -> (Option<&str>, &str) {
    match full_path.rsplit_once('/') {
        Some((above, path)) => (Some(above), path),
        None => (None, full_path),
    }
}

fn full_name(world: &World, above: Option<usize>, name: &str) -> String {
    match above {
        Some(at) => format!("{} / {name}", world.groups[at].full_name),
        None => name.to_owned(),
    }
}
