use std::time::{Duration, Instant};

use trawl_links::{Cause, Options, Verdict};

use crate::server::{Reply, Server, checker, checker_with, options};

#[tokio::test]
async fn retry_after_in_seconds_is_waited_for() {
    let server = Server::start(|request| {
        if request.number == 0 { Reply::status(429).with("retry-after", "1") } else { Reply::status(200) }
    })
    .await;
    let start = Instant::now();
    assert_eq!(checker().check(&server.link("/x"), false).await.verdict, Verdict::Alive);
    assert!(start.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn retry_after_as_a_date_is_waited_for() {
    let server = Server::start(|request| {
        let now = "Sun, 06 Nov 1994 08:49:37 GMT";
        let wait = Reply::status(503).with("date", now).with("retry-after", "Sun, 06 Nov 1994 08:49:38 GMT");
        if request.number == 0 { wait } else { Reply::status(200) }
    })
    .await;
    let start = Instant::now();
    assert_eq!(checker().check(&server.link("/x"), false).await.verdict, Verdict::Alive);
    assert!(start.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn who_asks_for_too_long_a_pause_is_left_alone() {
    let server = Server::start(|_| Reply::status(429).with("retry-after", "3600")).await;
    let checker = checker();
    for path in ["/a", "/b", "/c"] {
        let check = checker.check(&server.link(path), false).await;
        assert_eq!(check.verdict, Verdict::Error);
        assert!(matches!(check.cause, Some(Cause::Busy { wait_ms }) if wait_ms > 3_500_000), "{check:?}");
    }
    assert_eq!(server.requests(), ["HEAD /a"], "nobody else knocks");
}

#[tokio::test]
async fn requests_keep_their_distance() {
    let server = Server::start(|_| Reply::status(200)).await;
    let checker = checker_with(Options { per_host_interval_ms: 50, ..options() });
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for at in 0..5 {
        let (checker, link) = (checker.clone(), server.link(&format!("/{at}")));
        tasks.spawn(async move { checker.check(&link, false).await });
    }
    tasks.join_all().await;
    assert!(start.elapsed() >= Duration::from_millis(200));
}
