//! Starting, joining, refusing to start.

use crate::harness::{Running, SLEEPER, System};
use nix::sys::signal::Signal;
use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixDatagram,
};

pub(crate) fn link(running: &mut Running) {
    let banner = running.line("Trawl is ready");
    assert!(banner.ends_with("/first/visit"), "{banner}");
    let address = banner.rsplit_once("http://").unwrap().1.trim_end_matches("/first/visit");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"GET /link HTTP/1.1\r\n\r\n").unwrap();
    stream.read_exact(&mut [0; 12]).unwrap();
}

#[test]
fn a_whole_system_from_start_to_stop() {
    let system = System::speaking();
    let mut running = system.start(&["start"]);
    running.line("crawler-1 waits for the website");
    link(&mut running);
    running.line("crawler-1: has 1 credentials");
    running.line("website: got Holdings(Boot(1), []) from crawler-1");
    assert_eq!(system.states(), ["website running", "crawler-1 running"]);
    assert_eq!(system.run(&["status"]).status.code(), Some(0));

    let again = system.run(&["start"]);
    let said = String::from_utf8(again.stdout).unwrap();
    assert!(again.status.code() == Some(0) && said.starts_with("already running; see `supervisor status`\n"), "{said}");
    assert!(said.contains("Open this link to begin:  http://") && said.ends_with("/first/visit\n"), "{said}");

    let restarted = system.run(&["restart", "crawler-1"]);
    assert_eq!(String::from_utf8(restarted.stdout).unwrap(), "restarted: crawler-1\n");
    running.line("website: got Holdings(Boot(1), []) from crawler-1");

    assert!(system.run(&["stop"]).status.success());
    let (code, said) = running.end();
    assert_eq!(code, Some(0), "{said}");
    let (crawler, website) = (said.find("crawler-1 is stopped").unwrap(), said.find("website is stopped").unwrap());
    assert!(crawler < website, "crawlers hand back their jobs to a website that still lives");
    system.is_empty();
    assert_eq!(system.runtime_files(), ["lock"]);
    assert_eq!(system.run(&["status"]).status.code(), Some(3));
}

#[test]
fn what_has_failed_is_shown_and_comes_back_when_asked() {
    let system = System::speaking();
    let good = std::fs::read_to_string(system.path().join("bin/crawler")).unwrap();
    system.script("crawler", "echo 'crawler: no token' >&2; exit 77");
    let mut running = system.start(&["start"]);
    link(&mut running);
    running.line("crawler-1 has failed and stays down: no token. When that is mended: supervisor start crawler-1");
    assert_eq!(system.run(&["status"]).status.code(), Some(1));
    let status = String::from_utf8(system.run(&["status"]).stdout).unwrap();
    assert!(status.lines().any(|line| line.starts_with("crawler-1") && line.ends_with("no token")), "{status}");
    system.script("crawler", good.trim_start_matches("#!/bin/sh\n"));
    let mut joined = system.start(&["start"]);
    joined.line("crawler-1: has 1 credentials");
    assert!(system.run(&["stop"]).status.success());
    assert!(joined.end().1.ends_with("the supervisor has ended"));
    assert_eq!(running.end().0, Some(0));
    system.is_empty();
}

#[test]
fn the_service_manager_is_told() {
    let mut system = System::speaking();
    let path = system.path().join("notify");
    let notify = UnixDatagram::bind(&path).unwrap();
    system.set("NOTIFY_SOCKET", path.to_str().unwrap());
    let mut running = system.start(&["start", "website"]);
    let heard = || {
        let mut message = [0; 64];
        let length = notify.recv(&mut message).unwrap();
        String::from_utf8(message[..length].to_vec()).unwrap()
    };
    assert_eq!(heard().trim(), "READY=1");
    running.line("Trawl is ready");
    running.signal(Signal::SIGTERM);
    assert_eq!(heard().trim(), "STOPPING=1");
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn two_terminals_make_one_system() {
    let system = System::speaking();
    let mut first = system.start(&["start", "website"]);
    link(&mut first);
    assert_eq!(system.states(), ["website running", "crawler-1 stopped"]);
    std::fs::remove_file(system.path().join("state/run/first-visit")).unwrap();
    let mut second = system.start(&["start", "crawler"]);
    second.line("Trawl is ready:  http://127.0.0.1:");
    second.line("crawler-1: has 1 credentials");
    first.line("website: got Holdings(Boot(1), []) from crawler-1");
    second.signal(Signal::SIGINT);
    let (code, said) = second.end();
    assert!(code == Some(0) && said.ends_with("stopped: crawler-1"), "{said}");
    assert!(!said.contains("Open this link"), "that link has served: {said}");
    assert_eq!(system.states(), ["website running", "crawler-1 stopped"]);
    first.signal(Signal::SIGINT);
    assert_eq!(first.end().0, Some(0));
    system.is_empty();
}

#[test]
fn a_killed_supervisor_is_no_obstacle_and_leaves_nobody() {
    let system = System::with(SLEEPER, SLEEPER);
    let mut first = system.start(&["start"]);
    first.line("website: up");
    first.signal(Signal::SIGKILL);
    first.end();
    crate::harness::until("children outlive their supervisor", || system.survivors().is_empty());
    assert!(system.runtime_files().contains(&"bus.sock".to_owned()), "that is what a killed one leaves");
    let mut second = system.start(&["start"]);
    second.line("website: up");
    second.signal(Signal::SIGTERM);
    assert_eq!(second.end().0, Some(0));
    assert_eq!(system.runtime_files(), ["lock"]);
}

fn refused(system: &System, code: i32, sentence: &str) {
    let output = system.run(&["start"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(code) && said.contains(sentence), "{:?} {said}", output.status);
    system.is_empty();
}

#[test]
fn what_is_missing_is_named() {
    let system = System::with(SLEEPER, SLEEPER);
    std::fs::remove_file(system.path().join("bin/crawler")).unwrap();
    refused(&system, 72, "bin/crawler; build the whole workspace first");
}

#[test]
fn a_taken_address_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut system = System::with(SLEEPER, SLEEPER);
    system.set("TRAWL_SERVER__LISTEN", &address);
    refused(&system, 71, &format!("{address} is taken by another program; stop that program"));
}

#[test]
fn a_wrong_configuration_is_named_with_its_line() {
    let system = System::with(SLEEPER, SLEEPER);
    let file = system.path().join("supervisor.toml");
    std::fs::write(&file, "[crawler]\ninstances = 1\nmax_job = 3\n").unwrap();
    refused(&system, 78, "did you mean `max_jobs`?");
    let check = system.run(&["check"]);
    assert!(check.status.code() == Some(78) && String::from_utf8(check.stderr).unwrap().contains("line 3"));
    std::fs::write(&file, "[crawler]\ninstances = 3\n").unwrap();
    let check = system.run(&["check"]);
    let said = String::from_utf8(check.stdout).unwrap();
    assert!(said.starts_with("supervisor.toml is valid: ") && said.contains("3 × crawler"), "{said}");
}

#[test]
fn a_name_that_means_nothing_is_refused() {
    let system = System::with(SLEEPER, SLEEPER);
    let all_refuse = || {
        for command in ["start", "stop", "restart"] {
            let output = system.run(&[command, "website,crowler"]);
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(said.contains("\"crowler\" is no process of this system; there are website, crawler-1"), "{said}");
            assert_eq!(output.status.code(), Some(2), "{said}");
        }
    };
    all_refuse();
    let mut running = system.start(&["start"]);
    running.line("website: up");
    all_refuse();
    running.signal(Signal::SIGTERM);
    assert_eq!(running.end().0, Some(0));
    assert_eq!(system.run(&["stop", "website"]).status.code(), Some(69));
}

#[test]
fn lines_in_a_file_have_their_time() {
    let mut system = System::with(SLEEPER, SLEEPER);
    let mut running = system.start(&["start"]);
    let line = running.line(" website: up");
    let (time, _) = line.split_once(' ').unwrap();
    assert!(time.len() == 20 && chrono::DateTime::parse_from_rfc3339(time).is_ok() && time.ends_with('Z'), "{line}");
    running.signal(Signal::SIGTERM);
    assert_eq!(running.end().0, Some(0));

    system.set("JOURNAL_STREAM", "8:1");
    let mut running = system.start(&["start"]);
    assert_eq!(running.line("website: up"), "website: up");
    running.signal(Signal::SIGTERM);
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn every_line_is_json_where_that_is_wanted() {
    let event = r#"{"level":"INFO","fields":{"message":"up"}}"#;
    let mut system = System::with(&format!("echo '{event}'; echo plain; exec sleep 1000"), SLEEPER);
    system.set("TRAWL_LOG__FORMAT", "json");
    let mut running = system.start(&["start"]);
    assert_eq!(running.line(event), event);
    running.line("plain");
    running.signal(Signal::SIGTERM);
    let (code, said) = running.end();
    let objects: Vec<serde_json::Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let ours = |object: &&serde_json::Value| object["process"] == "supervisor" && object["level"] == "INFO";
    assert!(code == Some(0) && objects.iter().filter(ours).count() > 1, "{said}");
}

#[test]
fn the_demo_keeps_away_from_what_is_not_its_own() {
    let system = System::with(SLEEPER, SLEEPER);
    std::fs::create_dir(system.path().join("state")).unwrap();
    std::fs::write(system.path().join("state/trawl.db"), "precious").unwrap();
    let output = system.run(&["start", "--demo"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(78) && said.contains("choose another with TRAWL_PATHS__STATE"), "{said}");
    assert_eq!(std::fs::read_dir(system.path().join("state")).unwrap().count(), 1);
}

#[test]
fn the_demo_brings_a_gitlab_and_finds_a_free_port() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut system = System::speaking();
    system.set("TRAWL_SERVER__LISTEN", &taken.local_addr().unwrap().to_string());
    // A web server of one line; the socket is descriptor 3.
    let simulator = "echo \"up with $*\"; exec \"$TRAWL_TEST_EXE\" --exact child::simulator --ignored --nocapture";
    system.script("gitlab-sim", simulator);
    system.script(
        "website",
        "echo \"reads $TRAWL_DEMO_GITLAB_URL every $TRAWL_FORGE__INCREMENTAL_SECONDS s\"; echo \"in $TRAWL_DATABASE__URL\"; sleep 1000",
    );
    system.set("TRAWL_DATABASE__URL", "postgres://real/one");
    system.set("TRAWL_PATHS__RUNTIME", &system.path().join("real").display().to_string());
    let mut running = system.start(&["start", "--demo"]);
    running.line("website waits for gitlab-sim");
    running.line("gitlab-sim: up with --moving ");
    let line = running.line("website: reads http://127.0.0.1:");
    let seconds = line.rsplit_once(" every ").unwrap().1.trim_end_matches(" s");
    assert!(seconds.parse::<u32>().unwrap() < 60, "{line}");
    running.line("website: in sqlite://");
    assert!(system.path().join("state/.trawl-demo").exists() && !system.path().join("real").exists());
    let again = system.run(&["start", "--demo"]);
    let said = String::from_utf8(again.stdout).unwrap();
    assert!(again.status.success() && said.contains("see `supervisor status --demo`"), "{said}");
    assert!(system.run(&["stop", "--demo"]).status.success());
    assert_eq!(running.end().0, Some(0));
    system.is_empty();
}

/// Whatever supervisor.toml says: it may be what somebody is about to mend.
#[test]
fn the_command_line_describes_itself() {
    let system = System::speaking();
    for (arguments, wants) in [
        (&["completions", "bash"][..], "complete -F"),
        (&["completions", "fish"], "complete -c supervisor"),
        (&["manual"], ".TH supervisor 1"),
    ] {
        let written = system.run(&[&["--config", "/no/such/file.toml"], arguments].concat());
        let text = String::from_utf8(written.stdout).unwrap();
        assert!(written.status.success() && text.contains(wants) && text.contains("restart"), "{arguments:?}: {text}");
    }
}
