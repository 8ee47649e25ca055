//! The stream of live updates, as a browser reads it: from an event on, and not at all for a while.

use crate::harness::{Client, System, eventually};
use serde_json::json;
use std::{
    io::{BufRead as _, BufReader},
    time::Duration,
};

/// An event: its id, its name, its data.
type Event = (u64, String, String);

/// Events as they come, until they satisfy the condition.
async fn until(client: &Client, last: Option<u64>, enough: impl Fn(&[Event]) -> bool) -> Vec<Event> {
    let mut response = client.stream("/api/jobs/stream", last).await;
    let (mut text, mut events) = (String::new(), Vec::new());
    while !enough(&events) {
        let bytes = response.chunk().await.unwrap().expect("the stream goes on");
        text.push_str(std::str::from_utf8(&bytes).unwrap());
        while let Some((one, rest)) = text.split_once("\n\n") {
            let field = |name: &str| one.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
            if let (Some(id), Some(name), Some(data)) = (field("id:"), field("event:"), field("data:")) {
                events.push((id.parse().unwrap(), name.to_owned(), data.to_owned()));
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
        until(&client, Some(hello[0].0), |events| events.iter().filter(|(_, name, _)| name == "job").count() == 3);
    let missed = missed.await;
    assert!(missed.iter().all(|(_, name, _)| name != "hello" && name != "resync"), "{missed:?}");
    assert!(missed.windows(2).all(|pair| pair[0].0 < pair[1].0), "in order, each once: {missed:?}");
    let rest = until(&client, Some(missed[0].0), |events| events.len() >= missed.len() - 1).await;
    assert_eq!(rest, missed[1..], "from there on, and no event twice");
    let stranger = until(&client, Some(4711), |events| !events.is_empty()).await;
    assert_eq!(stranger[0].1, "resync", "nobody knows what came after that");
}

#[tokio::test(flavor = "multi_thread")]
async fn items_are_told_while_their_job_runs() {
    let system = System::new();
    let _supervisor = system.supervise(&[]);
    let client = system.set_up().await;
    let hello = until(&client, None, |events| !events.is_empty()).await;
    let drill = json!({ "kind": "drill", "payload": { "name": "things", "steps": 2, "items": 30, "step_ms": 300 } });
    let id = client.post("/api/jobs", &drill).await.json()["id"].as_str().unwrap().to_owned();
    let of_items = |events: &[Event]| -> Vec<serde_json::Value> {
        let told = events.iter().filter(|(_, name, _)| name == "item");
        told.map(|(.., data)| serde_json::from_str(data).unwrap()).collect()
    };
    let events = until(&client, Some(hello[0].0), |events| of_items(events).len() == 2).await;
    for (step, told) in of_items(&events).iter().enumerate() {
        assert_eq!((&told["id"], &told["count"]), (&json!(id), &json!(30)), "{told}");
        let items = told["items"].as_array().unwrap();
        let last = json!({ "name": format!("{}-30", step + 1), "state": "done", "verdict": null });
        assert_eq!((items.len(), items.last()), (20, Some(&last)), "the last of them by name");
    }
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
