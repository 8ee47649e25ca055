//! Website and crawlers started one by one, or by hand, make the same system.

use crate::harness::{System, assert_mirrors, assert_undisturbed, crawled, forge};
use nix::sys::signal::Signal;
use trawl_gitlab_sim::MARIA_TOKEN;

#[tokio::test(flavor = "multi_thread")]
async fn two_terminals_make_one_system() {
    let (system, forge) = (System::new(), forge(0.05));
    let first = system.supervise(&["website"]);
    let client = system.set_up().await;
    let mut second = system.supervise(&["crawler"]);
    assert_eq!(client.link(&forge.url(), MARIA_TOKEN).await.status, 201);
    let database = crawled(&system).await;
    assert_mirrors(&database, &forge);
    assert_undisturbed(&database);

    system.is("crawler-1", "running").await;
    // What it takes of the machine changes all the time.
    let website = || {
        let row = system.process("website").unwrap();
        ["pid", "state", "since_ms", "restarts"].map(|field| row[field].clone())
    };
    let before = website();
    second.signal(Signal::SIGINT);
    assert_eq!(second.ended().await.code(), Some(0), "{}", second.log());
    assert!(second.log().contains("stopped: crawler-1"), "{}", second.log());
    assert!(!second.log().contains("Open this link"), "that link has served: {}", second.log());
    assert_eq!(system.process("crawler-1").unwrap()["state"], "stopped");
    assert_eq!(website(), before, "the website has not noticed");
    assert_eq!(client.get("/").await.status, 200);
    drop(first);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawler_by_hand_does_the_work() {
    let (system, forge) = (System::new(), forge(0.05));
    let _supervisor = system.supervise(&["website"]);
    let client = system.set_up().await;
    assert_eq!(client.link(&forge.url(), MARIA_TOKEN).await.status, 201);
    let mut command = system.command("crawler", &[]);
    command.env("SUPERVISOR_SOCKET_PATH", system.path("run/bus.sock"));
    command.env("GITLAB_URL", forge.url()).env("GITLAB_TOKEN", MARIA_TOKEN);
    let mut crawler = system.start(command);
    let database = crawled(&system).await;
    assert_mirrors(&database, &forge);
    assert_undisturbed(&database);
    let status = system.status().unwrap();
    assert_eq!(status["external"].as_array().unwrap().len(), 1, "{status}");
    assert_eq!(system.process("crawler-1").unwrap()["state"], "stopped", "nobody else did it");
    crawler.signal(Signal::SIGTERM);
    assert_eq!(crawler.ended().await.code(), Some(0), "{}", crawler.log());
}
