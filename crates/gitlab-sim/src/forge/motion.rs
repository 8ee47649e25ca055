//! Time that moves: single changes to the forge, as people would make them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    dice::Dice,
    extras,
    items::Maker,
    model::{Item, Kind, State, When, World},
    text::{self, Remarks},
    words::SENTENCES,
};

/// One thing that can happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A new issue.
    NewIssue,
    /// A new merge request.
    NewMergeRequest,
    /// Another title or description of an issue or a merge request.
    Edit,
    /// An open issue is closed.
    Close,
    /// An open merge request is merged.
    Merge,
    /// A comment on an issue or a merge request.
    Comment,
    /// More time is logged on an issue or a merge request. Happens on demand only.
    SpendTime,
    /// The time that was logged last on one is taken back. Happens on demand only.
    TakeTimeBack,
    /// A project gets another name; its path stays.
    Rename,
    /// A project goes to another group, and its old path leads nowhere. Happens on demand only.
    Transfer,
    /// An issue or a merge request disappears. Happens on demand only.
    Delete,
    /// A comment disappears, and nothing else shows it but how many there are. Happens on demand only.
    DeleteComment,
    /// A commit comes onto a branch, sometimes long after it was made, and starts a pipeline.
    Push,
    /// A pipeline comes to its end, good or bad.
    FinishPipeline,
    /// A new branch.
    NewBranch,
    /// A branch disappears, with the commits that only it led to.
    DeleteBranch,
    /// A new tag, sometimes with a release.
    Tag,
    /// A tag disappears, and its release with it. Happens on demand only.
    DeleteTag,
    /// A milestone gets another title, is closed or opened again.
    EditMilestone,
    /// A new label.
    NewLabel,
    /// A label that nothing has disappears. Happens on demand only.
    DeleteLabel,
}

/// What happens by itself, as often as it is named here.
const USUAL: &[Change] = &[
    Change::Comment,
    Change::Comment,
    Change::Comment,
    Change::Comment,
    Change::Edit,
    Change::Edit,
    Change::NewIssue,
    Change::NewIssue,
    Change::NewMergeRequest,
    Change::Close,
    Change::Close,
    Change::Merge,
    Change::Rename,
    Change::Push,
    Change::Push,
    Change::FinishPipeline,
    Change::FinishPipeline,
    Change::NewBranch,
    Change::DeleteBranch,
    Change::Tag,
    Change::EditMilestone,
    Change::NewLabel,
];

/// Makes changes, one after the other, by a seeded choice.
pub(crate) struct Mover {
    pub(super) dice: Dice,
    remarks: Remarks,
}

impl Mover {
    pub(crate) fn new(seed: u64) -> Self {
        Self { dice: Dice::new(seed ^ 0x6d6f_7665), remarks: Remarks::new() }
    }

    /// Makes one change, of the kind asked for or of a usual one, and says which. `None`: nothing there to change.
    pub(crate) fn step(&mut self, world: &mut World, wanted: Option<Change>, now: When) -> Option<Change> {
        let change = wanted.unwrap_or_else(|| *self.dice.pick(USUAL));
        let done = match change {
            Change::NewIssue => self.create(world, Kind::Issue, now),
            Change::NewMergeRequest => self.create(world, Kind::MergeRequest, now),
            Change::Edit => self.edit(world, now),
            Change::Close => self.close(world, now),
            Change::Merge => self.merge(world, now),
            Change::Comment => self.comment(world, now),
            Change::SpendTime => self.spend_time(world, now),
            Change::TakeTimeBack => self.take_time_back(world, now),
            Change::Rename => self.rename(world, now),
            Change::Transfer => self.transfer(world, now),
            Change::Delete => self.delete(world),
            Change::DeleteComment => self.delete_comment(world),
            Change::Push => self.push(world, now),
            Change::FinishPipeline => self.finish_pipeline(world, now),
            Change::NewBranch => self.new_branch(world),
            Change::DeleteBranch => self.delete_branch(world),
            Change::Tag => self.tag(world, now),
            Change::DeleteTag => self.delete_tag(world),
            Change::EditMilestone => self.edit_milestone(world, now),
            Change::NewLabel => self.new_label(world, now),
            Change::DeleteLabel => self.delete_label(world),
        };
        done.map(|()| change)
    }

    /// A project in which people still work on items of this kind.
    fn project(&mut self, world: &World, kind: Kind) -> Option<usize> {
        let alive: Vec<usize> = (0..world.projects.len())
            .filter(|&at| {
                let project = &world.projects[at];
                let on = match kind {
                    Kind::Issue => project.issues_enabled,
                    Kind::MergeRequest => project.merge_requests_enabled,
                };
                on && !project.archived && !world.items(kind)[at].is_empty()
            })
            .collect();
        (!alive.is_empty()).then(|| *self.dice.pick(&alive))
    }

    fn any_kind(&mut self) -> Kind {
        if self.dice.chance(0.7) { Kind::Issue } else { Kind::MergeRequest }
    }

    /// Some item that `fits`, ready to be changed; its project and its own time are set to `now`.
    fn touch<'w>(
        &mut self,
        world: &'w mut World,
        kind: Kind,
        now: When,
        fits: impl Fn(&Item) -> bool,
    ) -> Option<&'w mut Item> {
        let project = self.project(world, kind)?;
        let fitting: Vec<usize> =
            world.items(kind)[project].iter().enumerate().filter(|(_, item)| fits(item)).map(|(at, _)| at).collect();
        if fitting.is_empty() {
            return None;
        }
        let at = *self.dice.pick(&fitting);
        Arc::make_mut(&mut world.projects[project]).last_activity = now;
        let item = Arc::make_mut(&mut world.items_mut(kind)[project][at]);
        item.updated = now;
        Some(item)
    }

    fn create(&mut self, world: &mut World, kind: Kind, now: When) -> Option<()> {
        let project = self.project(world, kind)?;
        let maker = Maker { epoch: now, remarks: Remarks::new(), people: world.people.len() };
        let mut item = maker.fresh(kind, &world.projects[project], now, &mut self.dice);
        let last = match kind {
            Kind::Issue => &mut world.last_issue,
            Kind::MergeRequest => &mut world.last_merge_request,
        };
        *last += 1;
        item.id = *last;
        item.project = project;
        let items = &mut world.items_mut(kind)[project];
        item.iid = items.last().map_or(0, |one| one.iid) + 1;
        if let Some(merge) = &mut item.merge {
            merge.source_branch = text::branch(item.iid, &item.title);
        }
        items.push(Arc::new(item));
        Arc::make_mut(&mut world.projects[project]).last_activity = now;
        Some(())
    }

    fn edit(&mut self, world: &mut World, now: When) -> Option<()> {
        let kind = self.any_kind();
        let title = text::title(kind, &mut self.dice);
        let more = *self.dice.pick(SENTENCES);
        let retitle = self.dice.chance(0.4);
        let item = self.touch(world, kind, now, |_| true)?;
        if retitle {
            item.title = title;
        } else {
            item.description = Arc::from(format!("{}\n\n**Update:** {more}\n", item.description));
        }
        Some(())
    }

    fn close(&mut self, world: &mut World, now: When) -> Option<()> {
        let item = self.touch(world, Kind::Issue, now, |item| item.state == State::Opened)?;
        item.state = State::Closed;
        item.closed = Some(now);
        Some(())
    }

    fn merge(&mut self, world: &mut World, now: When) -> Option<()> {
        let sha = self.dice.sha();
        let by = self.dice.below(world.people.len());
        let item = self.touch(world, Kind::MergeRequest, now, |item| item.state == State::Opened)?;
        item.state = State::Merged;
        if let Some(merge) = &mut item.merge {
            merge.draft = false;
            merge.merged = Some(now);
            merge.merged_by = Some(by);
            merge.commit_sha = Some(sha);
        }
        if let Some(title) = item.title.strip_prefix("Draft: ") {
            item.title = title.to_owned();
        }
        Some(())
    }

    fn comment(&mut self, world: &mut World, now: When) -> Option<()> {
        let kind = self.any_kind();
        let maker = Maker { epoch: now, remarks: Remarks::new(), people: world.people.len() };
        let mut note = maker.note(kind, now, &mut self.dice);
        if note.system {
            note.system = false;
            note.body = self.remarks.comment(&mut self.dice);
        }
        world.last_note += 1;
        note.id = world.last_note;
        self.touch(world, kind, now, |_| true)?.notes.push(note);
        Some(())
    }

    fn spend_time(&mut self, world: &mut World, now: When) -> Option<()> {
        let kind = self.any_kind();
        let item = self.touch(world, kind, now, |item| extras::time_spent(item).len() < 10)?;
        item.spent_s += extras::LOGGED;
        Some(())
    }

    fn take_time_back(&mut self, world: &mut World, now: When) -> Option<()> {
        let kind = self.any_kind();
        let item = self.touch(world, kind, now, |item| item.spent_s > 0)?;
        item.spent_s -= extras::time_spent(item).last()?.seconds;
        Some(())
    }

    fn rename(&mut self, world: &mut World, now: When) -> Option<()> {
        let at = self.project(world, Kind::Issue)?;
        let suffix = ["Next", "Core", "II", "Neo"];
        let project = Arc::make_mut(&mut world.projects[at]);
        let plain = project.name.split(" · ").next().unwrap_or_default().to_owned();
        let above = project.name_with_namespace.rsplit_once(" / ").map_or("", |(above, _)| above);
        let name = format!("{plain} · {}", self.dice.pick(&suffix));
        project.name_with_namespace = format!("{above} / {name}");
        project.name = name;
        project.updated = now;
        Some(())
    }

    fn transfer(&mut self, world: &mut World, now: When) -> Option<()> {
        let at = self.project(world, Kind::Issue)?;
        let others: Vec<usize> = (0..world.groups.len())
            .filter(|&group| {
                let taken = format!("{}/{}", world.groups[group].full_path, world.projects[at].path);
                group != world.projects[at].group && world.projects.iter().all(|one| one.full_path != taken)
            })
            .collect();
        let group = *self.dice.pick(&others);
        let above = world.groups[group].clone();
        let project = Arc::make_mut(&mut world.projects[at]);
        project.group = group;
        project.full_path = format!("{}/{}", above.full_path, project.path);
        project.name_with_namespace = format!("{} / {}", above.full_name, project.name);
        project.updated = now;
        Some(())
    }

    fn delete_comment(&mut self, world: &mut World) -> Option<()> {
        let kind = self.any_kind();
        let project = self.project(world, kind)?;
        let items = &mut world.items_mut(kind)[project];
        let discussed: Vec<usize> =
            (0..items.len()).filter(|&at| items[at].notes.iter().any(|note| !note.system)).collect();
        let at = *(!discussed.is_empty()).then(|| self.dice.pick(&discussed))?;
        let notes = &mut Arc::make_mut(&mut items[at]).notes;
        let comments: Vec<usize> = (0..notes.len()).filter(|&nth| !notes[nth].system).collect();
        notes.remove(*self.dice.pick(&comments));
        Some(())
    }

    fn delete(&mut self, world: &mut World) -> Option<()> {
        let kind = self.any_kind();
        let project = self.project(world, kind)?;
        let items = &mut world.items_mut(kind)[project];
        // The last one stays: its iid is never given again, and the project never empties.
        if items.len() < 2 {
            return None;
        }
        let at = self.dice.below(items.len() - 1);
        items.remove(at);
        Some(())
    }
}
