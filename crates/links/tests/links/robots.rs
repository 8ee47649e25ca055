use std::time::{Duration, Instant};

use trawl_links::{Contents, Options, Verdict};

use crate::server::{Reply, Request, Server, checker, checker_with, options};

fn site(robots: &'static str) -> impl Fn(&Request) -> Reply {
    move |request| match request.path.as_str() {
        "/robots.txt" => Reply::Answer { status: 200, headers: Vec::new(), body: robots.into() },
        "/open/sent-on" => Reply::to(302, "/closed/x"),
        _ => Reply::html("<a href=/x>x</a>"),
    }
}

#[tokio::test]
async fn rules_are_for_pages_and_not_for_checks() {
    let server = Server::start(site("User-agent: *\nDisallow: /closed\nUser-agent: other\nDisallow: /")).await;
    let checker = checker();
    assert!(matches!(checker.visit(&server.link("/open"), true).await.contents, Contents::Links(_)));
    for path in ["/closed/a", "/open/sent-on"] {
        let visit = checker.visit(&server.link(path), true).await;
        assert_eq!(visit.check.verdict, Verdict::Alive, "{path}");
        assert_eq!(visit.contents, Contents::Disallowed("robots.txt forbids /closed".to_owned()), "{path}");
    }
    assert_eq!(checker.check(&server.link("/closed/b"), false).await.verdict, Verdict::Alive);
    assert_eq!(server.count("GET /robots.txt"), 1, "once for the origin");
    assert_eq!(server.count("GET /closed/a"), 0);
}

#[tokio::test]
async fn no_file_allows_all_and_a_broken_server_nothing() {
    for (status, allowed) in [(404, true), (403, true), (500, false), (503, false), (429, false)] {
        let server = Server::start(move |request| {
            if request.path == "/robots.txt" { Reply::status(status) } else { Reply::html("<a href=/x>x</a>") }
        })
        .await;
        let contents = checker_with(Options { attempts: 2, ..options() }).visit(&server.link("/"), true).await.contents;
        assert_eq!(matches!(contents, Contents::Links(_)), allowed, "{status}: {contents:?}");
    }
}

#[tokio::test]
async fn a_crawl_delay_parts_pages() {
    let server = Server::start(site("User-agent: trawl\nCrawl-delay: 100")).await;
    let checker = checker_with(Options { max_crawl_delay_ms: 100, ..options() });
    let start = Instant::now();
    for path in ["/a", "/b", "/c"] {
        assert!(matches!(checker.visit(&server.link(path), true).await.contents, Contents::Links(_)));
    }
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_file_without_end_is_read_to_the_bound() {
    let server =
        Server::start(
            |request| {
                if request.path == "/robots.txt" { Reply::Endless } else { Reply::html("<a href=/x>x</a>") }
            },
        )
        .await;
    assert!(matches!(checker().visit(&server.link("/"), true).await.contents, Contents::Links(_)));
}

#[tokio::test]
async fn a_host_that_is_down_gives_the_page_its_verdict() {
    let visit = checker().visit(&crate::server::link("http://nobody.example/"), true).await;
    assert_eq!((visit.check.verdict, visit.contents), (Verdict::Dead, Contents::Nothing));
}
