//! Issues and merge requests, with their notes.

use std::{cmp::Reverse, sync::Arc};

use chrono::{TimeDelta, Timelike as _};

use super::{
    dice::Dice,
    layout,
    model::{Item, Kind, Merge, Note, Project, State, When, World},
    text::{self, Remarks},
};

pub(super) const HISTORY_MINUTES: i64 = 730 * 24 * 60;

/// Fills every project with its items of one kind and numbers them by creation.
pub(crate) fn fill(world: &mut World, kind: Kind, scale: f64, epoch: When, dice: &mut Dice) {
    let mut all: Vec<(When, usize)> = Vec::new();
    for project in 0..world.projects.len() {
        let plan = layout::plan(project);
        let planned = match kind {
            Kind::Issue => plan.issues,
            Kind::MergeRequest => plan.merge_requests,
        };
        for _ in 0..scaled(planned, scale) {
            let minutes = dice.between(30, HISTORY_MINUTES);
            let seconds = TimeDelta::milliseconds(dice.between(0, 59_999));
            all.push((epoch - TimeDelta::minutes(minutes) + seconds, project));
        }
    }
    all.sort_unstable();
    let maker = Maker { epoch, remarks: Remarks::new(), people: world.people.len() };
    for (nth, (created, project)) in all.into_iter().enumerate() {
        let iid = world.items(kind)[project].len() as u64 + 1;
        let plan = world.projects[project].clone();
        let mut item = maker.item(kind, &plan, created, dice);
        item.id = nth as u64 + 1;
        item.iid = iid;
        item.project = project;
        if let Some(merge) = &mut item.merge {
            merge.source_branch = text::branch(iid, &item.title);
        }
        world.items_mut(kind)[project].push(Arc::new(item));
        match kind {
            Kind::Issue => world.last_issue = nth as u64 + 1,
            Kind::MergeRequest => world.last_merge_request = nth as u64 + 1,
        }
    }
    if kind == Kind::Issue {
        bulk_edit(world, epoch);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "small positive numbers of things"
)]
pub(super) fn scaled(planned: usize, scale: f64) -> usize {
    (planned as f64 * scale.max(0.0)).round() as usize
}

/// Someone once relabelled the better part of the largest project: more issues than fit on a page have the same
/// `updated_at`, to the last digit.
fn bulk_edit(world: &mut World, epoch: When) {
    let at = epoch - TimeDelta::days(9);
    for item in world.issues[0].iter_mut().take(260).step_by(2) {
        if item.updated < at {
            Arc::make_mut(item).updated = at;
        }
    }
}

pub(crate) struct Maker {
    pub(crate) epoch: When,
    pub(crate) remarks: Remarks,
    pub(crate) people: usize,
}

impl Maker {
    /// An item without its numbers, with everything that happened to it until the epoch.
    pub(crate) fn item(&self, kind: Kind, project: &Project, created: When, dice: &mut Dice) -> Item {
        let age = (self.epoch - created).num_minutes().max(1);
        let ended = dice.chance(if age > 60 * 24 * 90 { 0.85 } else { 0.45 });
        let end = created + TimeDelta::minutes(dice.between(1, age));
        let state = match kind {
            _ if !ended => State::Opened,
            Kind::MergeRequest if dice.chance(0.86) => State::Merged,
            _ => State::Closed,
        };
        let last = if ended { end } else { self.epoch };
        let notes = self.notes(kind, created, last, dice);
        let mut item = self.bare(kind, project, created, dice);
        item.state = state;
        item.closed = (state == State::Closed).then_some(end);
        let last_note = notes.last().map_or(created, |note| note.updated);
        item.updated = last_note.max(if ended { end } else { created });
        item.notes = notes;
        if kind == Kind::MergeRequest {
            self.add_merge(&mut item, end, dice);
        }
        item
    }

    fn add_merge(&self, item: &mut Item, end: When, dice: &mut Dice) {
        let merge = self.merge(item.state, end, dice);
        if merge.draft {
            item.title.insert_str(0, "Draft: ");
        }
        item.merge = Some(Box::new(merge));
    }

    /// A new, open item without its numbers and without notes.
    pub(crate) fn fresh(&self, kind: Kind, project: &Project, now: When, dice: &mut Dice) -> Item {
        let mut item = self.bare(kind, project, now, dice);
        if kind == Kind::MergeRequest {
            self.add_merge(&mut item, now, dice);
        }
        item
    }

    fn bare(&self, kind: Kind, project: &Project, created: When, dice: &mut Dice) -> Item {
        let issue = kind == Kind::Issue;
        let labels = dice.run(0.55, 5);
        let assignees = dice.run(0.5, 3);
        let due = created + TimeDelta::days(dice.between(5, 90));
        let estimate_h = dice.between(1, 40);
        Item {
            kind,
            id: 0,
            iid: 0,
            project: 0,
            title: text::title(kind, dice),
            description: Arc::from(text::description(kind, dice)),
            state: State::Opened,
            author: dice.below(self.people),
            assignees: dice.distinct(assignees, self.people - 1),
            labels: dice.distinct(labels, project.labels.len()),
            milestone: milestone(project, created, dice),
            created,
            updated: created,
            closed: None,
            confidential: issue && dice.chance(0.04),
            locked: dice.chance(0.01),
            task: issue && dice.chance(0.08),
            weight: (issue && dice.chance(0.4)).then(|| *dice.pick(&[1, 2, 3, 5, 8])),
            due: (issue && dice.chance(0.15)).then(|| due.with_nanosecond(0).unwrap_or(due)),
            estimate_s: if dice.chance(0.12) { i32::try_from(estimate_h * 3600).unwrap_or(0) } else { 0 },
            spent_s: if dice.chance(0.1) { i32::try_from(estimate_h * 1800).unwrap_or(0) } else { 0 },
            upvotes: i32::try_from(dice.run(0.4, 20)).unwrap_or(0),
            downvotes: i32::try_from(dice.run(0.08, 5)).unwrap_or(0),
            notes: Vec::new(),
            merge: None,
        }
    }

    fn merge(&self, state: State, end: When, dice: &mut Dice) -> Merge {
        let merged = state == State::Merged;
        let approvals = if merged { 1 + dice.run(0.3, 2) } else { dice.run(0.3, 2) };
        let reviewers = 1 + dice.run(0.3, 2);
        let additions = i32::try_from(dice.between(1, 60) * dice.between(1, 12)).unwrap_or(1);
        Merge {
            draft: state == State::Opened && dice.chance(0.2),
            source_branch: String::new(),
            target_branch: if dice.chance(0.94) { "main" } else { "stable" },
            reviewers: dice.distinct(reviewers, self.people - 1),
            approved_by: dice.distinct(approvals, self.people - 1),
            merged: merged.then_some(end),
            merged_by: merged.then(|| dice.below(self.people)),
            head_sha: dice.sha(),
            commit_sha: merged.then(|| dice.sha()),
            additions,
            deletions: additions / 3,
            files: 1 + additions / 40,
            commits: 1 + i32::try_from(dice.run(0.6, 15)).unwrap_or(0),
            squash: dice.chance(0.4),
        }
    }

    /// Most items have few notes, some have more than fit on the first page of a nested list.
    fn notes(&self, kind: Kind, from: When, to: When, dice: &mut Dice) -> Vec<Note> {
        let n = match dice.below(100) {
            0..3 => 21 + dice.below(40),
            3..15 => 8 + dice.below(12),
            15..40 => 0,
            _ => dice.run(0.7, 8),
        };
        let room = (to - from).num_milliseconds().max(1);
        let mut times: Vec<i64> = (0..n).map(|_| dice.between(1, room)).collect();
        times.sort_unstable();
        times.into_iter().map(|ms| self.note(kind, from + TimeDelta::milliseconds(ms), dice)).collect()
    }

    pub(crate) fn note(&self, kind: Kind, created: When, dice: &mut Dice) -> Note {
        let system = dice.chance(0.22);
        Note {
            id: 0,
            author: dice.below(self.people),
            body: if system { self.remarks.system(dice) } else { self.remarks.comment(dice) },
            created,
            updated: created,
            system,
            internal: !system && kind == Kind::Issue && dice.chance(0.05),
            thread: !system && dice.chance(0.3),
        }
    }
}

fn milestone(project: &Project, created: When, dice: &mut Dice) -> Option<usize> {
    let running = project.milestones.iter().position(|one| one.start <= created && created <= one.due);
    running.filter(|_| dice.chance(0.45))
}

/// Gives the notes of the whole forge their ids by creation.
pub(crate) fn number_notes(world: &mut World) {
    let mut order: Vec<(When, Kind, usize, usize, usize)> = Vec::new();
    for kind in [Kind::Issue, Kind::MergeRequest] {
        for (project, items) in world.items(kind).iter().enumerate() {
            for (at, item) in items.iter().enumerate() {
                order.extend(item.notes.iter().enumerate().map(|(nth, note)| (note.created, kind, project, at, nth)));
            }
        }
    }
    order.sort_unstable_by_key(|&(when, kind, project, at, nth)| (when, kind == Kind::Issue, project, at, nth));
    for (id, (_, kind, project, at, nth)) in (1_u64..).zip(order) {
        Arc::make_mut(&mut world.items_mut(kind)[project][at]).notes[nth].id = id;
        world.last_note = id;
    }
}

/// A project's last activity is that of the latest change in it.
pub(crate) fn touch_projects(world: &mut World) {
    for at in 0..world.projects.len() {
        let latest = world.issues[at]
            .iter()
            .chain(&world.merge_requests[at])
            .map(|item| item.updated)
            .min_by_key(|&when| Reverse(when));
        let project = Arc::make_mut(&mut world.projects[at]);
        project.last_activity = latest.unwrap_or(project.created);
    }
}
