//! The stream of live updates, as a browser reads it: from an event on, and not at all for a while.

use crate::harness::{Client, System, eventually};
use serde_json::json;
use std::{
    io::{BufRead as _, BufReader},
    time::Duration,
};

/// Events as they come, until one satisfies the condition: `(id, name)`.
async fn until(client: &Client, last: Option<u64>, enough: impl Fn(&[(u64, String)]) -> bool) -> Vec<(u64, String)> {
    let mut response = client.stream("/api/jobs/stream", last).await;
    let (mut text, mut events) = (String::new(), Vec::new());
    while !enough(&events) {
        let bytes = response.chunk().await.unwrap().expect("the stream goes on");
        text.push_str(std::str::from_utf8(&bytes).unwrap());
        while let Some((one, rest)) = text.split_once("\n\n") {
            let field = |name: &str| one.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            if let (Some(id), Some(name)) = (field("id:"), field("event:")) {
                events.push((id.parse().unwrap(), name.to_owned()));
            }
            text = rest.to_owned();
        }
    }
    events
}

async fn submit(client: &Client, name: &str) {
    let drill = json!({ "kind": "drill", "payload": { "name": name } });
    assert_eq!(client.post("/api/jobs", &drill).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_back_gets_what_was_missed() {
    let system = System::new();
    let _supervisor = system.supervise(&["website"]);
    let client = system.set_up().await;
    let hello = until(&client, None, |events| !events.is_empty()).await;
    assert_eq!(hello[0].1, "hello");
    // The connection is gone, and something happens.
    for name in ["one", "two", "three"] {
        submit(&client, name).await;
    }
    let missed =
        until(&client, Some(hello[0].0), |events| events.iter().filter(|(_, name)| name == "job").count() == 3);
    let missed = missed.await;
    assert!(missed.iter().all(|(_, name)| name != "hello" && name != "resync"), "{missed:?}");
    assert!(missed.windows(2).all(|pair| pair[0].0 < pair[1].0), "in order, each once: {missed:?}");
    let rest = until(&client, Some(missed[0].0), |events| events.len() >= missed.len() - 1).await;
    assert_eq!(rest, missed[1..], "from there on, and no event twice");
    let stranger = until(&client, Some(4711), |events| !events.is_empty()).await;
    assert_eq!(stranger[0].1, "resync", "nobody knows what came after that");
}

/// A browser that does not read costs the website nothing, and is told to look again when it does.
#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_is_told_to_look_again() {
    const JOBS: usize = 20_000;
    let system = System::new()
        .with("TRAWL_PIPELINE__MAX_PARALLEL_JOBS", "64")
        .with("TRAWL_CRAWLER__MAX_JOBS", "64")
        .with("TRAWL_DATABASE__SYNCHRONOUS", "normal");
    let _supervisor = system.supervise(&[]);
    let client = system.set_up().await;
    let connection = client.unread("/api/jobs/stream");
    let drills: Vec<_> = (0..JOBS).map(|n| json!({ "kind": "drill", "payload": { "name": n.to_string() } })).collect();
    for some in drills.chunks(1000) {
        assert_eq!(client.post("/api/jobs/batch", &json!({ "jobs": some })).await.status, 201);
    }
    eventually("all have ended", async || {
        let left = client.get("/api/jobs?status=pending&limit=1").await.json();
        left.as_array().unwrap().is_empty().then_some(())
    })
    .await;
    connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut told = 0;
    for line in BufReader::new(connection).lines().map(Result::unwrap) {
        match line.strip_prefix("event: ") {
            Some("job") => told += 1,
            Some("resync") => break,
            _ => {}
        }
    }
    // Each begins and ends. What the kernel had no room for, and was not in the backlog, was dropped.
    assert!(told < 2 * JOBS, "{told} events were kept for one who did not read");
    let done = client.get("/api/jobs?status=completed&limit=1").await.json();
    assert_eq!(done.as_array().unwrap().len(), 1, "nothing is lost");
}
