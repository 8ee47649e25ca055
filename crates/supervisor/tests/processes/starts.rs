//! Starting, joining, refusing to start.

use crate::harness::{Running, SLEEPER, System};
use nix::sys::signal::Signal;
use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::net::UnixDatagram,
};

fn link(running: &mut Running) {
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
    running.line("crawler-1 waits for a linked GitLab account");
    link(&mut running);
    running.line("crawler-1: has 1 credentials");
    running.line("website: got Holdings(Boot(1), []) from crawler-1");
    assert_eq!(system.states(), ["website running", "crawler-1 running"]);
    assert_eq!(system.run(&["status"]).status.code(), Some(0));

    let again = system.run(&["start"]);
    assert_eq!((again.status.code(), again.stdout.starts_with(b"already running")), (Some(0), true));

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
    system.script("crawler", "echo 'no token' >&2; exit 77");
    let mut running = system.start(&["start"]);
    link(&mut running);
    running.line("crawler-1 has failed and stays down: no token");
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
    let mut second = system.start(&["start", "crawler"]);
    second.line("crawler-1: has 1 credentials");
    first.line("website: got Holdings(Boot(1), []) from crawler-1");
    second.signal(Signal::SIGINT);
    let (code, said) = second.end();
    assert!(code == Some(0) && said.ends_with("stopped: crawler-1"), "{said}");
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
    let output = system.run(&["start", "website,crowler"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("\"crowler\" is no process of this system; there are website, crawler-1"), "{said}");
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
        "echo \"reads $TRAWL_DEMO_GITLAB_URL every $TRAWL_FORGE__INCREMENTAL_SECONDS s\"; sleep 1000",
    );
    let mut running = system.start(&["start", "--demo"]);
    running.line("website waits for gitlab-sim");
    running.line("gitlab-sim: up with --moving ");
    let line = running.line("website: reads http://127.0.0.1:");
    let seconds = line.rsplit_once(" every ").unwrap().1.trim_end_matches(" s");
    assert!(seconds.parse::<u32>().unwrap() < 60, "{line}");
    assert!(system.path().join("state/.trawl-demo").exists());
    assert!(system.run(&["stop", "--demo"]).status.success());
    assert_eq!(running.end().0, Some(0));
    system.is_empty();
}
