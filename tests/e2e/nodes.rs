//! Two nodes on one PostgreSQL database: they share the work, and one does the other's when it is gone.

use crate::{
    harness::{Client, System, eventually},
    postgres::Server,
};
use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, sql_query, sql_types::BigInt};
use nix::sys::signal::Signal;
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt as _};

const JOBS: usize = 300;

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

fn count(url: &str, sql: &str) -> i64 {
    let mut conn = PgConnection::establish(url).unwrap();
    sql_query(sql).get_result::<Count>(&mut conn).unwrap().n
}

pub(crate) fn node(url: &str, name: &str) -> System {
    let system = System::new();
    // Nodes that share a database share its key.
    let (state, key) = (system.path("state"), system.path("state/master.key"));
    fs::create_dir(&state).unwrap();
    fs::write(&key, [7; 32]).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    system
        .with("TRAWL_DATABASE__URL", url)
        .with("TRAWL_DATABASE__NODE", name)
        .with("TRAWL_PIPELINE__HEARTBEAT_MS", "300")
        .with("TRAWL_PIPELINE__STALE_SECONDS", "3")
}

async fn submit(client: &Client, payload: Value) -> String {
    let answer = client.post("/api/jobs", &json!({ "kind": "drill", "payload": payload })).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_share_the_work_and_one_outlives_the_other() {
    let Some(server) = Server::shared() else { return };
    let url = server.create_database();
    let (one, two) = (node(&url, "one"), node(&url, "two"));
    let first = one.supervise(&[]);
    let at_one = one.set_up().await;
    let second = two.supervise(&[]);
    let at_two = two.sign_in(crate::harness::USERNAME).await;
    eventually("both nodes have a crawler", async || {
        let up = |system: &System| system.process("crawler-1").is_some_and(|row| row["state"] == "running");
        (up(&one) && up(&two)).then_some(())
    })
    .await;

    // Whichever runs it, the other one can stop it.
    let slow = submit(&at_one, json!({ "name": "slow", "steps": 1000, "step_ms": 100 })).await;
    let status = async |client: &Client, id: &str| client.get(&format!("/api/jobs/{id}")).await.json();
    eventually("it runs", async || (status(&at_two, &slow).await["status"] == "running").then_some(())).await;
    for client in [&at_two, &at_one] {
        let answer = client.post(&format!("/api/jobs/{slow}/abort"), &json!({})).await;
        assert!([202, 409].contains(&answer.status), "{answer:?}");
    }
    eventually("it has stopped", async || (status(&at_one, &slow).await["status"] == "aborted").then_some(())).await;

    let jobs: Vec<Value> = (0..JOBS)
        .map(|n| json!({ "kind": "drill", "payload": { "name": format!("{n}"), "steps": 3, "step_ms": 30, "items": 2 } }))
        .collect();
    let answer = at_one.post("/api/jobs/batch", &json!({ "jobs": jobs })).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let of = |node: &str| {
        format!("SELECT count(*) AS n FROM attempts WHERE outcome = 'completed' AND worker LIKE '{node}/%'")
    };
    eventually("both nodes work", async || (count(&url, &of("one")) > 5 && count(&url, &of("two")) > 5).then_some(()))
        .await;
    first.signal(Signal::SIGKILL);
    let left = "SELECT count(*) AS n FROM jobs WHERE finished_at IS NULL";
    eventually("the other one does the rest", async || (count(&url, left) == 0).then_some(())).await;
    let all = i64::try_from(JOBS).unwrap();
    assert_eq!(count(&url, "SELECT count(*) AS n FROM jobs WHERE state = 'completed'"), all);
    assert_eq!(count(&url, "SELECT count(*) AS n FROM attempts WHERE outcome = 'completed'"), all, "each once");
    assert_eq!(count(&url, "SELECT count(*) AS n FROM job_items"), 6 * all);
    let wrong = "SELECT count(*) AS n FROM (SELECT kind, state, lane, sum(n) AS d FROM (SELECT kind, state, lane, n FROM \
                 job_counts UNION ALL SELECT kind, state, lane, -1 FROM jobs) a GROUP BY kind, state, lane \
                 HAVING sum(n) <> 0) b";
    assert_eq!(count(&url, wrong), 0, "the counters are exact");
    // The one that is gone comes back as if nothing had been.
    let again = one.supervise(&[]);
    one.url().await;
    drop((again, second));
}

/// Else it would take every account of the others for one that has to be linked again.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_another_key_does_not_start() {
    let Some(server) = Server::shared() else { return };
    let url = server.create_database();
    let (one, two) = (node(&url, "one"), node(&url, "two"));
    let first = one.supervise(&[]);
    one.set_up().await;
    fs::write(two.path("state/master.key"), [8; 32]).unwrap();
    let refused = two.run("website", &[]);
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && said.contains("copy master.key from another node"), "{said}");
    drop(first);
}

/// The server is started again, or somebody stumbles over its cable: all connections break, and none is made for a while.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_away_loses_nothing() {
    let Some(server) = Server::shared() else { return };
    let url = server.create_database();
    let node = node(&url, "one");
    let supervisor = node.supervise(&[]);
    let client = node.set_up().await;
    let drill = |n| json!({ "kind": "drill", "payload": { "name": format!("{n}"), "steps": 5, "step_ms": 50 } });
    let jobs: Vec<Value> = (0..JOBS).map(drill).collect();
    assert_eq!(client.post("/api/jobs/batch", &json!({ "jobs": jobs })).await.status, 201);
    let done = || count(&url, "SELECT count(*) AS n FROM jobs WHERE kind = 'drill' AND state = 'completed'");
    let name = url.split_once("///").unwrap().1.split('?').next().unwrap();
    let mut elsewhere = PgConnection::establish(&url.replace(&format!("/{name}?"), "/postgres?")).unwrap();
    let mut run = |sql: String| sql_query(sql).execute(&mut elsewhere).unwrap();
    for round in 1..=2 {
        eventually("jobs are being done", async || (done() >= i64::from(round) * 40).then_some(())).await;
        let refusals = || supervisor.log().matches("the database takes nothing; trying again").count();
        let before = refusals();
        run(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
        run(format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"));
        eventually("the website notices", async || (refusals() > before).then_some(())).await;
        run(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"));
    }
    eventually("all jobs are done", async || (done() == i64::try_from(JOBS).unwrap()).then_some(())).await;
    let twice = "SELECT count(*) AS n FROM (SELECT job_id FROM attempts WHERE outcome = 'completed' \
                 GROUP BY job_id HAVING count(*) > 1) twice";
    assert_eq!(count(&url, twice), 0);
    assert_eq!(node.process("website").unwrap()["restarts"], 0, "{}", supervisor.log());
}
