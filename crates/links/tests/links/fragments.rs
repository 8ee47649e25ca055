use trawl_links::{Cause, Verdict};

use crate::server::{Reply, Server, checker};

#[tokio::test]
async fn a_place_is_found_or_missing() {
    let server = Server::start(|request| match request.path.as_str() {
        "/page" => Reply::html("<h1 id=one>1</h1><a name=two></a>"),
        "/plain" => Reply::status(200).with("content-type", "text/plain"),
        "/moved" => Reply::to(301, "/page"),
        "/moved-place" => Reply::to(301, "/page#one"),
        _ => Reply::status(404),
    })
    .await;
    let checker = checker();
    for (path, verdict) in [
        ("/page#one", Verdict::Alive),
        ("/page#two", Verdict::Alive),
        ("/page#three", Verdict::Dead),
        ("/page#four", Verdict::Dead),
        ("/page#top", Verdict::Alive),
        ("/plain#any", Verdict::Alive),
        ("/moved#one", Verdict::Alive),
        ("/moved#three", Verdict::Dead),
        ("/moved-place#three", Verdict::Alive),
        ("/gone#one", Verdict::Dead),
    ] {
        assert_eq!(checker.check(&server.link(path), true).await.verdict, verdict, "{path}");
    }
    assert_eq!(checker.check(&server.link("/page#three"), false).await.verdict, Verdict::Alive, "nobody asked for it");
    let missing = checker.check(&server.link("/page#three"), true).await;
    assert_eq!(missing.cause, Some(Cause::MissingFragment("three".to_owned())));
    // One look for all places of a page and a second one for all that seem to be missing; two redirects led here too.
    assert_eq!(server.count("GET /page"), 2 + 2 + 1);
    assert_eq!(server.count("GET /plain"), 1);
}

#[tokio::test]
async fn a_place_that_is_there_at_a_second_look_is_alive() {
    let server = Server::start(|request| Reply::html(if request.number == 0 { "<p>" } else { "<p id=late>" })).await;
    assert_eq!(checker().check(&server.link("/#late"), true).await.verdict, Verdict::Alive);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_page_that_was_visited_is_not_fetched_for_its_places() {
    let server = Server::start(|request| match request.path.as_str() {
        "/robots.txt" => Reply::status(404),
        "/old" => Reply::to(301, "/new"),
        _ => Reply::html("<h1 id=one>1</h1>"),
    })
    .await;
    let checker = checker();
    assert_eq!(checker.visit(&server.link("/old"), true).await.check.verdict, Verdict::Alive);
    let before = server.requests().len();
    for path in ["/old#one", "/new#one", "/old", "/new"] {
        assert_eq!(checker.check(&server.link(path), true).await.verdict, Verdict::Alive, "{path}");
    }
    assert_eq!(server.requests().len(), before);
}
