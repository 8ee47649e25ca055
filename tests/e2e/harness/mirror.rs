//! The mirror against the forge.

use super::{Database, PATIENCE, database::Item};
use std::{
    collections::BTreeSet,
    iter,
    time::{Duration, Instant},
};
use trawl_gitlab_sim::{Fact, ListKind, Sim, TruthKind};

/// Every object of the forge is in the database exactly once and as it is, and nothing else is there.
pub(crate) fn assert_mirrors(database: &Database, forge: &Sim) {
    let count = |kind: &str| {
        let sql = format!("SELECT count(*) AS v FROM resources WHERE deleted_at IS NULL AND kind = '{kind}'");
        usize::try_from(database.number(&sql)).unwrap()
    };
    let areas = |kind: &str| {
        usize::try_from(database.number(&format!("SELECT count(*) AS v FROM areas WHERE kind = '{kind}'"))).unwrap()
    };
    let truth = forge.counts();
    assert_eq!((areas("group"), areas("project")), (truth.groups, truth.projects), "groups, projects");
    assert_eq!((count("group"), count("project")), (truth.groups, truth.projects), "details of groups, projects");
    assert_eq!(
        (count("issue"), count("merge_request"), count("note")),
        (truth.issues, truth.merge_requests, truth.notes),
        "issues, merge requests, notes"
    );
    for (kind, name) in [(TruthKind::Issues, "issue"), (TruthKind::MergeRequests, "merge_request")] {
        let (stored, facts) = (database.items(name), forge.truth(kind));
        assert_eq!(stored.len(), facts.len(), "{name}");
        for (stored, fact) in stored.iter().zip(&facts) {
            assert_eq!(*stored, item(fact), "{name}");
        }
    }
}

/// The lists that hang on groups and projects: what is mirrored of each, and what there is.
fn lists<'a>(
    database: &'a Database,
    forge: &'a Sim,
) -> impl Iterator<Item = (&'static str, Vec<String>, Vec<String>)> + 'a {
    let lists = [
        (ListKind::Labels, "labels", "name"),
        (ListKind::Milestones, "milestones", "gitlab_id"),
        (ListKind::Members, "members", "user_id"),
        (ListKind::Branches, "branches", "name"),
        (ListKind::Tags, "tags", "name"),
        (ListKind::Releases, "releases", "tag_name"),
        (ListKind::Commits, "commits", "sha"),
        (ListKind::Pipelines, "pipelines", "gitlab_id"),
        (ListKind::PipelineJobs, "pipeline_jobs", "gitlab_id"),
        (ListKind::Deployments, "deployments", "gitlab_id"),
        (ListKind::Environments, "environments", "gitlab_id"),
        (ListKind::PipelineSchedules, "pipeline_schedules", "gitlab_id"),
        (ListKind::Snippets, "snippets", "gitlab_id"),
        (ListKind::WikiPages, "wiki_pages", "slug"),
        (ListKind::Packages, "packages", "gitlab_id"),
        (ListKind::ContainerRepositories, "container_repositories", "gitlab_id"),
        (ListKind::Boards, "boards", "gitlab_id"),
        (ListKind::Iterations, "iterations", "gitlab_id"),
        (ListKind::Epics, "epics", "gitlab_id"),
        (ListKind::Timelogs, "timelogs", "gitlab_id"),
        (ListKind::TestReports, "test_reports", "pipeline_id"),
        (ListKind::Vulnerabilities, "vulnerabilities", "gitlab_id"),
        (ListKind::Attachments, "attachments", "gitlab_id"),
    ];
    lists.into_iter().map(|(kind, view, name)| {
        let mut mirrored = database.texts(&format!(
            "SELECT CASE a.kind WHEN 'group' THEN 'g' ELSE '' END || a.gitlab_id || '/' || o.{name} AS v \
             FROM {view} o JOIN areas a ON a.id = o.area_id"
        ));
        mirrored.sort_unstable();
        (view, mirrored, forge.keys(kind))
    })
}

/// Nothing is missing in a list, and nothing is in it that is gone.
pub(crate) fn assert_lists(database: &Database, forge: &Sim) {
    for (view, mirrored, truth) in lists(database, forge) {
        assert_eq!(mirrored, truth, "{view}");
    }
}

/// Waits until all of it is equal. A sweep misses what is gone, the next one is sure of it, and both have to come round.
///
/// # Panics
/// It is not after some minutes.
pub(crate) async fn until_mirrored(database: &Database, forge: &Sim) {
    let deadline = Instant::now() + PATIENCE * 3;
    loop {
        let differences = differences(database, forge);
        if differences.is_empty() {
            return;
        }
        assert!(
            Instant::now() < deadline,
            "the mirror is not what the forge is: {differences:#?}; jobs: {:#?}",
            database.texts(
                "SELECT state || ' ' || dedupe_key || ' ' || coalesce(error, '') AS v FROM jobs \
                 WHERE state NOT IN ('completed', 'aborted')"
            )
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What is here and not there, or the other way round.
fn differences(database: &Database, forge: &Sim) -> Vec<String> {
    let items = [(TruthKind::Issues, "issue"), (TruthKind::MergeRequests, "merge_request")].map(|(kind, name)| {
        let texts = |items: Vec<Item>| items.iter().map(|item| format!("{item:?}")).collect();
        (name, texts(database.items(name)), texts(forge.truth(kind).iter().map(item).collect()))
    });
    let unequal = items.into_iter().chain(lists(database, forge)).filter(|(_, mirrored, truth)| mirrored != truth);
    unequal
        .flat_map(|(name, mirrored, truth)| {
            let (here, there) = (BTreeSet::from_iter(&mirrored), BTreeSet::from_iter(&truth));
            let missing = there.difference(&here).map(|one| format!("{name} missing: {one}"));
            let surplus = here.difference(&there).map(|one| format!("{name} surplus: {one}"));
            let count = format!("{name}: {} instead of {}", mirrored.len(), truth.len());
            iter::once(count).chain(missing).chain(surplus).collect::<Vec<_>>()
        })
        .collect()
}

fn item(fact: &Fact) -> Item {
    let number = |n: u64| i64::try_from(n).unwrap();
    Item {
        id: number(fact.id),
        iid: number(fact.iid),
        project_id: number(fact.project_id),
        title: fact.title.clone(),
        state: fact.state.clone(),
        notes: i64::try_from(fact.notes).unwrap(),
    }
}
