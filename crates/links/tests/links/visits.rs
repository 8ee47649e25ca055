use trawl_links::{Cause, Contents, Verdict};

use crate::server::{Reply, Server, checker};

#[tokio::test]
async fn a_page_tells_its_links() {
    let server = Server::start(|request| match request.path.as_str() {
        "/old" => Reply::to(302, "/dir/new"),
        "/dir/new" => Reply::html(b"<a href=x>\xe4</a>".to_vec()).with("x-other", "y"),
        _ => Reply::status(404),
    })
    .await;
    let visit = checker().visit(&server.link("/old"), true).await;
    assert_eq!((visit.check.verdict, visit.url.as_str()), (Verdict::Alive, server.url("/dir/new").as_str()));
    assert!(visit.check.redirect.is_some());
    let Contents::Links(page) = visit.contents else { panic!("{:?}", visit.contents) };
    assert_eq!(page.links.len(), 1);
    assert_eq!((page.links[0].target.as_ref().unwrap(), page.links[0].text.as_str()), (&server.link("/dir/x"), "ä"));
}

#[tokio::test]
async fn what_is_no_page_is_alive_and_not_read() {
    let server = Server::start(|request| match request.path.as_str() {
        "/huge.iso" => Reply::status(200).with("content-type", "application/octet-stream"),
        _ => Reply::status(404),
    })
    .await;
    let visit = checker().visit(&server.link("/huge.iso"), true).await;
    assert_eq!(visit.check.verdict, Verdict::Alive);
    assert_eq!(visit.contents, Contents::NotHtml("application/octet-stream".to_owned()));
}

#[tokio::test]
async fn a_missing_page_is_looked_at_twice_and_remembered() {
    let server = Server::start(|_| Reply::status(404)).await;
    let checker = checker();
    let visit = checker.visit(&server.link("/gone"), true).await;
    assert_eq!((visit.check.cause, visit.contents), (Some(Cause::Status(404)), Contents::Nothing));
    assert_eq!(server.count("GET /gone"), 2);
    let before = server.requests().len();
    assert_eq!(checker.check(&server.link("/gone"), true).await.verdict, Verdict::Dead);
    assert_eq!(server.requests().len(), before);
}
