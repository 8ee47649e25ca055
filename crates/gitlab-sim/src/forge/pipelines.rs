//! Pipelines.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{
    dice::Dice,
    items::scaled,
    layout,
    model::{When, World},
    repository::{DEFAULT_BRANCH, Repository},
};

/// So many for each issue and merge request that is planned: about 2,500 at scale 1.
const PIPELINES: f64 = 0.65;
/// As often as each is named here.
const SOURCES: &[&str] = &["push", "push", "push", "push", "web", "schedule", "api"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Pending,
    Running,
    Success,
    Failed,
    Canceled,
    Skipped,
    Manual,
}

impl Status {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
            Self::Skipped => "skipped",
            Self::Manual => "manual",
        }
    }

    /// Not yet at its end.
    pub(crate) fn under_way(self) -> bool {
        matches!(self, Self::Pending | Self::Running)
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Pipeline {
    pub(crate) id: u64,
    pub(crate) iid: u64,
    pub(crate) sha: String,
    pub(crate) ref_name: String,
    pub(crate) status: Status,
    pub(crate) source: &'static str,
    pub(crate) created: When,
    pub(crate) updated: When,
}

/// Gives every project its pipelines, by a chance of its own, and numbers them by creation.
pub(crate) fn fill(world: &mut World, seed: u64, scale: f64, epoch: When) {
    let mut dice = Dice::new(seed ^ 0x7069_7065);
    let mut all: Vec<(When, usize, Pipeline)> = Vec::new();
    for project in 0..world.projects.len() {
        let plan = layout::plan(project);
        let repository = &world.repositories[project];
        let trunk = repository.trunk();
        let n = scaled(plan.issues + plan.merge_requests, scale * PIPELINES).max(4);
        for _ in 0..if trunk.is_empty() { 0 } else { n } {
            let one = pipeline(repository, &trunk, epoch, &mut dice);
            all.push((one.created, project, one));
        }
    }
    all.sort_by_key(|&(created, project, _)| (created, project));
    world.pipelines.resize(world.projects.len(), Vec::new());
    for (id, (_, project, one)) in (1_u64..).zip(all) {
        let iid = world.pipelines[project].len() as u64 + 1;
        world.pipelines[project].push(Arc::new(Pipeline { id, iid, ..one }));
        world.last_pipeline = id;
    }
    for last in world.pipelines.iter_mut().filter_map(|some| some.last_mut()) {
        let last = Arc::make_mut(last);
        last.status = if dice.chance(0.7) { Status::Running } else { Status::Pending };
        last.updated = last.created + TimeDelta::milliseconds(dice.between(1, 9_000));
    }
}

fn pipeline(repository: &Repository, trunk: &[usize], epoch: When, dice: &mut Dice) -> Pipeline {
    let (ref_name, at) = match dice.below(100) {
        0..8 => {
            let tag = dice.pick(&repository.tags);
            (tag.name.as_str(), tag.commit)
        }
        8..30 => {
            let branch = dice.pick(&repository.branches);
            (branch.name.as_str(), branch.head)
        }
        _ => (DEFAULT_BRANCH, *dice.pick(trunk)),
    };
    let commit = &repository.commits[at];
    let created = commit.committed + TimeDelta::milliseconds(dice.between(2_000, 1_500_000));
    let status = match dice.below(100) {
        0..72 => Status::Success,
        72..89 => Status::Failed,
        89..95 => Status::Canceled,
        95..98 => Status::Manual,
        _ => Status::Skipped,
    };
    let source = *dice.pick(SOURCES);
    Pipeline {
        id: 0,
        iid: 0,
        sha: commit.sha.clone(),
        ref_name: ref_name.to_owned(),
        status,
        source,
        created,
        updated: (created + TimeDelta::milliseconds(dice.between(20_000, 5_400_000))).min(epoch),
    }
}
