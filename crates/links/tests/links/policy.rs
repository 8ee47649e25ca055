use std::sync::Arc;

use trawl_links::{Cause, Check, Checker, Options, Refusal, Verdict};

use crate::server::{Names, Reply, Server, checker, link, options};

fn is_refused(check: &Check) -> bool {
    check.verdict == Verdict::Error && matches!(check.cause, Some(Cause::Refused(_)))
}

#[tokio::test]
async fn nothing_private_is_asked_by_default() {
    let server = Server::start(|_| Reply::status(200)).await;
    let names = Names::new(&[("inside.example", &[&["127.0.0.1"]])]);
    let checker = Checker::with_lookup(Options { allow_networks: Vec::new(), ..options() }, Arc::new(names)).unwrap();
    let port = server.address.port();
    for host in ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "inside.example", "0.0.0.0"] {
        let check = checker.check(&link(&format!("http://{host}:{port}/")), false).await;
        assert!(is_refused(&check), "{host}: {check:?}");
        assert!(check.cause.unwrap().to_string().contains("`links.allow_networks`"));
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn odd_literals_of_other_networks_are_refused() {
    let checker = checker();
    for host in [
        "10.0.0.1",
        "0xa.0.0.1",
        "167772161",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "[::1]",
        "[::7f00:1]",
        "[64:ff9b::a00:1]",
        "[2002:a00:1::1]",
        "[2001:0:808:808:0:0:f5ff:fffe]",
        "[fe80::1]",
        "255.255.255.255",
    ] {
        let check = checker.check(&link(&format!("http://{host}/")), false).await;
        assert!(is_refused(&check), "{host}: {check:?}");
    }
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_refused() {
    let server = Server::start(|request| match request.path.as_str() {
        "/literal" => Reply::to(302, "http://10.0.0.1/secret"),
        "/name" => Reply::to(302, "http://inside.example/secret"),
        "/credentials" => Reply::to(302, "http://user:pw@127.0.0.1/"),
        _ => Reply::to(302, "http://169.254.169.254/latest/meta-data/"),
    })
    .await;
    let names = Names::new(&[("inside.example", &[&["192.168.0.1"]])]);
    let checker = Checker::with_lookup(options(), Arc::new(names)).unwrap();
    for path in ["/literal", "/name", "/credentials", "/metadata"] {
        let check = checker.check(&server.link(path), false).await;
        assert!(is_refused(&check), "{path}: {check:?}");
    }
}

#[tokio::test]
async fn only_the_allowed_addresses_of_a_name_are_dialled() {
    let server = Server::start(|_| Reply::status(200)).await;
    let names = Names::new(&[("mixed.example", &[&["10.0.0.1", "127.0.0.1", "fe80::1"]])]);
    let checker = Checker::with_lookup(options(), Arc::new(names)).unwrap();
    let check = checker.check(&link(&format!("http://mixed.example:{}/", server.address.port())), false).await;
    assert_eq!(check.verdict, Verdict::Alive, "{check:?}");
}

#[tokio::test]
async fn a_name_that_changes_its_mind_gains_nothing() {
    let server = Server::start(|_| Reply::status(200).with("connection", "close")).await;
    let names = Arc::new(Names::new(&[("rebind.example", &[&["127.0.0.1"], &["10.0.0.1"]])]));
    let checker = Checker::with_lookup(options(), Arc::<Names>::clone(&names)).unwrap();
    let url = |path: &str| link(&format!("http://rebind.example:{}{path}", server.address.port()));
    // The address that was checked is the one that is dialled: the name is looked up once for one connection.
    assert_eq!(checker.check(&url("/a"), false).await.verdict, Verdict::Alive);
    assert_eq!(names.asked.lock().unwrap().len(), 1);
    let check = checker.check(&url("/b"), false).await;
    assert!(is_refused(&check), "{check:?}");
    let Some(Cause::Refused(Refusal::Address { host, address, .. })) = check.cause else { panic!("{:?}", check.cause) };
    assert_eq!((host.as_str(), address.to_string().as_str()), ("rebind.example", "10.0.0.1"));
    assert_eq!(server.requests(), ["HEAD /a"]);
}

#[tokio::test]
async fn credentials_are_never_sent() {
    let server = Server::start(|_| Reply::status(200)).await;
    let check = checker().check(&link(&format!("http://user:pw@{}/", server.address)), false).await;
    assert_eq!(check.cause, Some(Cause::Refused(Refusal::Credentials)));
    assert!(server.requests().is_empty());
}
