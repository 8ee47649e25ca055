use trawl_links::{Options, Verdict};

use crate::server::{Reply, Server, checker_with, options};

/// Every third page is missing.
fn site(path: &str) -> Reply {
    let at: u32 = path.trim_start_matches('/').parse().unwrap_or_default();
    Reply::status(if at.is_multiple_of(3) { 404 } else { 200 })
}

async fn exact(links: u32, reset_every: usize) {
    let server =
        Server::start(
            move |request| {
                if request.number % reset_every == reset_every - 1 { Reply::Reset } else { site(&request.path) }
            },
        )
        .await;
    let checker = checker_with(Options { attempts: 10, per_host_concurrency: 16, ..options() });
    let mut tasks = tokio::task::JoinSet::new();
    for at in 0..links {
        let (checker, link) = (checker.clone(), server.link(&format!("/{at}")));
        tasks.spawn(async move { (at, checker.check(&link, false).await) });
    }
    while let Some(result) = tasks.join_next().await {
        let (at, check) = result.unwrap();
        let expected = if at % 3 == 0 { Verdict::Dead } else { Verdict::Alive };
        assert_eq!(check.verdict, expected, "{at}: {check:?}");
    }
}

#[tokio::test]
async fn verdicts_are_exact_with_one_in_a_hundred_connections_reset() {
    exact(1000, 100).await;
}

#[tokio::test]
async fn verdicts_are_exact_with_one_in_four_connections_reset() {
    exact(200, 4).await;
}

#[tokio::test]
async fn a_page_that_breaks_off_is_fetched_again() {
    let server = Server::start(|request| match (request.path.as_str(), request.number) {
        ("/robots.txt", _) => Reply::status(404),
        (_, 0..4) => Reply::Broken(
            b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 1000\r\n\r\n<a href=/half>".to_vec(),
        ),
        _ => Reply::html("<a href=/whole>x</a>"),
    })
    .await;
    let visit = checker_with(options()).visit(&server.link("/"), true).await;
    let trawl_links::Contents::Links(page) = visit.contents else { panic!("{:?}", visit.contents) };
    assert_eq!(page.links[0].target.as_ref().unwrap(), &server.link("/whole"));
}
