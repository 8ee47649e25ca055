//! What the simulated GitLab holds arrives, whole and once.

use crate::house::{House, Told, lease, order};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};
use trawl_crawler::{Credentials, forge::Forge, links::Links, registry::Families};
use trawl_gitlab::Retry;
use trawl_gitlab_sim::{Change, Fact, MARIA_TOKEN, Options, Sim, TruthKind};
use trawl_jobs::{AreaKind, AreaRef, FoundArea, Lease, Outcome, Record, RecordKind};
use trawl_protocol::{Message, StartJob, StopJob};
use trawl_settings::{ForgeSettings, LinksSettings};

/// A house whose worker reads `sim`.
pub(crate) struct Scene {
    pub(crate) sim: Sim,
    pub(crate) house: House,
}

/// Requests that are tried four times, quickly.
pub(crate) fn quick() -> Retry {
    Retry { base: Duration::from_millis(1), ..Retry::default() }
}

impl Scene {
    pub(crate) async fn new(scale: f64) -> Self {
        let sim = trawl_gitlab_sim::start(Options { scale, ..Options::default() }).unwrap();
        let own = Credentials::Own { instance_url: sim.url(), token: MARIA_TOKEN.to_owned().into() };
        Self::with(sim, own).await
    }

    pub(crate) async fn with(sim: Sim, credentials: Credentials) -> Self {
        let forge = Arc::new(Forge::new(credentials, &ForgeSettings::default(), quick()));
        let links = Arc::new(Links::new(&LinksSettings::default()).unwrap());
        Self { sim, house: House::new(Families { forge, links }).await }
    }

    pub(crate) fn order(&self, kind: &str, area: Option<&FoundArea>) -> StartJob {
        let area =
            area.map(|area| AreaRef { kind: area.kind, gitlab_id: area.gitlab_id, full_path: area.full_path.clone() });
        StartJob { instance_url: Some(self.sim.url()), area, ..order(kind, lease()) }
    }

    pub(crate) async fn run(&mut self, order: StartJob) -> Told {
        let lease = order.lease;
        self.house.start(order).await;
        self.house.until_finished(lease).await
    }

    pub(crate) async fn areas(&mut self) -> Vec<FoundArea> {
        let order = self.order("authorization_scope", None);
        self.run(order).await.areas
    }

    /// The project with the most objects of a kind.
    pub(crate) async fn busiest(&mut self, kind: TruthKind) -> (FoundArea, Vec<Fact>) {
        let mut by_project: HashMap<u64, Vec<Fact>> = HashMap::new();
        for fact in self.sim.truth(kind) {
            by_project.entry(fact.project_id).or_default().push(fact);
        }
        let (id, facts) = by_project.into_iter().max_by_key(|(_, facts)| facts.len()).unwrap();
        let areas = self.areas().await;
        let is_it = |area: &FoundArea| area.kind == AreaKind::Project && area.gitlab_id == signed(id);
        (areas.into_iter().find(is_it).unwrap(), facts)
    }
}

fn signed(id: u64) -> i64 {
    i64::try_from(id).unwrap()
}

pub(crate) fn completed(outcome: Option<Outcome>) -> (Value, Option<DateTime<Utc>>, Option<String>) {
    match outcome {
        Some(Outcome::Completed { result, watermark, incomplete, .. }) => {
            (serde_json::from_str(&result).unwrap(), watermark, incomplete)
        }
        other => panic!("expected success, got {other:?}"),
    }
}

/// Compares records with the truth: each object once, with all of its notes.
fn assert_mirrors(records: &[Record], kind: RecordKind, facts: &[Fact]) {
    let mut notes: HashMap<i64, usize> = HashMap::new();
    let mut ids = HashSet::new();
    let mut seen = BTreeMap::new();
    for record in records {
        assert!(ids.insert((record.kind, record.gitlab_id)), "{} {} came twice", record.kind, record.gitlab_id);
        if record.kind == kind {
            let updated_at = record.updated_at.unwrap().to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
            let state = record.state.clone().unwrap();
            seen.insert(record.gitlab_id, (record.iid.unwrap(), record.title.clone(), state, updated_at));
        } else if record.kind == RecordKind::Timelog {
            assert_eq!(record.parent.unwrap().0, kind);
        } else {
            let (parent_kind, parent) = record.parent.unwrap();
            assert_eq!((record.kind, parent_kind), (RecordKind::Note, kind));
            *notes.entry(parent).or_default() += 1;
        }
    }
    let expected: BTreeMap<_, _> = facts
        .iter()
        .map(|fact| {
            (signed(fact.id), (signed(fact.iid), fact.title.clone(), fact.state.clone(), fact.updated_at.clone()))
        })
        .collect();
    assert_eq!(seen, expected);
    for fact in facts {
        assert_eq!(notes.get(&signed(fact.id)).copied().unwrap_or(0), fact.notes, "notes of {}", fact.id);
    }
}

#[tokio::test]
async fn all_groups_and_projects_of_the_account_are_found() {
    let mut scene = Scene::new(0.02).await;
    let order = scene.order("authorization_scope", None);
    let told = scene.run(order).await;
    let counts = scene.sim.counts_for("maria", true).unwrap();
    let (result, watermark, incomplete) = completed(told.outcome);
    assert_eq!(result["groups"], counts.groups);
    assert_eq!(result["projects"], counts.projects);
    assert_eq!((watermark, incomplete), (None, None));
    let ids: HashSet<_> = told.areas.iter().map(|area| (area.kind, area.gitlab_id)).collect();
    assert_eq!((ids.len(), told.areas.len()), (counts.groups + counts.projects, counts.groups + counts.projects));
    assert!((told.progress.value() - 1.0).abs() < 1e-9);
}

#[tokio::test]
async fn a_group_and_a_project_are_read_in_detail() {
    let mut scene = Scene::new(0.02).await;
    let areas = scene.areas().await;
    for (kind, record_kind, area_kind) in
        [("group", RecordKind::Group, AreaKind::Group), ("project", RecordKind::Project, AreaKind::Project)]
    {
        let area = areas.iter().find(|area| area.kind == area_kind).unwrap();
        let told = scene.run(scene.order(kind, Some(area))).await;
        completed(told.outcome);
        let [record] = told.records.as_slice() else { panic!("{:?}", told.records) };
        assert_eq!((record.kind, record.gitlab_id, &record.title), (record_kind, area.gitlab_id, &area.name));
        let payload: Value = serde_json::from_str(&record.payload).unwrap();
        assert_eq!(payload["full_path"], area.full_path.as_str());
    }
}

#[tokio::test]
async fn everything_arrives_once_with_all_its_notes() {
    let mut scene = Scene::new(0.1).await;
    let areas = scene.areas().await;
    for (job, kind, truth) in [
        ("issues", RecordKind::Issue, TruthKind::Issues),
        ("merge_requests", RecordKind::MergeRequest, TruthKind::MergeRequests),
    ] {
        let facts = scene.sim.truth(truth);
        assert!(facts.iter().any(|fact| fact.notes > 20), "no {job} with more notes than come inside");
        let mut records = Vec::new();
        for area in areas.iter().filter(|area| area.kind == AreaKind::Project) {
            let on = if kind == RecordKind::Issue { area.issues_enabled } else { area.merge_requests_enabled };
            if on {
                let told = scene.run(scene.order(job, Some(area))).await;
                let (result, watermark, incomplete) = completed(told.outcome);
                assert_eq!(incomplete, None);
                assert!(watermark.is_some());
                let of = |kind| told.records.iter().filter(|record| record.kind == kind).count();
                assert_eq!((&result[job], &result["notes"]), (&of(kind).into(), &of(RecordKind::Note).into()));
                records.extend(told.records);
            }
        }
        assert_mirrors(&records, kind, &facts);
    }
}

#[tokio::test]
async fn long_discussions_arrive_whole() {
    let mut scene = Scene::new(0.02).await;
    scene.sim.advance(60_000, Some(Change::Comment));
    for (job, kind, truth) in [
        ("issues", RecordKind::Issue, TruthKind::Issues),
        ("merge_requests", RecordKind::MergeRequest, TruthKind::MergeRequests),
    ] {
        let (area, facts) = scene.busiest(truth).await;
        // More than come inside, and more than a page of what does not.
        let longest = facts.iter().map(|fact| fact.notes).max();
        assert!(longest > Some(140), "the longest discussion of {job} has {longest:?} notes");
        let told = scene.run(scene.order(job, Some(&area))).await;
        assert_mirrors(&told.records, kind, &facts);
    }
}

#[tokio::test]
async fn confidential_issues_hide_their_notes_as_well() {
    let mut scene = Scene::new(0.5).await;
    let (area, _) = scene.busiest(TruthKind::Issues).await;
    let told = scene.run(scene.order("issues", Some(&area))).await;
    let confidential: HashSet<_> = told
        .records
        .iter()
        .filter(|record| record.kind == RecordKind::Issue && record.confidential)
        .map(|record| record.gitlab_id)
        .collect();
    assert!(!confidential.is_empty(), "no confidential issue in {}", area.full_path);
    for note in told.records.iter().filter(|record| record.kind == RecordKind::Note) {
        let internal = serde_json::from_str::<Value>(&note.payload).unwrap()["internal"] == true;
        assert_eq!(note.confidential, internal || confidential.contains(&note.parent.unwrap().1));
    }
}

#[tokio::test]
async fn another_attempt_goes_on_at_the_exact_page() {
    let mut scene = Scene::new(1.0).await;
    let (area, facts) = scene.busiest(TruthKind::MergeRequests).await;
    assert!(facts.len() > 100, "only {} merge requests", facts.len());
    let first = scene.order("merge_requests", Some(&area));
    scene.house.start(first.clone()).await;
    let mut told = Told::default();
    // Only what carries the first cursor, and what came before it, is committed; the rest dies with the attempt.
    while told.cursors.is_empty() {
        let arrived = scene.house.report().await;
        scene.house.acknowledge(arrived.seq).await;
        assert!(!told.take(arrived.report));
    }
    scene.house.send(&Message::StopJob(StopJob::Drop(first.lease))).await;
    let cursor = told.cursors.pop().unwrap();
    let second = StartJob {
        lease: Lease { token: 2, ..first.lease },
        cursor: Some(cursor.clone()),
        progress: told.progress.clone(),
        ..first.clone()
    };
    scene.house.start(second.clone()).await;
    let mut rest = Told::default();
    loop {
        let arrived = scene.house.report().await;
        scene.house.acknowledge(arrived.seq).await;
        if arrived.report.lease == second.lease && rest.take(arrived.report) {
            break;
        }
    }
    told.records.extend(rest.records);
    assert_mirrors(&told.records, RecordKind::MergeRequest, &facts);
    let (result, watermark, _) = completed(rest.outcome);
    assert_eq!(result["merge_requests"], facts.len());
    let cursor: Value = serde_json::from_str(&cursor).unwrap();
    let pass_started = DateTime::from_timestamp_micros(cursor["pass_started_us"].as_i64().unwrap()).unwrap();
    assert_eq!(watermark, Some(pass_started - TimeDelta::seconds(300)));
}

#[tokio::test]
async fn a_further_pass_sees_only_what_has_changed() {
    let mut scene = Scene::new(0.2).await;
    let (area, before) = scene.busiest(TruthKind::Issues).await;
    let (_, watermark, _) = completed(scene.run(scene.order("issues", Some(&area))).await.outcome);
    scene.sim.advance(150, None);
    let project = before[0].project_id;
    let unchanged: HashSet<_> = before.iter().map(|fact| (fact.id, fact.updated_at.clone())).collect();
    let changed: Vec<Fact> = scene
        .sim
        .truth(TruthKind::Issues)
        .into_iter()
        .filter(|fact| fact.project_id == project && !unchanged.contains(&(fact.id, fact.updated_at.clone())))
        .collect();
    assert!(!changed.is_empty() && changed.len() < before.len(), "{} of {} changed", changed.len(), before.len());
    let order = scene.order("issues", Some(&area));
    let watermark_us = watermark.map(|watermark| watermark.timestamp_micros());
    let told = scene.run(StartJob { watermark_us, ..order.clone() }).await;
    assert_mirrors(&told.records, RecordKind::Issue, &changed);
    let full = StartJob { watermark_us, payload: r#"{"full":true}"#.to_owned(), ..scene.order("issues", Some(&area)) };
    let (result, ..) = completed(scene.run(full).await.outcome);
    assert!(result["issues"].as_u64().unwrap() > changed.len() as u64, "a full pass reads everything");
}

#[tokio::test]
async fn a_sweep_reads_what_was_missed_and_what_changed_and_looks_everything_over() {
    let mut scene = Scene::new(0.5).await;
    let (area, before) = scene.busiest(TruthKind::Issues).await;
    let (_, watermark, _) = completed(scene.run(scene.order("issues", Some(&area))).await.outcome);
    scene.sim.advance(60, None);
    let project = before[0].project_id;
    let now: Vec<Fact> =
        scene.sim.truth(TruthKind::Issues).into_iter().filter(|fact| fact.project_id == project).collect();
    let unchanged: HashSet<_> = before.iter().map(|fact| (fact.id, fact.updated_at.clone())).collect();
    let (same, mut read): (Vec<Fact>, Vec<Fact>) =
        now.iter().cloned().partition(|fact| unchanged.contains(&(fact.id, fact.updated_at.clone())));
    assert!(now.len() > 100 && !read.is_empty() && same.len() > 3, "{} issues, {} changed", now.len(), read.len());
    // One of them is gone by now, which is nobody's fault.
    let missed = vec![signed(same[0].iid), signed(same[2].iid), 1_000_000];
    read.extend([same[0].clone(), same[2].clone()]);
    let order = StartJob {
        payload: r#"{"sweep":true}"#.to_owned(),
        watermark_us: watermark.map(|watermark| watermark.timestamp_micros()),
        missed,
        ..scene.order("issues", Some(&area))
    };
    let told = scene.run(order).await;
    assert_mirrors(&told.records, RecordKind::Issue, &read);
    let ids = |facts: &[Fact]| facts.iter().map(|fact| signed(fact.id)).collect::<HashSet<_>>();
    assert_eq!(told.whole_parents.iter().copied().collect::<HashSet<_>>(), ids(&read));
    assert_eq!(told.sightings.iter().map(|seen| seen.gitlab_id).collect::<HashSet<_>>(), ids(&now));
    for seen in &told.sightings {
        let fact = now.iter().find(|fact| signed(fact.id) == seen.gitlab_id).unwrap();
        let updated_at = seen.updated_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        assert_eq!((seen.iid, &updated_at), (signed(fact.iid), &fact.updated_at));
    }
    let Some(Outcome::Completed { result, whole, .. }) = told.outcome else { panic!("{:?}", told.outcome) };
    let result: Value = serde_json::from_str(&result).unwrap();
    assert_eq!((&result["issues"], &result["looked_over"]), (&read.len().into(), &now.len().into()));
    let lists: Vec<_> = whole.iter().map(|list| (list.kind, list.seen)).collect();
    assert_eq!(lists, [(RecordKind::Issue, Some(now.len() as u64))]);
}
