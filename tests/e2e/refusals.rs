//! What cannot be is refused in one sentence that says what to do, with an exit code of its own.

use crate::harness::{Answer, Site, System, binaries, forge};
use std::{
    collections::BTreeSet,
    fs,
    net::TcpListener,
    process::{Command, Output},
};
use trawl_gitlab_sim::MARIA_TOKEN;
use trawl_settings::exit;

/// The program ended with this code and said all of these words in one line.
fn assert_refused(output: &Output, code: u8, words: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(i32::from(code)), "{said}");
    assert!(
        said.lines().any(|line| words.iter().all(|word| line.contains(word))),
        "not in one line, {words:?}: {said}"
    );
}

#[test]
fn codes_that_mean_different_things_differ() {
    let codes = [
        exit::CONFIG,
        exit::MISSING_BINARY,
        exit::ADDRESS,
        exit::NO_SUPERVISOR,
        exit::DATABASE_NEWER,
        exit::DATABASE,
        exit::BAD_TOKEN,
        exit::NO_GITLAB,
        exit::CHILD_FAILED,
    ];
    let distinct: BTreeSet<u8> = codes.into_iter().collect();
    assert_eq!(distinct.len(), codes.len());
    assert!(codes.iter().all(|code| *code > 2), "1 and 2 are for what nobody foresaw and for wrong arguments");
}

#[test]
fn a_wrong_key_is_found_in_its_line() {
    let system = System::new();
    let file = system.path("new.toml");
    fs::write(&file, "[server]\nlisten = \"127.0.0.1:0\"\n\n[crawler]\ninstanses = 2\n").unwrap();
    for command in ["check", "start"] {
        let output = system.run("supervisor", &[command, "--config", &file.display().to_string()]);
        assert_refused(&output, exit::CONFIG, &["new.toml", "line 5"]);
        assert_refused(&output, exit::CONFIG, &["did you mean `instances`?"]);
    }
}

#[test]
fn a_variable_that_means_nothing_is_named() {
    let output = System::new().with("TRAWL_CRAWLER__INSTANCES", "many").run("supervisor", &["start"]);
    assert_refused(&output, exit::CONFIG, &["TRAWL_CRAWLER__INSTANCES"]);
}

#[test]
fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let output = System::new().with("TRAWL_SERVER__LISTEN", &address.to_string()).run("supervisor", &["start"]);
    assert_refused(&output, exit::ADDRESS, &[&address.to_string(), "taken", "TRAWL_SERVER__LISTEN"]);
}

#[test]
fn a_missing_program_is_named() {
    let system = System::new();
    let programs = system.path("programs");
    fs::create_dir(&programs).unwrap();
    fs::copy(binaries().join("crawler"), programs.join("crawler")).unwrap();
    let system = system.with("TRAWL_BIN_DIR", &programs.display().to_string());
    let output = system.run("supervisor", &["start"]);
    let website = programs.join("website").display().to_string();
    assert_refused(&output, exit::MISSING_BINARY, &[&website, "cargo build"]);
}

#[test]
fn a_process_that_does_not_exist_is_named() {
    let output = System::new().run("supervisor", &["start", "webshite"]);
    assert_refused(&output, 2, &["\"webshite\" is no process", "website, crawler-1"]);
}

#[test]
fn nobody_to_stop_is_said() {
    let output = System::new().run("supervisor", &["stop"]);
    assert_refused(&output, exit::NO_SUPERVISOR, &["no supervisor is running", "supervisor start"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_database_is_left_alone() {
    let system = System::new();
    let supervisor = system.supervise(&["website"]);
    system.url().await;
    drop(supervisor);
    system.database().change(
        "INSERT INTO __diesel_schema_migrations (version, run_on) VALUES ('29990101000000', CURRENT_TIMESTAMP)",
    );
    let mut supervisor = system.supervise(&[]);
    let status = supervisor.ended().await;
    let log = supervisor.log();
    assert_eq!(status.code(), Some(i32::from(exit::DATABASE_NEWER)), "{log}");
    assert!(log.lines().any(|line| line.contains("newer") && line.contains("29990101000000")), "{log}");
}

fn assert_unlinkable(answer: &Answer, words: &[&str]) {
    assert_eq!(answer.status, 422, "{answer:?}");
    let said = answer.detail();
    assert!(words.iter().all(|word| said.contains(word)), "{words:?}: {said}");
    assert!(!answer.text.contains("glpat"), "the token comes back: {answer:?}");
}

/// A port of this machine that nobody listens on.
fn closed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_cannot_be_linked_is_explained() {
    let site = Site::new(System::new(), forge(0.01)).await;
    let url = site.forge.url();
    assert_unlinkable(&site.client.link(&url, "glpat-wrong").await, &["does not accept this token", "read_api"]);
    assert_unlinkable(&site.client.link(&url, " ").await, &["Paste a personal access token"]);
    assert_unlinkable(&site.client.link(&closed(), MARIA_TOKEN).await, &["127.0.0.1:", " cannot be reached", "Check"]);
    assert_unlinkable(&site.client.link("ftp://x.example", MARIA_TOKEN).await, &["https://"]);
    assert_eq!(site.client.get("/api/accounts").await.json().as_array().unwrap().len(), 0);
}

/// A crawler that is started by hand.
fn by_hand(system: &System, socket: &str, gitlab: &str, token: &str) -> Command {
    let mut command = system.command("crawler", &[]);
    command.env("SUPERVISOR_SOCKET_PATH", socket).env("GITLAB_URL", gitlab).env("GITLAB_TOKEN", token);
    command
}

#[test]
fn a_crawler_alone_says_what_it_needs() {
    let needs = ["SUPERVISOR_SOCKET_PATH", "GITLAB_URL", "GITLAB_TOKEN", "supervisor start"];
    assert_refused(&System::new().run("crawler", &[]), exit::CONFIG, &needs);
}

#[test]
fn a_crawler_alone_tells_token_gitlab_and_supervisor_apart() {
    let (system, forge) = (System::new(), forge(0.01));
    let nobody = system.path("nobody.sock").display().to_string();
    let run = |socket: &str, gitlab: &str, token: &str| by_hand(&system, socket, gitlab, token).output().unwrap();
    let wrong = run(&nobody, &forge.url(), "glpat-wrong");
    assert_refused(&wrong, exit::BAD_TOKEN, &[&forge.url(), "GITLAB_TOKEN", "read_api"]);
    assert!(!String::from_utf8_lossy(&wrong.stderr).contains("glpat-wrong"), "{wrong:?}");
    assert_refused(&run(&nobody, &closed(), MARIA_TOKEN), exit::NO_GITLAB, &["GITLAB_URL", "network"]);
    assert_refused(&run(&nobody, "gitlab", MARIA_TOKEN), exit::CONFIG, &["GITLAB_URL", "https://"]);
    assert_refused(&run(&nobody, &forge.url(), MARIA_TOKEN), exit::NO_SUPERVISOR, &["supervisor", &nobody]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawler_by_hand_may_be_unwelcome() {
    let system = System::new().with("TRAWL_CRAWLER__ACCEPT_EXTERNAL", "false");
    let site = Site::new(system, forge(0.01)).await;
    let socket = site.system.path("run/bus.sock").display().to_string();
    let output = by_hand(&site.system, &socket, &site.forge.url(), MARIA_TOKEN).output().unwrap();
    assert_refused(&output, exit::NO_SUPERVISOR, &["cannot join the supervisor"]);
}
