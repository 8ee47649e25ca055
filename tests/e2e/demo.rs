//! `supervisor start --demo`: one command, one link, something to see.

use crate::harness::{Client, System, eventually};
use std::{fs, net::TcpListener};

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_needs_one_link() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let system = System::new().with("TRAWL_SERVER__LISTEN", &taken.local_addr().unwrap().to_string());
    let supervisor = system.supervise(&["--demo"]);
    let link = eventually("the link is printed", async || {
        let log = supervisor.log();
        let line = log.lines().find(|line| line.contains("Open this link to begin"))?;
        Some(line.split_whitespace().last()?.to_owned())
    })
    .await;
    assert_eq!(fs::read_to_string(system.path("state/run/first-visit")).unwrap().trim(), link);
    assert!(!link.contains(&taken.local_addr().unwrap().to_string()), "that port is somebody else's");
    let client = Client::new(link.split("/welcome").next().unwrap());
    for _ in 0..2 {
        let answer = client.get(&link).await;
        assert_eq!((answer.status, answer.location.as_deref()), (303, Some("/")), "{answer:?}");
    }
    let base = client.get("/").await;
    assert!(base.status == 200 && base.text.contains("Trawl"), "{base:?}");
    eventually("issues are there to see", async || {
        let areas = client.get("/api/areas").await.json();
        areas.as_array()?.iter().any(|area| area["issues"].as_u64() > Some(0)).then_some(())
    })
    .await;
    let processes = client.get("/api/admin/processes").await;
    assert!([200, 403].contains(&processes.status), "{processes:?}");
}
