//! The job manager on a real database: what follows from a report, and what does not follow from it twice.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::HashMap, time::Duration};
use trawl_jobs::plan::AreaTraits;
use trawl_jobs::{
    AccountId, AreaKind, Change, ErrorClass, FoundArea, JobError, Outcome, Record, RecordKind, Report, RetryPolicy,
    Sighting, Slots, State, WholeList,
};
use trawl_store::{
    Db, DbOptions,
    accounts::{self, AccountState, NewAccount},
    claims::{self, ClaimRequest, Claimed, Runner},
    counters, instances, jobs, leases, sync, users,
};
use trawl_website::manager::{
    Rules,
    ingest::{Ingested, Reporter, ingest},
    plan, refresh,
};

const RULES: Rules = Rules {
    lists: Duration::from_hours(4),
    full: Duration::from_hours(48),
    slots: Slots { total: 8, reserved: 2 },
    priority_threshold: 90,
    max_attempts: 3,
    stale: Duration::from_secs(15),
    incremental: Duration::from_mins(15),
    scope: Duration::from_hours(1),
    pseudonyms: None,
    retry: RetryPolicy { base: Duration::from_secs(1), cap: Duration::from_secs(10), max_crashes: 3 },
};

struct House {
    db: Db,
    _dir: tempfile::TempDir,
}

impl House {
    /// A database with one user and one linked account, and its first job planned.
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", dir.path().join("trawl.db").display());
        let options =
            DbOptions { url, full_synchronous: false, read_connections: 2, busy_timeout_ms: 1000, may_migrate: true };
        let db = Db::open(options).await.unwrap();
        let house = Self { db, _dir: dir };
        let user = house.db.write(|conn| users::create(conn, "maria", "-", false)).await.unwrap();
        house.link(user, 1).await;
        house
    }

    async fn link(&self, user: trawl_jobs::UserId, gitlab_user_id: i64) {
        self.db
            .write(move |conn| {
                let instance = instances::ensure(conn, "https://gitlab.example.com")?;
                let new = NewAccount {
                    user,
                    instance,
                    gitlab_user_id,
                    username: "maria",
                    token_cipher: b"-",
                    refresh_cipher: None,
                    expires_at: None,
                    renew_at: None,
                    scopes: None,
                };
                let id = accounts::link(conn, &new)?;
                let account = accounts::get(conn, id)?.unwrap();
                plan::handle_new_authorization(conn, &RULES, &account)?;
                Ok(())
            })
            .await
            .unwrap();
    }

    async fn claim(&self, any: usize) -> Vec<Claimed> {
        let request =
            ClaimRequest { worker: worker().worker, any, normal: any, instance: None, runner: Runner::Crawler };
        self.db.write(move |conn| claims::claim(conn, &request)).await.unwrap().claimed
    }

    async fn report(&self, report: Report) -> Ingested {
        self.db.write(move |conn| ingest(conn, &RULES, [(&worker(), &report)], HashMap::new())).await.unwrap().remove(0)
    }

    /// All jobs by kind and state.
    async fn counts(&self) -> Vec<(String, State, i64)> {
        self.db.read(|conn| counters::jobs(conn, None)).await.unwrap()
    }

    /// Runs the first job: it finds one group and one project.
    async fn discover(&self) {
        let scope = self.claim(1).await.remove(0);
        assert_eq!(scope.job.kind, "authorization_scope");
        let changes = vec![
            Change::Discovered(vec![
                area(AreaKind::Group, 7, "platform"),
                area(AreaKind::Project, 7, "platform/gateway"),
            ]),
            done(),
        ];
        let lease = scope.job.lease().unwrap();
        let ingested = self.report(Report { lease, seq: 1, changes }).await;
        let needs = |kind| {
            let area = AreaTraits { kind, issues_enabled: true, merge_requests_enabled: true };
            trawl_jobs::plan::for_area(area).len()
        };
        assert_eq!(ingested.jobs_made, needs(AreaKind::Group) + needs(AreaKind::Project));
    }
}

fn worker() -> Reporter {
    Reporter { worker: "here/crawler-1/00000001".to_owned(), own_token: false }
}

fn done() -> Change {
    Change::Finished(Outcome::Completed {
        result: "{}".to_owned(),
        watermark: None,
        incomplete: None,
        whole: Vec::new(),
        readers: Vec::new(),
    })
}

fn area(kind: AreaKind, gitlab_id: i64, path: &str) -> FoundArea {
    FoundArea {
        kind,
        gitlab_id,
        full_path: path.to_owned(),
        name: path.to_owned(),
        web_url: None,
        visibility: None,
        archived: false,
        issues_enabled: true,
        merge_requests_enabled: true,
        access_level: Some(30),
    }
}

fn issue(gitlab_id: i64) -> Record {
    Record {
        kind: RecordKind::Issue,
        gitlab_id,
        iid: Some(gitlab_id),
        parent: None,
        title: "t\0itle".to_owned(),
        state: Some("opened".to_owned()),
        author: None,
        created_at: None,
        updated_at: Some(trawl_store::now()),
        closed_at: None,
        merged_at: None,
        web_url: None,
        confidential: false,
        payload: "{}".to_owned(),
    }
}

fn of(counts: &[(String, State, i64)], kind: &str, state: State) -> i64 {
    counts.iter().find(|row| row.0 == kind && row.1 == state).map_or(0, |row| row.2)
}

#[tokio::test]
async fn what_is_found_gets_its_jobs_once() {
    let house = House::new().await;
    house.discover().await;
    let counts = house.counts().await;
    for kind in ["group", "project", "issues", "merge_requests"] {
        assert_eq!(of(&counts, kind, State::Queued), 1, "{kind}");
    }
    // Nothing is due: neither again by the schedule, nor for a second account that sees the same.
    assert_eq!(house.db.write(|conn| refresh::run(conn, &RULES)).await.unwrap(), 0);
    let other = house.db.write(|conn| users::create(conn, "tom", "-", false)).await.unwrap();
    house.link(other, 2).await;
    let scope = house.claim(1).await.remove(0);
    let found = Change::Discovered(vec![area(AreaKind::Project, 7, "platform/renamed")]);
    let report = Report { lease: scope.job.lease().unwrap(), seq: 1, changes: vec![found] };
    assert_eq!(house.report(report).await.jobs_made, 0);
}

#[tokio::test]
async fn a_report_counts_once() {
    let house = House::new().await;
    house.discover().await;
    let job = house.claim(100).await.into_iter().find(|claimed| claimed.job.kind == "issues").unwrap();
    let lease = job.job.lease().unwrap();
    let changes = vec![Change::Records(vec![issue(1), issue(2)]), Change::Cursor(r#"{"page":2}"#.to_owned())];
    let report = Report { lease, seq: 1, changes };
    assert_eq!(house.report(report.clone()).await.objects, 2);
    assert_eq!(house.report(report).await.objects, 0, "an acknowledgement was lost");
    // A worker that died leaves the cursor; the one that was thought dead is told to stop.
    let mut held = house.db.read(move |conn| jobs::get(conn, lease.job)).await.unwrap().unwrap();
    let lost = house.db.write(move |conn| leases::lost(conn, &mut held, "gone", &RULES.retry)).await.unwrap();
    assert_eq!(lost, State::Queued);
    let again = house.claim(100).await.remove(0);
    assert_eq!(again.job.cursor.as_deref(), Some(r#"{"page":2}"#));
    assert_eq!((again.job.attempt, again.job.crashes), (1, 1), "a crash burns no attempt");
    let late = Report { lease, seq: 2, changes: vec![Change::Records(vec![issue(3)])] };
    let refused = house.report(late).await;
    assert!(refused.gone && refused.objects == 0);
}

#[tokio::test]
async fn what_failed_is_not_tried_at_once_by_the_schedule() {
    let house = House::new().await;
    house.discover().await;
    let claimed = house.claim(100).await;
    for job in &claimed {
        let error = JobError::permanent("the project is gone");
        let changes = vec![Change::Finished(Outcome::Failed(error))];
        house.report(Report { lease: job.job.lease().unwrap(), seq: 1, changes }).await;
    }
    let counts = house.counts().await;
    assert_eq!(of(&counts, "issues", State::Failed), 1);
    assert_eq!(house.db.write(|conn| refresh::run(conn, &RULES)).await.unwrap(), 0);
    let eager = Rules { incremental: Duration::ZERO, ..RULES };
    assert_eq!(
        house.db.write(move |conn| refresh::run(conn, &eager)).await.unwrap(),
        7,
        "what can tell what has changed"
    );
}

#[tokio::test]
async fn a_refused_token_parks_until_it_is_replaced() {
    let house = House::new().await;
    house.discover().await;
    let job = house.claim(100).await.into_iter().find(|claimed| claimed.job.kind == "issues").unwrap();
    let error = JobError::new(ErrorClass::Credentials, "401");
    let changes = vec![Change::Finished(Outcome::Failed(error))];
    let lease = job.job.lease().unwrap();
    let ingested = house.report(Report { lease, seq: 1, changes }).await;
    assert_eq!(ingested.account_refused, Some(job.accounts[0]));
    let parked = ingested.job.unwrap();
    assert_eq!((parked.state().unwrap(), parked.attempt), (State::Waiting, 0));
    let id = job.accounts[0];
    let account = house.db.read(move |conn| accounts::get(conn, id)).await.unwrap().unwrap();
    assert_eq!(account.state(), AccountState::Refused);
    house.link(account.user(), 1).await;
    let woken = house.db.write(move |conn| jobs::wake_for_credentials(conn, account.instance())).await.unwrap();
    assert_eq!(woken, 1);
    assert!(house.claim(100).await.iter().any(|claimed| claimed.job.kind == "issues"));
}

#[tokio::test]
async fn a_pass_that_ended_well_says_where_the_next_begins() {
    let house = House::new().await;
    house.discover().await;
    let job = house.claim(100).await.into_iter().find(|claimed| claimed.job.kind == "issues").unwrap();
    let watermark = trawl_store::now();
    let outcome = Outcome::Completed {
        result: "{}".to_owned(),
        watermark: Some(watermark),
        incomplete: None,
        whole: Vec::new(),
        readers: Vec::new(),
    };
    let report = Report { lease: job.job.lease().unwrap(), seq: 1, changes: vec![Change::Finished(outcome)] };
    house.report(report).await;
    let area = trawl_jobs::AreaId(job.job.area_id.unwrap());
    let stored = house.db.read(move |conn| sync::watermark(conn, area, "issues", Some(30))).await.unwrap();
    assert_eq!(stored, Some(watermark));
}

#[tokio::test]
async fn an_archived_project_is_read_once_and_until_then_tried_again() {
    let house = House::new().await;
    let scope = house.claim(1).await.remove(0);
    let archived = FoundArea { archived: true, ..area(AreaKind::Project, 7, "old") };
    let changes = vec![Change::Discovered(vec![archived]), done()];
    house.report(Report { lease: scope.job.lease().unwrap(), seq: 1, changes }).await;
    let eager = Rules { incremental: Duration::ZERO, scope: Duration::from_hours(1), ..RULES };
    for job in house.claim(100).await {
        let failed = Change::Finished(Outcome::Failed(JobError::permanent("the disk was full")));
        let last = if job.job.kind == "issues" { failed } else { done() };
        house.report(Report { lease: job.job.lease().unwrap(), seq: 1, changes: vec![last] }).await;
    }
    assert_eq!(house.db.write(move |conn| refresh::run(conn, &eager)).await.unwrap(), 1, "only what failed");
    let again = house.claim(100).await.remove(0);
    assert_eq!(again.job.kind, "issues");
    house.report(Report { lease: again.job.lease().unwrap(), seq: 1, changes: vec![done()] }).await;
    assert_eq!(house.db.write(move |conn| refresh::run(conn, &eager)).await.unwrap(), 0);
}

#[tokio::test]
async fn what_a_person_stopped_stays_stopped_for_a_while() {
    let house = House::new().await;
    house.discover().await;
    let queued = house.db.read(|conn| jobs::list(conn, &jobs::JobFilter::default(), 100)).await.unwrap().lines;
    let id = queued.iter().find(|(job, _)| job.kind == "issues").unwrap().0.id().unwrap();
    house.db.write(move |conn| jobs::abort(conn, id)).await.unwrap();
    // One that runs has to be told, and then says so itself.
    let running = house.claim(100).await.into_iter().find(|claimed| claimed.job.kind == "merge_requests").unwrap();
    let lease = running.job.lease().unwrap();
    house.db.write(move |conn| jobs::abort(conn, lease.job)).await.unwrap();
    let ended = house.report(Report { lease, seq: 1, changes: vec![Change::Finished(Outcome::Aborted)] }).await;
    assert_eq!(ended.job.unwrap().state().unwrap(), State::Aborted);
    assert_eq!(house.db.write(|conn| refresh::run(conn, &RULES)).await.unwrap(), 0);
}

#[tokio::test]
async fn an_account_that_comes_to_reach_an_area_wakes_its_jobs() {
    let house = House::new().await;
    house.discover().await;
    let job = house.claim(100).await.into_iter().find(|claimed| claimed.job.kind == "issues").unwrap();
    let error = JobError::new(ErrorClass::Credentials, "401");
    let changes = vec![Change::Finished(Outcome::Failed(error))];
    house.report(Report { lease: job.job.lease().unwrap(), seq: 1, changes }).await;
    let other = house.db.write(|conn| users::create(conn, "tom", "-", false)).await.unwrap();
    house.link(other, 2).await;
    let scope = house.claim(1).await.remove(0);
    let found = Change::Discovered(vec![area(AreaKind::Project, 7, "platform/gateway")]);
    house.report(Report { lease: scope.job.lease().unwrap(), seq: 1, changes: vec![found] }).await;
    let woken = house.db.read(move |conn| jobs::get(conn, job.job.id()?)).await.unwrap().unwrap();
    assert_eq!(woken.state().unwrap(), State::Queued);
}

#[tokio::test]
async fn a_report_after_one_that_is_missing_is_not_taken() {
    let house = House::new().await;
    house.discover().await;
    let job = house.claim(100).await.into_iter().find(|claimed| claimed.job.kind == "issues").unwrap();
    let second = Report { lease: job.job.lease().unwrap(), seq: 2, changes: vec![done()] };
    assert!(house.report(second).await.gone, "it would leave a hole");
    let held = house.db.read(move |conn| jobs::get(conn, job.job.id()?)).await.unwrap().unwrap();
    assert_eq!((held.state().unwrap(), held.crashes), (State::Queued, 1), "somebody else goes on");
}

#[tokio::test]
async fn what_was_left_out_is_said_until_everything_was_read_again() {
    let house = House::new().await;
    house.discover().await;
    let eager = Rules { incremental: Duration::ZERO, ..RULES };
    let mut passes = [Some("3 issues left out"), None].into_iter();
    for _ in 0..2 {
        let job = house.claim(100).await.into_iter().find(|claimed| claimed.job.kind == "issues").unwrap();
        let incomplete = passes.next().flatten().map(str::to_owned);
        let watermark = Some(trawl_store::now());
        let outcome = Outcome::Completed {
            result: "{}".to_owned(),
            watermark,
            incomplete,
            whole: Vec::new(),
            readers: Vec::new(),
        };
        let changes = vec![Change::Finished(outcome)];
        house.report(Report { lease: job.job.lease().unwrap(), seq: 1, changes }).await;
        house.db.write(move |conn| refresh::run(conn, &eager)).await.unwrap();
    }
    let job = house.claim(100).await.into_iter().find(|claimed| claimed.job.kind == "issues").unwrap();
    let area = trawl_jobs::AreaId(job.job.area_id.unwrap());
    let passes = house.db.read(move |conn| sync::passes(conn, area)).await.unwrap();
    assert_eq!(passes["issues"].shortfall(), Some("3 issues left out"));
    // Whoever may see more begins from the start.
    let seen = |level| house.db.read(move |conn| sync::watermark(conn, area, "issues", Some(level)));
    assert!(seen(30).await.unwrap().is_some() && seen(40).await.unwrap().is_none());
}

/// Runs the labels of the project once more, with what a pass has seen.
async fn labels(house: &House, seen: &[i64], whole: WholeList, readers: &[AccountId]) -> (i64, Option<String>) {
    let eager = Rules { lists: Duration::ZERO, ..RULES };
    let label = |id: &i64| Record { kind: RecordKind::Label, updated_at: None, ..issue(*id) };
    let job = house.claim(100).await.into_iter().find(|claimed| claimed.job.kind == "labels").unwrap();
    let outcome = Outcome::Completed {
        result: "{}".to_owned(),
        watermark: None,
        incomplete: None,
        whole: vec![whole],
        readers: readers.to_vec(),
    };
    let changes = vec![Change::Records(seen.iter().map(label).collect()), Change::Finished(outcome)];
    house.report(Report { lease: job.job.lease().unwrap(), seq: 1, changes }).await;
    house.db.write(move |conn| refresh::run(conn, &eager)).await.unwrap();
    let area = trawl_jobs::AreaId(job.job.area_id.unwrap());
    let counts = house.db.read(move |conn| counters::of_area(conn, area)).await.unwrap();
    let passes = house.db.read(move |conn| sync::passes(conn, area)).await.unwrap();
    (counts.get("label").copied().unwrap_or(0), passes["labels"].shortfall().map(str::to_owned))
}

fn whole(seen: Option<u64>, sure: bool) -> WholeList {
    WholeList { kind: RecordKind::Label, seen, sure }
}

#[tokio::test]
async fn what_is_suddenly_gone_is_looked_at_twice() {
    let house = House::new().await;
    house.discover().await;
    let me = [AccountId(1)];
    assert_eq!(labels(&house, &[], whole(None, false), &me).await, (0, None), "what was never shown is not missed");
    assert_eq!(labels(&house, &[1, 2, 3], whole(Some(3), true), &me).await, (3, None));
    assert_eq!(labels(&house, &[1, 2], whole(Some(2), true), &me).await, (2, None), "one is gone");
    let (kept, why) = labels(&house, &[], whole(None, false), &me).await;
    assert!(kept == 2 && why.as_ref().is_some_and(|why| why.contains("any more")), "{kept} {why:?}");
    let (kept, why) = labels(&house, &[], whole(Some(0), true), &me).await;
    assert!(kept == 2 && why.as_ref().is_some_and(|why| why.contains("shows nothing")), "{kept} {why:?}");
    assert_eq!(labels(&house, &[], whole(Some(0), true), &me).await, (0, None), "it has stayed so");
}

#[tokio::test]
async fn what_somebody_else_does_not_see_is_not_gone() {
    let house = House::new().await;
    house.discover().await;
    let (me, both, nobody) = ([AccountId(1)], [AccountId(1), AccountId(2)], []);
    assert_eq!(labels(&house, &[1, 2, 3, 4], whole(Some(4), true), &me).await.0, 4);
    let other = house.db.write(|conn| users::create(conn, "tom", "-", false)).await.unwrap();
    house.link(other, 2).await;
    for readers in [&both[..], &[AccountId(2)], &nobody] {
        assert_eq!(labels(&house, &[1, 2], whole(Some(2), true), readers).await.0, 4, "{readers:?}");
    }
    // The one after somebody else's is compared with theirs.
    assert_eq!(labels(&house, &[1, 2, 3], whole(Some(3), true), &me).await.0, 4);
    assert_eq!(labels(&house, &[1, 2, 3], whole(Some(3), true), &me).await.0, 3);
    // Pages by number: a row may have slipped from one to another, but hardly twice.
    assert_eq!(labels(&house, &[1, 2], whole(Some(2), false), &me).await.0, 3);
    assert_eq!(labels(&house, &[1, 2], whole(Some(2), false), &me).await.0, 2);
}

/// Runs the issues of the project once more, and says which numbers were to be read.
async fn issues(house: &House, rules: Rules, changes: Vec<Change>, whole: Vec<WholeList>) -> (String, Vec<i64>) {
    let claimed = house.claim(100).await.into_iter().find(|claimed| claimed.job.kind == "issues").unwrap();
    let outcome = Outcome::Completed {
        result: "{}".to_owned(),
        watermark: Some(trawl_store::now()),
        incomplete: None,
        whole,
        readers: vec![AccountId(1)],
    };
    let changes = changes.into_iter().chain([Change::Finished(outcome)]).collect();
    house.report(Report { lease: claimed.job.lease().unwrap(), seq: 1, changes }).await;
    house.db.write(move |conn| refresh::run(conn, &rules)).await.unwrap();
    (claimed.job.payload, claimed.missed)
}

#[tokio::test]
async fn what_a_sweep_does_not_see_is_gone_and_what_it_sees_otherwise_is_read_next() {
    let house = House::new().await;
    house.discover().await;
    let often = Rules { incremental: Duration::ZERO, ..RULES };
    let sweeping = Rules { full: Duration::ZERO, ..often };
    let changed_at = trawl_store::now();
    let issue = |id, comments: i64| Record {
        updated_at: Some(changed_at),
        payload: format!(r#"{{"user_notes_count":{comments}}}"#),
        ..issue(id)
    };
    let note = |id, of| Record { kind: RecordKind::Note, parent: Some((RecordKind::Issue, of)), ..issue(id, 0) };
    let all = |seen| vec![WholeList { kind: RecordKind::Issue, seen: Some(seen), sure: true }];
    let first =
        vec![Change::Records(vec![issue(1, 1), issue(2, 1), issue(3, 0), issue(4, 0), note(11, 1), note(12, 2)])];
    assert_eq!(issues(&house, sweeping, first, all(4)).await, ("{}".to_owned(), Vec::new()));

    let seen = |id, seconds, comments| Sighting {
        gitlab_id: id,
        iid: id,
        updated_at: changed_at + Duration::from_secs(seconds),
        comments: Some(comments),
    };
    // The first has lost a comment, the second is gone with its own, the fourth has changed, and the fifth is new.
    let sightings = vec![seen(1, 0, 0), seen(3, 0, 0), seen(4, 1, 0), seen(5, 0, 0)];
    let changes = vec![Change::Sightings(RecordKind::Issue, sightings)];
    let swept = issues(&house, often, changes, all(4)).await;
    assert_eq!(swept, (r#"{"sweep":true}"#.to_owned(), Vec::new()));
    let counts = || house.db.read(|conn| counters::of_area(conn, trawl_jobs::AreaId(2)));
    assert_eq!((counts().await.unwrap()["issue"], counts().await.unwrap()["note"]), (3, 1));

    // What hung on the first and does not come with it is gone.
    let of = vec![1, 4, 5];
    let children =
        Change::Children { kind: RecordKind::Note, parent: RecordKind::Issue, of, readers: vec![AccountId(1)] };
    let changes = vec![Change::Records(vec![issue(1, 0), issue(4, 0), issue(5, 0)]), children];
    assert_eq!(issues(&house, often, changes, Vec::new()).await, ("{}".to_owned(), vec![1, 4, 5]));
    assert_eq!((counts().await.unwrap()["issue"], counts().await.unwrap()["note"]), (4, 0));
    assert_eq!(issues(&house, often, Vec::new(), Vec::new()).await.1, [0; 0], "they have been read");
}
