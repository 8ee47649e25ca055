use std::sync::Arc;

use tokio::sync::Semaphore;
use trawl_links::{Options, Verdict};

use crate::server::{Reply, Server, checker, checker_with, options};

#[tokio::test]
async fn many_askers_of_one_link_share_a_request() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let server = Server::start(move |_| Reply::Gated(Arc::clone(&held), Box::new(Reply::status(200)))).await;
    let checker = checker();
    let mut tasks = tokio::task::JoinSet::new();
    for at in 0..50 {
        let (checker, link) = (checker.clone(), server.link(&format!("/x#{at}")));
        tasks.spawn(async move { checker.check(&link, false).await.verdict });
    }
    gate.add_permits(1);
    assert!(tasks.join_all().await.iter().all(|verdict| *verdict == Verdict::Alive));
    assert_eq!(server.requests(), ["HEAD /x"]);
    assert_eq!(checker.check(&server.link("/x"), false).await.verdict, Verdict::Alive);
    assert_eq!(server.requests().len(), 1, "from memory");
}

#[tokio::test]
async fn an_asker_who_gives_up_does_not_take_the_others_along() {
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let server = Server::start(move |_| Reply::Gated(Arc::clone(&held), Box::new(Reply::status(200)))).await;
    let checker = checker();
    let ask = || {
        let (checker, link) = (checker.clone(), server.link("/x"));
        tokio::spawn(async move { checker.check(&link, false).await.verdict })
    };
    let (first, second) = (ask(), ask());
    while server.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    gate.add_permits(2);
    assert_eq!(second.await.unwrap(), Verdict::Alive);
}

#[tokio::test]
async fn errors_are_forgotten_sooner() {
    let server = Server::start(|request| Reply::status(if request.path == "/bad" { 418 } else { 200 })).await;
    let checker = checker_with(Options { error_cache_ttl_ms: 0, ..options() });
    for _ in 0..2 {
        assert_eq!(checker.check(&server.link("/bad"), false).await.verdict, Verdict::Error);
        assert_eq!(checker.check(&server.link("/good"), false).await.verdict, Verdict::Alive);
    }
    assert_eq!((server.count("GET /bad"), server.count("HEAD /good")), (2, 1));
}

#[tokio::test]
async fn memory_is_bounded() {
    let server = Server::start(|_| Reply::status(200)).await;
    let checker = checker_with(Options { cache_entries: 2, ..options() });
    for path in ["/a", "/b", "/c", "/c", "/a"] {
        checker.check(&server.link(path), false).await;
    }
    assert_eq!(server.requests(), ["HEAD /a", "HEAD /b", "HEAD /c", "HEAD /a"]);
}
