//! Changes to all that is not an issue or a merge request: code, pipelines, milestones, labels.

use std::sync::Arc;

use chrono::TimeDelta;

use super::{
    model::{Label, When, World},
    motion::Mover,
    pipelines::{Pipeline, Status},
    repository::{Repository, commit, release},
    text,
    words::PARTS,
};

impl Mover {
    /// A project that is not archived and `fits`.
    fn living(&mut self, world: &World, fits: impl Fn(usize) -> bool) -> Option<usize> {
        let living: Vec<usize> =
            (0..world.projects.len()).filter(|&at| !world.projects[at].archived && fits(at)).collect();
        (!living.is_empty()).then(|| *self.dice.pick(&living))
    }

    /// The repository of some project in which there is one that `fits`.
    fn code<'w>(&mut self, world: &'w mut World, fits: impl Fn(&Repository) -> bool) -> Option<&'w mut Repository> {
        let at = self.living(world, |at| fits(&world.repositories[at]))?;
        Some(Arc::make_mut(&mut world.repositories[at]))
    }

    /// Some commits were made long before they are pushed.
    pub(super) fn push(&mut self, world: &mut World, now: When) -> Option<()> {
        let project = self.living(world, |at| !world.repositories[at].branches.is_empty())?;
        let late = if self.dice.chance(0.2) { self.dice.between(60, 10 * 24 * 60) } else { 0 };
        let repository = Arc::make_mut(&mut world.repositories[project]);
        let branch = if self.dice.chance(0.5) { 0 } else { self.dice.below(repository.branches.len()) };
        let parents = vec![repository.branches[branch].head];
        let one = commit(world.people.len(), now - TimeDelta::minutes(late), parents, &mut self.dice);
        let sha = one.sha.clone();
        repository.push(branch, one);
        let plan = Arc::make_mut(&mut world.projects[project]);
        plan.last_activity = now;
        if plan.ci_enabled {
            world.last_pipeline += 1;
            let pipelines = &mut world.pipelines[project];
            pipelines.push(Arc::new(Pipeline {
                id: world.last_pipeline,
                iid: pipelines.last().map_or(0, |one| one.iid) + 1,
                sha,
                ref_name: repository.branches[branch].name.clone(),
                status: Status::Running,
                source: "push",
                created: now,
                updated: now,
            }));
        }
        Some(())
    }

    pub(super) fn finish_pipeline(&mut self, world: &mut World, now: When) -> Option<()> {
        let open =
            |at: usize| world.projects[at].ci_enabled && world.pipelines[at].iter().any(|one| one.status.under_way());
        let project = self.living(world, open)?;
        let status = if self.dice.chance(0.8) { Status::Success } else { Status::Failed };
        let one = world.pipelines[project].iter_mut().find(|one| one.status.under_way())?;
        let one = Arc::make_mut(one);
        one.status = status;
        one.updated = now;
        Some(())
    }

    pub(super) fn new_branch(&mut self, world: &mut World) -> Option<()> {
        let repository = self.code(world, |one| !one.branches.is_empty())?;
        repository.add_branch(&mut self.dice);
        Some(())
    }

    pub(super) fn delete_branch(&mut self, world: &mut World) -> Option<()> {
        let repository = self.code(world, |one| one.branches.iter().any(|branch| !branch.protected()))?;
        let free: Vec<usize> =
            (0..repository.branches.len()).filter(|&at| !repository.branches[at].protected()).collect();
        repository.branches.remove(*self.dice.pick(&free));
        Some(())
    }

    pub(super) fn tag(&mut self, world: &mut World, now: When) -> Option<()> {
        let project = self.living(world, |at| !world.repositories[at].branches.is_empty())?;
        let repository = Arc::make_mut(&mut world.repositories[project]);
        let tag = repository.add_tag(repository.branches[0].head, now, &mut self.dice);
        if self.dice.chance(0.5) {
            world.last_release += 1;
            tag.release = Some(release(world.last_release, &tag.name, world.people.len(), now, &mut self.dice));
        }
        Some(())
    }

    pub(super) fn delete_tag(&mut self, world: &mut World) -> Option<()> {
        let repository = self.code(world, |one| !one.tags.is_empty())?;
        repository.tags.remove(self.dice.below(repository.tags.len()));
        Some(())
    }

    pub(super) fn edit_milestone(&mut self, world: &mut World, now: When) -> Option<()> {
        let project = self.living(world, |at| !world.projects[at].milestones.is_empty())?;
        let suffix = *self.dice.pick(&["Final", "Extended", "Slim", "LTS"]);
        let retitle = self.dice.chance(0.5);
        let milestones = &mut Arc::make_mut(&mut world.projects[project]).milestones;
        let at = self.dice.below(milestones.len());
        let one = Arc::make_mut(&mut milestones[at]);
        if retitle {
            let plain = one.title.split(' ').next().unwrap_or_default();
            one.title = format!("{plain} {suffix}");
        } else {
            one.closed = !one.closed;
        }
        one.updated = now;
        Some(())
    }

    pub(super) fn new_label(&mut self, world: &mut World, now: When) -> Option<()> {
        let project = self.living(world, |_| true)?;
        world.last_label += 1;
        let part = *self.dice.pick(PARTS);
        let title = text::branch(world.last_label, part);
        Arc::make_mut(&mut world.projects[project]).labels.push(Arc::new(Label {
            id: world.last_label,
            title: format!("part::{title}"),
            color: "#6699cc",
            description: None,
            created: now,
        }));
        Some(())
    }

    /// Items know their labels by index: only the last one can go, and only if none has it.
    pub(super) fn delete_label(&mut self, world: &mut World) -> Option<()> {
        let project = self.living(world, |at| {
            let last = world.projects[at].labels.len().checked_sub(1);
            last.is_some_and(|last| {
                let mut items = world.issues[at].iter().chain(&world.merge_requests[at]);
                last > 0 && items.all(|item| !item.labels.contains(&last))
            })
        })?;
        Arc::make_mut(&mut world.projects[project]).labels.pop();
        Some(())
    }
}
