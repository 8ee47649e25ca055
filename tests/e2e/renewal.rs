//! A website that is restarted on purpose, under the eyes of its users and in the middle of a crawl.

use crate::harness::{
    Client, Database, Site, System, assert_mirrors, assert_sound, assert_undisturbed, distant_forge, eventually,
};
use serde_json::json;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use trawl_gitlab_sim::MARIA_TOKEN;

/// Asks for pages one after the other until it is told to end; returns how many were answered. Each has to be.
async fn visit(url: String, kept: bool, done: Arc<AtomicBool>) -> usize {
    let http = reqwest::Client::builder()
        .pool_max_idle_per_host(usize::from(kept))
        .timeout(Duration::from_secs(20))
        .build()
        .unwrap();
    let mut answered = 0;
    while !done.load(Ordering::Relaxed) {
        let answer = http.get(format!("{url}/sign-in")).send().await.unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(answer.status(), 200);
        answer.bytes().await.unwrap();
        answered += 1;
    }
    answered
}

/// Submits jobs until it is told to end; each has to be taken.
async fn submit(client: Arc<Client>, submitted: Arc<AtomicUsize>, done: Arc<AtomicBool>) {
    while !done.load(Ordering::Relaxed) {
        let name = format!("n{}", submitted.load(Ordering::Relaxed));
        let drill = json!({ "kind": "drill", "payload": { "name": name } });
        assert_eq!(client.post("/api/jobs", &drill).await.status, 201);
        submitted.fetch_add(1, Ordering::Relaxed);
    }
}

fn drills(database: &Database, state: &str) -> i64 {
    database.number(&format!("SELECT count(*) AS v FROM jobs WHERE kind = 'drill' AND state {state}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_notices_a_restart() {
    let site = Site::new(System::new(), distant_forge(0.5, 20)).await;
    let url = site.system.url().await;
    let client = Arc::new(site.system.sign_in("admin").await);
    site.link(MARIA_TOKEN).await;
    let (done, submitted) = (Arc::<AtomicBool>::default(), Arc::<AtomicUsize>::default());
    let visitors = [false, true, true].map(|kept| tokio::spawn(visit(url.clone(), kept, Arc::clone(&done))));
    let submitting = tokio::spawn(submit(client, Arc::clone(&submitted), Arc::clone(&done)));
    let mut pids = vec![site.system.process("website").unwrap()["pid"].clone()];
    for _ in 0..5 {
        let restarted = site.system.run("supervisor", &["restart", "website"]);
        assert!(restarted.status.success(), "{restarted:?}\n{}", site.supervisor.log());
        let row = site.system.is("website", "running").await;
        assert!(!pids.contains(&row["pid"]), "{row}");
        pids.push(row["pid"].clone());
    }
    done.store(true, Ordering::Relaxed);
    for visitor in visitors {
        assert!(visitor.await.unwrap() > 5);
    }
    submitting.await.unwrap();
    let database = site.crawled().await;
    let submitted = i64::try_from(submitted.load(Ordering::Relaxed)).unwrap();
    eventually("all that was submitted is done", async || {
        (drills(&database, "= 'completed'") == submitted).then_some(())
    })
    .await;
    assert_mirrors(&database, &site.forge);
    assert_sound(&database);
    // The crawlers went on with what they had. An order that was not delivered any more is given again, at no cost.
    assert_undisturbed(&database);
    let ended = "SELECT DISTINCT outcome AS v FROM attempts WHERE outcome NOT IN ('completed', 'handed back')";
    assert_eq!(database.texts(ended), [""; 0]);
    assert!(!site.supervisor.log().contains("panic"), "{}", site.supervisor.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_changed_by_a_website_that_is_alone() {
    let system = System::new();
    let supervisor = system.supervise(&["website"]);
    system.set_up().await;
    let before = system.process("website").unwrap()["pid"].clone();
    // As an earlier version has left it: the last migration is yet to come.
    let database = system.database();
    let last = database.texts("SELECT max(version) AS v FROM __diesel_schema_migrations").remove(0);
    undo(&database, &last);
    database.change(&format!("DELETE FROM __diesel_schema_migrations WHERE version = '{last}'"));
    let restarted = system.run("supervisor", &["restart", "website"]);
    assert!(restarted.status.success(), "{restarted:?}\n{}", supervisor.log());
    assert!(supervisor.log().contains("website has to be alone to change the database"), "{}", supervisor.log());
    let row = system.is("website", "running").await;
    assert_ne!(row["pid"], before, "{row}");
    assert_eq!(database.texts("SELECT max(version) AS v FROM __diesel_schema_migrations"), [last]);
}

/// Takes a migration back.
fn undo(database: &Database, version: &str) {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations/sqlite");
    let plain = |name: &str| name.chars().filter(char::is_ascii_digit).collect::<String>();
    let mut entries = fs::read_dir(all).unwrap().map(|entry| entry.unwrap().path());
    let of = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().split('_').next().map(plain);
    let migration = entries.find(|path| of(path).as_deref() == Some(version)).unwrap();
    // Without foreign keys, as the website does it: a table that is built anew must not take along what refers to it.
    let down = fs::read_to_string(migration.join("down.sql")).unwrap();
    database.change(&format!("PRAGMA foreign_keys = OFF; BEGIN IMMEDIATE; {down} COMMIT; PRAGMA foreign_keys = ON"));
}
