//! A process id that the kernel gives a second time is a stranger's: it is let in nowhere, and never signalled.

use crate::{
    harness::{System, until},
    starts::link,
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::MetadataExt as _,
    process::{Child, Command, Stdio},
};

/// The kernel goes on from here with the next process id of this namespace.
const LAST_PID: &str = "/proc/sys/kernel/ns_last_pid";
/// Tells the test that it runs where process ids are its own.
const ALONE_ENV: &str = "TRAWL_TEST_ALONE";
/// Another process or thread may be quicker with an id.
const TRIES: usize = 100;

/// Process ids of our own, so that it can be said which one comes next.
fn alone() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    command
}

#[test]
fn a_process_id_that_is_used_again_is_a_strangers() {
    if std::env::var_os(ALONE_ENV).is_some() {
        return inside();
    }
    let possible = format!("test -w {LAST_PID}");
    if !alone().args(["sh", "-c", &possible]).stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        eprintln!("this machine lets nobody have process ids of their own: that one is used again is not tried");
        return;
    }
    let again = ["--exact", "identities::a_process_id_that_is_used_again_is_a_strangers", "--nocapture"];
    let output = alone().arg(std::env::current_exe().unwrap()).args(again).env(ALONE_ENV, "1").output().unwrap();
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// What is tried where process ids are our own.
fn inside() {
    let mut system = System::speaking();
    let leak = system.path().join("leak");
    system.set("TRAWL_TEST_LEAK", leak.to_str().unwrap());
    let mut running = system.start(&["start"]);
    link(&mut running);
    let crawler = || system.status()["processes"][1].clone();
    let is_running = || crawler()["state"] == "running";
    until("it runs and has lost its secret", || leak.metadata().is_ok_and(|file| file.size() == 32) && is_running());

    let pid = i32::try_from(crawler()["pid"].as_i64().unwrap()).unwrap();
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    until("it has another life", || is_running() && crawler()["pid"] != pid);
    let mut stranger = born_as(pid, &system);
    let said = BufReader::new(stranger.stdout.take().unwrap()).lines().map_while(Result::ok);
    let said: Vec<String> = said.take_while(|line| !line.contains("that is all")).collect();
    let refusals = said.iter().filter(|line| line.contains("it is no process that the supervisor has started"));
    assert_eq!(refusals.count(), 2, "{said:?}");

    // Whatever is ended from here on, it is not the stranger.
    assert!(system.run(&["restart", "crawler-1"]).status.success());
    assert!(system.run(&["stop"]).status.success());
    assert_eq!(running.end().0, Some(0));
    assert_eq!(stranger.try_wait().unwrap(), None, "the stranger was killed");
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

/// Somebody with this process id.
fn born_as(pid: i32, system: &System) -> Child {
    for _ in 0..TRIES {
        let mut command = Command::new(std::env::current_exe().unwrap());
        system.place(command.args(["--exact", "child::stranger", "--ignored", "--nocapture"]).stdout(Stdio::piped()));
        fs::write(LAST_PID, (pid - 1).to_string()).unwrap();
        let mut child = command.spawn().unwrap();
        if child.id() == u32::try_from(pid).unwrap() {
            return child;
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    panic!("{pid} is not given again")
}
