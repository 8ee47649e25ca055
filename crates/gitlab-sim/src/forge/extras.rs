//! What follows from the rest of the forge: jobs and deployments from pipelines, and small things that each project or group
//! has some of, by its number. Nothing of it is kept, so it changes when what it follows from does.

use chrono::TimeDelta;

use super::{
    model::{Item, Kind, When, World},
    pipelines::{Pipeline, Status},
    repository::DEFAULT_BRANCH,
};

pub(crate) struct Job {
    pub(crate) id: u64,
    pub(crate) name: &'static str,
    pub(crate) stage: &'static str,
    pub(crate) status: &'static str,
    pub(crate) created: When,
    pub(crate) started: Option<When>,
    pub(crate) finished: Option<When>,
}

const STAGES: [(&str, &str); 3] = [("compile", "build"), ("unit-tests", "test"), ("ship", "deploy")];

/// The jobs of a pipeline, one a stage.
pub(crate) fn jobs(pipeline: &Pipeline) -> Vec<Job> {
    let states = match pipeline.status {
        Status::Success => ["success", "success", "success"],
        Status::Failed => ["success", "failed", "skipped"],
        Status::Running => ["success", "running", "created"],
        Status::Pending => ["pending", "created", "created"],
        Status::Canceled => ["success", "canceled", "canceled"],
        Status::Skipped => ["skipped", "skipped", "skipped"],
        Status::Manual => ["success", "success", "manual"],
    };
    (1_u64..)
        .zip(STAGES.into_iter().zip(states))
        .map(|(nth, ((name, stage), status))| {
            let after = |minutes: u64| pipeline.created + TimeDelta::minutes(i64::try_from(minutes).unwrap_or(0));
            let has_run = matches!(status, "success" | "failed");
            let started = (has_run || status == "running").then(|| after(3 * nth - 2));
            // The last word is the pipeline's own last change.
            let last = nth == 3 || status == "failed";
            let end = if last { pipeline.updated.max(after(3 * nth)) } else { after(3 * nth) };
            Job {
                id: pipeline.id * 10 + nth,
                name,
                stage,
                status,
                created: pipeline.created,
                started,
                finished: has_run.then_some(end),
            }
        })
        .collect()
}

/// What the tests of a pipeline came to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tests {
    pub(crate) count: i32,
    pub(crate) failed: i32,
    pub(crate) skipped: i32,
    pub(crate) seconds: f64,
}

/// The tests of a pipeline, of those that came to an end: most of them have some.
pub(crate) fn tests(pipeline: &Pipeline) -> Option<Tests> {
    let some = i32::try_from(pipeline.id % 10).unwrap_or_default();
    let failed = match pipeline.status {
        Status::Success => 0,
        Status::Failed => 1 + some % 3,
        _ => return None,
    };
    (some > 0).then(|| Tests { count: 40 * some, failed, skipped: some, seconds: f64::from(some) * 1.5 })
}

/// Pipelines of the default branch that came to an end, each a deployment: the newest last.
pub(crate) fn deployments(world: &World, project: usize) -> impl Iterator<Item = &Pipeline> {
    world.pipelines[project]
        .iter()
        .map(|pipeline| &**pipeline)
        .filter(|one| one.ref_name == DEFAULT_BRANCH && matches!(one.status, Status::Success | Status::Failed))
}

/// Number of the deployment that a pipeline is.
pub(crate) fn deployment_id(pipeline: &Pipeline) -> u64 {
    pipeline.id * 10 + 5
}

/// Number and name of each thing of a sort that a project has.
pub(crate) type Named = Vec<(u64, String)>;

fn some(count: u64, id: u64, first: u64, name: impl Fn(u64) -> String) -> Named {
    (1..=count).map(|nth| (id * 100 + first + nth, name(nth))).collect()
}

pub(crate) fn environments(world: &World, project: usize) -> Named {
    let id = world.projects[project].id;
    if world.pipelines[project].is_empty() {
        return Vec::new();
    }
    vec![(id * 100 + 1, "production".to_owned()), (id * 100 + 2, "staging".to_owned())]
}

pub(crate) fn schedules(world: &World, project: usize) -> Named {
    let id = world.projects[project].id;
    some(u64::from(id.is_multiple_of(3)), id, 10, |_| "Nightly".to_owned())
}

pub(crate) fn snippets(world: &World, project: usize) -> Named {
    let id = world.projects[project].id;
    some(id % 4, id, 20, |nth| format!("Snippet {nth}"))
}

pub(crate) fn wiki_pages(world: &World, project: usize) -> Vec<&'static str> {
    ["home", "set-up", "architecture"].into_iter().take((world.projects[project].id % 4) as usize).collect()
}

pub(crate) fn packages(world: &World, project: usize) -> Named {
    let id = world.projects[project].id;
    some(3 * (id % 2), id, 30, |nth| format!("1.0.{nth}"))
}

pub(crate) fn container_repositories(world: &World, project: usize) -> Named {
    let project = &world.projects[project];
    some(u64::from(project.id.is_multiple_of(2)), project.id, 40, |_| project.full_path.clone())
}

/// Weaknesses that scanners have found.
pub(crate) fn vulnerabilities(world: &World, project: usize) -> Named {
    let project = &world.projects[project];
    let count = if is_paid_for(&project.full_path) { project.id % 5 } else { 0 };
    some(count, project.id, 80, |nth| format!("SQL injection in query {nth}"))
}

/// Files that were put into texts.
pub(crate) fn attachments(world: &World, project: usize) -> Named {
    let id = world.projects[project].id;
    some(id % 6, id, 90, |nth| format!("screenshot-{nth}.png"))
}

pub(crate) fn boards(world: &World, project: usize) -> Named {
    let project = &world.projects[project];
    some(u64::from(project.issues_enabled), project.id, 50, |_| "Development".to_owned())
}

/// Above all numbers that projects give to the same sorts of things.
const OF_GROUPS: u64 = 1_000_000;

fn top(world: &World, group: usize) -> bool {
    world.groups[group].parent.is_none()
}

pub(crate) fn group_labels(world: &World, group: usize) -> Named {
    let (id, count) = (OF_GROUPS + world.groups[group].id, u64::from(top(world, group)) * 3);
    some(count, id, 0, |nth| format!("team::{nth}"))
}

pub(crate) fn group_milestones(world: &World, group: usize) -> Named {
    let (id, count) = (OF_GROUPS + world.groups[group].id, u64::from(top(world, group)) * 2);
    some(count, id, 0, |nth| format!("Quarter {nth}"))
}

/// Only one top-level group has paid for more.
pub(crate) fn is_premium(world: &World, group: usize) -> bool {
    is_paid_for(&world.groups[group].full_path)
}

fn is_paid_for(path: &str) -> bool {
    path.starts_with("platform")
}

pub(crate) fn iterations(world: &World, group: usize) -> Named {
    let count = u64::from(top(world, group) && is_premium(world, group)) * 4;
    some(count, OF_GROUPS + world.groups[group].id, 60, |nth| format!("Iteration {nth}"))
}

pub(crate) fn epics(world: &World, group: usize) -> Named {
    let count = u64::from(top(world, group) && is_premium(world, group)) * 5;
    some(count, OF_GROUPS + world.groups[group].id, 70, |nth| format!("Epic {nth}"))
}

/// Seconds that are logged at a time.
pub(crate) const LOGGED: i32 = 7200;

/// Time that somebody has logged.
pub(crate) struct Spent {
    pub(crate) id: u64,
    pub(crate) seconds: i32,
    pub(crate) person: usize,
    pub(crate) at: When,
    pub(crate) summary: Option<String>,
}

/// The time spent on an item, as it was logged.
pub(crate) fn time_spent(item: &Item) -> Vec<Spent> {
    let first = item.id * 128 + if item.kind == Kind::MergeRequest { 64 } else { 0 };
    let logged = (0..).map(|nth| nth * LOGGED).take_while(|before| *before < item.spent_s);
    (0_u64..)
        .zip(logged)
        .map(|(nth, before)| Spent {
            id: first + nth,
            seconds: LOGGED.min(item.spent_s - before),
            person: item.author,
            at: item.created + TimeDelta::seconds(i64::from(before)),
            summary: nth.is_multiple_of(2).then(|| format!("Part {}", nth + 1)),
        })
        .collect()
}
