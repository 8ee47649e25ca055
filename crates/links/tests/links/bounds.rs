use trawl_links::{Cause, Contents, Cut, Options, PageLinks, Verdict};

use crate::server::{Reply, Request, Server, checker, checker_with, link, options};

fn page_of(contents: Contents) -> PageLinks {
    match contents {
        Contents::Links(page) => page,
        other => panic!("{other:?}"),
    }
}

async fn visit(options: Options, page: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> PageLinks {
    let server =
        Server::start(move |request| if request.path == "/robots.txt" { Reply::status(404) } else { page(request) })
            .await;
    let visit = checker_with(options).visit(&server.link("/"), true).await;
    assert_eq!(visit.check.verdict, Verdict::Alive, "{:?}", visit.check);
    page_of(visit.contents)
}

#[tokio::test]
async fn a_huge_page_is_cut() {
    let page =
        visit(Options { max_page_bytes: 1000, ..options() }, |_| Reply::html("<a href=/x>x</a>".repeat(1000))).await;
    assert_eq!(page.cut, Cut { bytes: true, ..Cut::default() });
    assert_eq!(page.links.len(), 1000 / 16);
    assert!(!page.anchors.lack("anything"));
}

#[tokio::test]
async fn a_page_without_end_is_cut() {
    let page = visit(Options { max_page_bytes: 1 << 20, ..options() }, |_| Reply::Endless).await;
    assert!(page.cut.bytes && page.cut.links);
    assert_eq!(page.links.len(), 5000);
}

#[tokio::test]
async fn a_page_that_comes_too_slowly_is_cut() {
    let start = b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<a href=/x>x</a><p>".to_vec();
    let page = visit(Options { timeout_ms: 100, ..options() }, move |_| Reply::Raw(start.clone())).await;
    assert!(page.cut.bytes);
    assert_eq!(page.links.len(), 1);
}

#[tokio::test]
async fn a_body_without_end_does_not_hold_up_a_check() {
    let server =
        Server::start(|request| if request.method == "HEAD" { Reply::status(405) } else { Reply::Endless }).await;
    assert_eq!(checker().check(&server.link("/x"), false).await.verdict, Verdict::Alive);
}

#[tokio::test]
async fn redirects_end() {
    let server = Server::start(|request| match request.path.as_str() {
        "/loop" => Reply::to(302, "/loop"),
        path => {
            let at = path[1..].parse::<u32>().unwrap();
            if at == 0 { Reply::status(200) } else { Reply::to(302, &format!("/{}", at - 1)) }
        }
    })
    .await;
    let checker = checker();
    assert_eq!(checker.check(&server.link("/10"), false).await.verdict, Verdict::Alive);
    for path in ["/11", "/loop"] {
        let check = checker.check(&server.link(path), false).await;
        assert_eq!(
            (check.verdict, check.cause),
            (Verdict::Error, Some(Cause::TooManyRedirects { limit: 10 })),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_redirect_to_an_endless_address_is_refused() {
    let server = Server::start(|_| Reply::to(302, &format!("/{}", "x".repeat(5000)))).await;
    let check = checker().check(&server.link("/"), false).await;
    assert!(matches!(check.cause, Some(Cause::BadRedirect(_))), "{check:?}");
}

#[tokio::test]
async fn a_head_of_an_answer_without_end_is_an_error() {
    let endless = format!("HTTP/1.1 200 OK\r\n{}", "x-more: and more\r\n".repeat(100_000)).into_bytes();
    let server = Server::start(move |_| Reply::Raw(endless.clone())).await;
    let check =
        checker_with(Options { timeout_ms: 2000, attempts: 2, ..options() }).check(&server.link("/"), false).await;
    assert_eq!(check.verdict, Verdict::Error, "{check:?}");
}

#[tokio::test]
async fn a_link_of_the_longest_size_can_be_asked() {
    let server = Server::start(|_| Reply::status(200)).await;
    let url = format!("{}{}", server.url("/"), "x".repeat(4000));
    assert_eq!(checker().check(&link(&url), false).await.verdict, Verdict::Alive);
}
