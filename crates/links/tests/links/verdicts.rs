use tokio::io::{AsyncReadExt, AsyncWriteExt};
use trawl_links::{Cause, Check, Options, Redirect, Verdict};

use crate::server::{Reply, Request, Server, checker, checker_with, link, options};

/// The verdict on one path of a server, and the requests that it took.
async fn verdict(handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> (Check, Vec<String>) {
    let server = Server::start(handler).await;
    let check = checker().check(&server.link("/x"), false).await;
    (check, server.requests())
}

#[tokio::test]
async fn a_success_is_alive_at_first_sight() {
    let (check, requests) = verdict(|_| Reply::status(204)).await;
    assert_eq!(check, Check::alive(204, None));
    assert_eq!(requests, ["HEAD /x"]);
}

#[tokio::test]
async fn a_missing_page_is_dead_at_a_second_look() {
    for status in [404, 410] {
        let (check, requests) = verdict(move |_| Reply::status(status)).await;
        assert_eq!((check.verdict, check.status), (Verdict::Dead, Some(status)));
        assert_eq!(requests, ["HEAD /x", "GET /x"]);
    }
}

#[tokio::test]
async fn a_wrong_head_is_not_believed() {
    for status in [403, 404, 405, 500, 501, 503] {
        let (check, requests) =
            verdict(move |request| Reply::status(if request.method == "HEAD" { status } else { 200 })).await;
        assert_eq!((check.verdict, check.cause), (Verdict::Alive, None), "{status}");
        assert_eq!(requests, ["HEAD /x", "GET /x"], "{status}");
    }
    let (check, _) = verdict(|request| if request.method == "HEAD" { Reply::Reset } else { Reply::status(200) }).await;
    assert_eq!(check.verdict, Verdict::Alive);
}

#[tokio::test]
async fn death_is_not_told_from_one_bad_moment() {
    let (check, _) = verdict(|request| Reply::status(if request.number < 1 { 404 } else { 200 })).await;
    assert_eq!(check.verdict, Verdict::Alive);
}

#[tokio::test]
async fn a_host_without_heads_is_not_asked_for_them_again() {
    let server = Server::start(|request| Reply::status(if request.method == "HEAD" { 405 } else { 200 })).await;
    let checker = checker();
    for path in ["/a", "/b", "/c"] {
        assert_eq!(checker.check(&server.link(path), false).await.verdict, Verdict::Alive);
    }
    assert_eq!(server.requests(), ["HEAD /a", "GET /a", "GET /b", "GET /c"]);
}

#[tokio::test]
async fn doors_are_protected() {
    for status in [401, 403, 407] {
        let (check, _) = verdict(move |_| Reply::status(status)).await;
        assert_eq!((check.verdict, check.status), (Verdict::Protected, Some(status)));
    }
}

#[tokio::test]
async fn trouble_is_an_error_after_every_attempt() {
    for (status, requests) in [(500, 6), (503, 6), (429, 6), (418, 2), (501, 2)] {
        let attempts = Options { attempts: 6, ..options() };
        let server = Server::start(move |_| Reply::status(status)).await;
        let check = checker_with(attempts).check(&server.link("/x"), false).await;
        assert_eq!((check.verdict, check.cause), (Verdict::Error, Some(Cause::Status(status))), "{status}");
        assert_eq!(server.requests().len(), requests, "{status}");
    }
}

#[tokio::test]
async fn passing_trouble_passes() {
    for status in [500, 502, 503, 504, 429] {
        let (check, _) = verdict(move |request| Reply::status(if request.number < 3 { status } else { 200 })).await;
        assert_eq!(check.verdict, Verdict::Alive, "{status}");
    }
}

#[tokio::test]
async fn silence_is_a_timeout() {
    let server = Server::start(|_| Reply::Silence).await;
    let check = checker_with(Options { timeout_ms: 50, ..options() }).check(&server.link("/x"), false).await;
    assert_eq!((check.verdict, check.cause), (Verdict::Error, Some(Cause::Timeout { timeout_ms: 50 })));
    assert_eq!(server.requests(), ["HEAD /x", "GET /x"]);
}

#[tokio::test]
async fn resets_without_end_are_an_error() {
    let (check, requests) = verdict(|_| Reply::Reset).await;
    assert_eq!(check.verdict, Verdict::Error);
    assert!(matches!(check.cause, Some(Cause::Closed(_))), "{check:?}");
    assert!(requests.len() >= 5);
}

#[tokio::test]
async fn words_that_are_no_http_are_an_error() {
    let (check, _) = verdict(|_| Reply::Raw(b"220 mail.example ESMTP\r\n\r\n".to_vec())).await;
    assert_eq!(check.verdict, Verdict::Error, "{check:?}");
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_unreachable() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let check = checker().check(&link(&format!("http://{gone}/")), false).await;
    assert_eq!(check.cause, Some(Cause::Unreachable("it refuses the connection".to_owned())));
}

#[tokio::test]
async fn a_port_without_encryption_is_an_error() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        // Until the other side has had enough.
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let check = checker().check(&link(&url), false).await;
    assert!(matches!(check.cause, Some(Cause::Tls(_))), "{check:?}");
    assert_eq!(check.verdict, Verdict::Error);
    server.await.unwrap();
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_dead() {
    let check = checker().check(&link("http://nobody.example/"), false).await;
    assert_eq!(check.verdict, Verdict::Dead);
    assert_eq!(check.cause.unwrap().to_string(), "there is no host named nobody.example");
}

#[tokio::test]
async fn redirects_are_told() {
    let server = Server::start(|request| match request.path.as_str() {
        "/permanent" => Reply::to(301, "/permanent2"),
        "/permanent2" => Reply::to(308, "end"),
        "/mixed" => Reply::to(302, "/permanent"),
        "/to-missing" => Reply::to(301, "/missing"),
        "/missing" => Reply::status(404),
        "/mail" => Reply::to(301, "mailto:a@b.c"),
        "/nowhere" => Reply::status(302),
        "/bad" => Reply::to(302, "http://["),
        _ => Reply::status(200),
    })
    .await;
    let checker = checker();
    let to = |path: &str, permanent, steps| Some(Redirect { to: server.url(path).parse().unwrap(), permanent, steps });
    let of = async |path: &str| checker.check(&server.link(path), false).await;
    assert_eq!(of("/permanent").await, Check::alive(200, to("/end", true, 2)));
    assert_eq!(of("/mixed").await, Check::alive(200, to("/end", false, 3)));
    let missing = of("/to-missing").await;
    assert_eq!((missing.verdict, missing.redirect), (Verdict::Dead, to("/missing", true, 1)));
    assert_eq!(of("/mail").await.cause.unwrap().to_string(), "not asked: only http and https are asked, not mailto");
    assert_eq!(of("/nowhere").await.cause, Some(Cause::Status(302)));
    assert!(matches!(of("/bad").await.cause, Some(Cause::BadRedirect(_))));
}
