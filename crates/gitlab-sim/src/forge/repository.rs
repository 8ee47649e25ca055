//! Repositories: commits, branches, tags and releases.

use std::sync::Arc;

use chrono::{TimeDelta, Timelike as _};

use super::{
    dice::Dice,
    items::{HISTORY_MINUTES, scaled},
    layout::{self, ProjectPlan, Special},
    model::{Kind, When, World},
    text,
    words::SENTENCES,
};

pub(crate) const DEFAULT_BRANCH: &str = "main";
const STABLE_BRANCH: &str = "stable";

/// So many for each issue and merge request that is planned: about 4,000, 300 and 250 at scale 1.
const COMMITS: f64 = 1.04;
const BRANCHES: f64 = 0.078;
const TAGS: f64 = 0.064;
/// How many of the tags have a release.
const RELEASED: f64 = 0.46;

#[derive(Debug)]
pub(crate) struct Commit {
    pub(crate) sha: String,
    pub(crate) title: String,
    pub(crate) message: String,
    pub(crate) author: usize,
    pub(crate) committer: usize,
    pub(crate) authored: When,
    pub(crate) committed: When,
    /// Indexes into the commits of its repository, all of them lower than its own.
    pub(crate) parents: Vec<usize>,
}

#[derive(Debug, Clone)]
pub(crate) struct Branch {
    pub(crate) name: String,
    /// Index of its commit.
    pub(crate) head: usize,
}

impl Branch {
    pub(crate) fn protected(&self) -> bool {
        self.name == DEFAULT_BRANCH || self.name == STABLE_BRANCH
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Tag {
    pub(crate) name: String,
    /// Index of its commit.
    pub(crate) commit: usize,
    pub(crate) annotation: Option<Annotation>,
    pub(crate) release: Option<Release>,
}

/// What a tag that is more than a name has of its own.
#[derive(Debug, Clone)]
pub(crate) struct Annotation {
    pub(crate) sha: String,
    pub(crate) message: String,
    pub(crate) created: When,
}

#[derive(Debug, Clone)]
pub(crate) struct Release {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) author: usize,
    pub(crate) created: When,
}

/// Before the first push it has no commits and no branches; afterwards the default branch comes first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Repository {
    /// In the order in which they came. Those that no branch or tag leads to any more are still here.
    pub(crate) commits: Vec<Arc<Commit>>,
    pub(crate) branches: Vec<Branch>,
    pub(crate) tags: Vec<Tag>,
    /// How many branches and tags there ever were: no name is given twice.
    branches_made: u64,
    tags_made: u64,
}

impl Repository {
    /// Puts a commit onto a branch and says where it is.
    pub(crate) fn push(&mut self, branch: usize, commit: Commit) -> usize {
        let at = self.commits.len();
        self.commits.push(Arc::new(commit));
        self.branches[branch].head = at;
        at
    }

    /// A new branch off the default one.
    pub(crate) fn add_branch(&mut self, dice: &mut Dice) {
        self.branches_made += 1;
        let name = text::branch(self.branches_made, &text::title(Kind::MergeRequest, dice));
        let name = if dice.chance(0.3) { format!("{}/{name}", dice.pick(&["feature", "fix"])) } else { name };
        self.branches.push(Branch { name, head: self.branches[0].head });
    }

    /// A new tag on a commit; its release, if any, is added by whoever has a number for it.
    pub(crate) fn add_tag(&mut self, commit: usize, created: When, dice: &mut Dice) -> &mut Tag {
        let name = format!("v{}.{}.0", 1 + self.tags_made / 10, self.tags_made % 10);
        self.tags_made += 1;
        let annotation = dice.chance(0.7).then(|| Annotation {
            sha: dice.sha(),
            message: format!("Version {}", &name[1..]),
            created: whole_second(created),
        });
        let at = self.tags.len();
        self.tags.push(Tag { name, commit, annotation, release: None });
        &mut self.tags[at]
    }

    /// When a tag was made; of one that is but a name, when its commit was.
    pub(crate) fn tagged(&self, tag: &Tag) -> When {
        tag.annotation.as_ref().map_or(self.commits[tag.commit].committed, |one| one.created)
    }

    /// What every branch and tag together lead to.
    pub(crate) fn all_refs(&self) -> impl Iterator<Item = usize> + '_ {
        self.branches.iter().map(|one| one.head).chain(self.tags.iter().map(|one| one.commit))
    }

    /// The commit of a branch, a tag or a commit id.
    pub(crate) fn resolve(&self, name: &str) -> Option<usize> {
        let branch = self.branches.iter().find(|one| one.name == name).map(|one| one.head);
        let tag = || self.tags.iter().find(|one| one.name == name).map(|one| one.commit);
        branch.or_else(tag).or_else(|| self.commits.iter().position(|one| one.sha == name))
    }

    /// For each commit whether one of these is it or comes after it.
    pub(crate) fn reached(&self, from: impl IntoIterator<Item = usize>) -> Vec<bool> {
        let mut reached = vec![false; self.commits.len()];
        for at in from {
            reached[at] = true;
        }
        for at in (0..reached.len()).rev() {
            if reached[at] {
                for &parent in &self.commits[at].parents {
                    reached[parent] = true;
                }
            }
        }
        reached
    }

    /// The commits of the default branch itself, oldest first.
    pub(crate) fn trunk(&self) -> Vec<usize> {
        let head = self.branches.first().map(|one| one.head);
        let mut trunk: Vec<usize> =
            std::iter::successors(head, |&at| self.commits[at].parents.first().copied()).collect();
        trunk.reverse();
        trunk
    }
}

/// Git knows no fractions of a second.
fn whole_second(when: When) -> When {
    when.with_nanosecond(0).unwrap_or(when)
}

/// A new commit by one of so many people.
pub(crate) fn commit(people: usize, committed: When, parents: Vec<usize>, dice: &mut Dice) -> Commit {
    let title = text::title(Kind::MergeRequest, dice);
    let more = *dice.pick(SENTENCES);
    let message = if dice.chance(0.4) { format!("{title}\n\n{more}\n") } else { format!("{title}\n") };
    let author = dice.below(people);
    let committed = whole_second(committed);
    let earlier = if dice.chance(0.2) { dice.between(1, 600) } else { 0 };
    Commit {
        sha: dice.sha(),
        title,
        message,
        author,
        committer: if dice.chance(0.9) { author } else { dice.below(people) },
        authored: committed - TimeDelta::minutes(earlier),
        committed,
        parents,
    }
}

pub(crate) fn release(id: u64, tag: &str, people: usize, created: When, dice: &mut Dice) -> Release {
    let mut description = "## Changes\n".to_owned();
    for _ in 0..=dice.run(0.6, 6) {
        description.push_str("\n- ");
        description.push_str(&text::title(Kind::MergeRequest, dice));
    }
    Release { id, name: format!("Release {}", &tag[1..]), description, author: dice.below(people), created }
}

/// Gives every project its repository, by a chance of its own.
pub(crate) fn fill(world: &mut World, seed: u64, scale: f64, epoch: When) {
    let mut maker = Maker { dice: Dice::new(seed ^ 0x7265_706f), people: world.people.len(), scale, epoch };
    for project in 0..world.projects.len() {
        let plan = layout::plan(project);
        let mut repository = Repository::default();
        if plan.special != Special::Empty {
            maker.history(&mut repository, plan);
            maker.tags(&mut repository, plan, &mut world.last_release);
        }
        world.repositories.push(Arc::new(repository));
    }
}

struct Maker {
    dice: Dice,
    people: usize,
    scale: f64,
    epoch: When,
}

impl Maker {
    fn amount(&self, plan: &ProjectPlan, each: f64, least: usize) -> usize {
        scaled(plan.issues + plan.merge_requests, self.scale * each).max(least)
    }

    /// Commits on the default branch and on those that leave it, some of which come back.
    fn history(&mut self, repository: &mut Repository, plan: &ProjectPlan) {
        let mut times: Vec<When> = (0..self.amount(plan, COMMITS, 8))
            .map(|_| self.epoch - TimeDelta::minutes(self.dice.between(30, HISTORY_MINUTES)))
            .collect();
        times.sort_unstable();
        let branches = self.amount(plan, BRANCHES, 3);
        for name in [DEFAULT_BRANCH, STABLE_BRANCH] {
            repository.branches.push(Branch { name: name.to_owned(), head: 0 });
        }
        repository.commits.push(Arc::new(commit(self.people, times[0], Vec::new(), &mut self.dice)));
        let mut open: Vec<usize> = Vec::new();
        for (nth, &when) in times.iter().enumerate().skip(1) {
            while repository.branches.len() < branches && repository.branches.len() * times.len() < branches * (nth + 1)
            {
                repository.add_branch(&mut self.dice);
            }
            let aside = self.dice.chance(0.15);
            let back = !open.is_empty() && self.dice.chance(0.12);
            let branch = if aside { 1 + self.dice.below(repository.branches.len() - 1) } else { 0 };
            let mut parents = vec![repository.branches[branch].head];
            if aside {
                open.push(branch);
            } else if back {
                let from = open.swap_remove(self.dice.below(open.len()));
                open.retain(|&one| one != from);
                parents.push(repository.branches[from].head);
            }
            let mut one = commit(self.people, when, parents, &mut self.dice);
            if let [_, from] = *one.parents {
                let from = repository.branches.iter().find(|branch| branch.head == from);
                let from = from.map_or(STABLE_BRANCH, |branch| &branch.name);
                one.title = format!("Merge branch '{from}' into '{DEFAULT_BRANCH}'");
                one.message.clone_from(&one.title);
            }
            repository.push(branch, one);
        }
    }

    fn tags(&mut self, repository: &mut Repository, plan: &ProjectPlan, last_release: &mut u64) {
        let n = self.amount(plan, TAGS, 2);
        let trunk = repository.trunk();
        for nth in 1..=n {
            let at = trunk[nth * trunk.len() / (n + 1)];
            let created = repository.commits[at].committed + TimeDelta::seconds(self.dice.between(60, 1700));
            let tag = repository.add_tag(at, created, &mut self.dice);
            if nth == n || self.dice.chance(RELEASED) {
                *last_release += 1;
                let created = created + TimeDelta::milliseconds(self.dice.between(1_000, 90_000));
                tag.release = Some(release(*last_release, &tag.name, self.people, created, &mut self.dice));
            }
        }
    }
}
