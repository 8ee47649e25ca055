//! What an operator does while everything runs.

use crate::harness::{Running, SLEEPER, System, until};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::fs;

/// A website that works, unless it is to take the place of one that runs: then it does this.
fn successor_that(does: &str) -> String {
    let works = "exec \"$TRAWL_TEST_EXE\" --exact child::website --ignored --nocapture";
    format!("if [ -n \"$SUPERVISOR_SUCCESSOR\" ]; then {does}; fi; {works}")
}

fn row(system: &System, name: &str) -> Value {
    let status = system.status();
    status["processes"].as_array().unwrap().iter().find(|row| row["name"] == name).cloned().unwrap_or_default()
}

fn end(running: Running) {
    running.signal(Signal::SIGTERM);
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn a_website_goes_on_until_the_new_one_is_there() {
    let system = System::speaking();
    system.script("website", &successor_that("echo successor"));
    let mut running = system.start(&["start"]);
    running.line("Trawl is ready");
    let before = row(&system, "website");
    let restarted = system.run(&["restart", "website"]);
    assert_eq!(String::from_utf8_lossy(&restarted.stdout), "restarted: website\n");
    running.line("website: successor");
    running.line("the new website is there; the one before it finishes what it has begun");
    running.line("website is running");
    let after = row(&system, "website");
    assert_ne!(before["pid"], after["pid"]);
    assert_eq!((&after["restarts"], &after["last_end"]), (&1.into(), &"restart asked for".into()));
    let gone = before["pid"].as_i64().unwrap();
    until("the old one has ended", || !system.survivors().contains(&i32::try_from(gone).unwrap()));
    end(running);
    system.is_empty();
}

#[test]
fn a_website_that_does_not_come_up_changes_nothing() {
    let system = System::speaking();
    system.script("website", &successor_that("echo 'website: line 3: no' >&2; exit 78"));
    let mut running = system.start(&["start"]);
    running.line("Trawl is ready");
    let before = row(&system, "website");
    let restarted = system.run(&["restart", "website"]);
    let said = String::from_utf8_lossy(&restarted.stderr).into_owned();
    assert!(!restarted.status.success(), "{said}");
    assert!(said.contains("the new website did not come up: line 3: no. The one that ran before goes on"), "{said}");
    let after = row(&system, "website");
    assert_eq!((&before["pid"], &after["state"]), (&after["pid"], &"running".into()));
    end(running);
    system.is_empty();
}

#[test]
fn a_website_that_has_to_be_alone_is_started_after_the_old_one() {
    let system = System::speaking();
    system.script("website", &successor_that("exit 75"));
    let mut running = system.start(&["start"]);
    running.line("Trawl is ready");
    let before = row(&system, "website");
    assert!(system.run(&["restart", "website"]).status.success());
    running.line("website has to be alone to change the database");
    let after = row(&system, "website");
    assert!(before["pid"] != after["pid"] && after["state"] == "running", "{after}");
    end(running);
}

#[test]
fn a_stop_ends_the_one_on_its_way_up_as_well() {
    let system = System::speaking();
    system.script("website", &successor_that("echo hangs; exec sleep 1000"));
    let mut running = system.start(&["start"]);
    running.line("Trawl is ready");
    let mut restart = system.command(&["restart", "website"]).spawn().unwrap();
    running.line("website: hangs");
    end(running);
    restart.wait().unwrap();
    system.is_empty();
}

#[test]
fn a_changed_configuration_is_taken_over_and_a_wrong_one_is_not() {
    let system = System::with(SLEEPER, SLEEPER);
    let file = system.path().join("supervisor.toml");
    fs::write(&file, "[crawler]\ninstances = 1\n").unwrap();
    let mut running = system.start(&["start", "website"]);
    running.line("website: up");
    let reload = || {
        let output = system.run(&["reload"]);
        (output.status.code(), String::from_utf8([output.stdout, output.stderr].concat()).unwrap())
    };
    assert_eq!(reload(), (Some(0), "nothing has changed\n".to_owned()));
    fs::write(&file, "[crawler]\ninstances = 2\n[forge]\nfull_seconds = 9\n[server]\n").unwrap();
    let (code, said) = reload();
    let expected = "in effect now: crawler.instances (1 → 2)\n\
                    in effect after `supervisor restart`: forge.full_seconds (172800 → 9)\n";
    assert_eq!((code, said.as_str()), (Some(0), expected));
    assert_eq!(system.states(), ["website starting", "crawler-1 stopped", "crawler-2 waiting"]);
    // What children read is what was accepted, whatever becomes of the file.
    let accepted = system.path().join("state/run/accepted.toml");
    assert!(fs::read_to_string(&accepted).unwrap().contains("full_seconds = 9"));
    fs::write(&file, "[crawler]\ninstances = 1\ninstance = 1\n").unwrap();
    let (code, said) = reload();
    assert!(code != Some(0) && said.contains("nothing has changed: ") && said.contains("line 3"), "{said}");
    running.signal(Signal::SIGHUP);
    running.line("the configuration stays as it is: ");
    assert_eq!(system.states().len(), 3);
    assert!(fs::read_to_string(&accepted).unwrap().contains("full_seconds = 9"));
    fs::write(&file, "[crawler]\ninstances = 1\n").unwrap();
    running.signal(Signal::SIGHUP);
    running.line("reloaded: in effect now: crawler.instances (2 → 1)");
    until("the second crawler is forgotten", || system.states() == ["website starting", "crawler-1 stopped"]);
    end(running);
}

#[test]
fn what_was_said_can_be_read_later() {
    let system = System::with("echo one; echo two; exec sleep 1000", SLEEPER);
    let mut running = system.start(&["start", "website"]);
    running.line("website: two");
    let said = |arguments: &[&str]| String::from_utf8(system.run(arguments).stdout).unwrap();
    let lines = said(&["logs", "website"]);
    assert!(lines.contains("website: one\n") && lines.ends_with("website: two\n"), "{lines}");
    assert_eq!(said(&["logs", "website", "-n", "1"]).lines().count(), 1);
    assert_eq!(said(&["logs", "website", "--since", "2999-01-01T00:00:00Z"]), "");
    assert!(said(&["logs", "website", "--since", "1h"]).contains("website: one\n"));
    let unknown = system.run(&["logs", "webiste"]);
    assert_eq!(unknown.status.code(), Some(2));
    let mut follower = system.start(&["logs", "-f", "-n", "0"]);
    // It follows from the moment at which the supervisor has heard of it.
    follower.line_while("supervisor", || drop(system.run(&["reload"])));
    end(running);
    assert_eq!(follower.end().0, Some(0));
}

#[test]
fn who_takes_too_much_memory_is_started_again() {
    let hungry =
        "if mkdir \"$TRAWL_TEST_DIR/once\"; then exec dd if=/dev/zero of=/dev/null bs=100M; fi; exec sleep 1000";
    let mut system = System::with(hungry, SLEEPER);
    system.set("TRAWL_SUPERVISOR__WEBSITE_MEMORY_MIB", "64");
    system.set("TRAWL_SUPERVISOR__WATCHDOG_SECONDS", "1");
    let mut running = system.start(&["start", "website"]);
    running.line("MiB of memory, where 64 MiB are allowed");
    until("it is back", || row(&system, "website")["restarts"] == 1 && row(&system, "website")["pid"].is_number());
    let usage = &row(&system, "website")["usage"]["memory_bytes"];
    assert!(usage.as_u64().is_some_and(|bytes| bytes < 64 << 20), "{usage}");
    end(running);
}

#[test]
fn lines_go_to_files_as_well() {
    let mut system = System::with("seq 1 5000; echo last; exec sleep 1000", SLEEPER);
    let logs = system.path().join("logs");
    system.set("TRAWL_LOG__DIRECTORY", &logs.display().to_string());
    let mut running = system.start(&["start", "website"]);
    running.line("website: last");
    end(running);
    let text = fs::read_to_string(logs.join("trawl.log")).unwrap();
    assert!(text.contains(" website: last\n") && text.contains(" supervisor: "), "{}", text.len());
}

#[test]
fn the_journal_is_given_fields() {
    let mut system = System::with("echo 'WARN oh  n=1'; exec sleep 1000", SLEEPER);
    let path = system.path().join("journal");
    let journal = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    system.set("TRAWL_JOURNAL_SOCKET", path.to_str().unwrap());
    let running = system.start(&["start", "website"]);
    let mut bytes = [0; 4096];
    let heard = std::iter::from_fn(|| {
        let length = journal.recv(&mut bytes).unwrap();
        Some(String::from_utf8(bytes[..length].to_vec()).unwrap())
    });
    let wanted = "MESSAGE=oh  n=1\nPRIORITY=4\nSYSLOG_IDENTIFIER=website\nTRAWL_PROCESS=website\n";
    assert!(heard.take(20).any(|datagram| datagram == wanted));
    end(running);
}
