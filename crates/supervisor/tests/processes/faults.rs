//! What goes wrong around a supervisor, and must not matter.

use crate::harness::{SLEEPER, System, until};
use nix::sys::signal::Signal;
use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::net::UnixStream,
    process::Stdio,
    time::{Duration, Instant},
};

#[test]
fn a_thousand_restarts_leak_nothing() {
    let mut system = System::with("exit 1", SLEEPER);
    system.set("TRAWL_SUPERVISOR__START_LIMIT", "1000000");
    system.set("TRAWL_SUPERVISOR__RESTART_FIRST_MS", "0");
    system.set("TRAWL_LOG__FILTER", "error");
    let running = system.start(&["start", "website"]);
    let restarts = || system.status()["processes"][0]["restarts"].as_u64().unwrap_or_default();
    // Another user may not look; then the limit on descriptors alone is what a leak would run into.
    let descriptors = || fs::read_dir(format!("/proc/{}/fd", running.pid())).map(Iterator::count).ok();
    let memory = || system.status()["usage"]["memory_bytes"].as_u64().unwrap_or_default();
    until("it has been started for a while", || restarts() >= 100);
    let before = (descriptors(), memory());
    until("a thousand more lives are over", || restarts() >= 1100);
    let after = (descriptors(), memory());
    if let (Some(before), Some(after)) = (before.0, after.0) {
        // A life that is just beginning has a few.
        assert!(after <= before + 8, "{before} descriptors have become {after}");
    }
    assert!(after.1 <= before.1 + (4 << 20), "{} bytes have become {}", before.1, after.1);
    running.signal(Signal::SIGTERM);
    assert_eq!(running.end().0, Some(0));
    system.is_empty();
}

#[test]
fn a_flood_on_the_control_socket_is_waited_out() {
    let system = System::with(SLEEPER, SLEEPER);
    let mut running = system.start(&["start"]);
    running.line("website: up");
    let socket = system.path().join("state/run/control.sock");
    // Some say nothing, some say too much, some hang up at once.
    let silent: Vec<UnixStream> = (0..100).map(|_| UnixStream::connect(&socket).unwrap()).collect();
    for n in 0..200_usize {
        if let Ok(mut stream) = UnixStream::connect(&socket) {
            stream.write_all(&vec![b'x'; n * 100]).ok();
        }
    }
    let begun = Instant::now();
    assert_eq!(system.states(), ["website starting", "crawler-1 waiting"]);
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    drop(silent);
    let mut garbage = UnixStream::connect(&socket).unwrap();
    garbage.write_all(b"{\"request\":\"dance\"}\n").unwrap();
    let mut answer = String::new();
    garbage.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("does not understand"), "{answer}");
    running.signal(Signal::SIGTERM);
    assert_eq!(running.end().0, Some(0));
    system.is_empty();
}

#[test]
fn supervisors_that_start_at_once_become_one() {
    let system = System::with(SLEEPER, SLEEPER);
    let mut all: Vec<_> = (0..6).map(|_| system.command(&["start"]).stdout(Stdio::piped()).spawn().unwrap()).collect();
    until("it runs", || system.status()["processes"][0]["state"] == "starting");
    let pid = u32::try_from(system.status()["supervisor_pid"].as_u64().unwrap()).unwrap();
    let mut one = all.remove(all.iter().position(|child| child.id() == pid).unwrap());
    for other in all {
        let ended = other.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stdout).into_owned();
        assert!(ended.status.success() && said.contains("already running"), "{said}");
    }
    assert_eq!(system.status()["processes"][0]["restarts"], 0);
    assert!(system.run(&["stop"]).status.success());
    assert!(one.wait().unwrap().success());
    system.is_empty();
}

#[test]
fn a_full_disk_for_logs_stops_nothing() {
    let script = "n=0; while [ $n -lt 2000 ]; do n=$((n+1)); echo \"line $n of a child that talks\"; done; \
                  touch \"$TRAWL_TEST_DIR/done\"; exec sleep 1000";
    let mut system = System::with(script, SLEEPER);
    let logs = system.path().join("logs");
    system.set("TRAWL_LOG__DIRECTORY", &logs.display().to_string());
    system.set("SUPERVISOR", env!("CARGO_BIN_EXE_supervisor"));
    // No file may grow beyond 8 KiB: writing fails as it does on a disk without room.
    let shell = "trap '' XFSZ; ulimit -f 16; exec \"$SUPERVISOR\" start website";
    let mut running = system.start_program(std::process::Command::new("sh").args(["-c", shell]));
    running.line("line 2000 of a child that talks");
    until("the child has said everything", || system.path().join("done").exists());
    assert_eq!(system.states()[0], "website starting");
    running.signal(Signal::SIGTERM);
    assert_eq!(running.end().0, Some(0));
    let text = fs::read_to_string(logs.join("trawl.log")).unwrap();
    assert!(text.len() <= 8 << 10 && text.ends_with('\n') && text.contains("line 1 of"), "{} bytes", text.len());
    system.is_empty();
}

#[test]
fn stop_works_while_the_file_is_wrong() {
    let system = System::with(SLEEPER, SLEEPER);
    let mut running = system.start(&["start"]);
    running.line("website: up");
    fs::write(system.path().join("supervisor.toml"), "[crawler]\ninstance = 1\n").unwrap();
    assert_eq!(system.states().len(), 2);
    assert!(system.run(&["stop"]).status.success());
    assert_eq!(running.end().0, Some(0));
    let again = system.run(&["stop"]);
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    assert!(again.status.code() == Some(78) && said.contains("line 2"), "{said}");
}
