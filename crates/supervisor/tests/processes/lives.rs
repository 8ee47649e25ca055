//! Children that misbehave.

use crate::harness::{SLEEPER, System, until};
use nix::sys::signal::Signal;
use std::process::Stdio;

#[test]
fn a_child_that_ignores_the_request_to_end_is_killed() {
    let system = System::with("trap '' TERM; echo up; while :; do sleep 0.1; done", SLEEPER);
    let mut running = system.start(&["start"]);
    running.line("website: up");
    running.signal(Signal::SIGTERM);
    running.line("killing website: its time is up");
    assert_eq!(running.end().0, Some(0));
    system.is_empty();
}

#[test]
fn a_second_request_gives_no_more_time() {
    let mut system = System::with("trap '' TERM; echo up; while :; do sleep 0.1; done", SLEEPER);
    system.set("TRAWL_SUPERVISOR__STOP_GRACE_SECONDS", "1000");
    let mut running = system.start(&["start"]);
    running.line("website: up");
    running.signal(Signal::SIGINT);
    running.line("website is stopping");
    running.signal(Signal::SIGINT);
    assert_eq!(running.end().0, Some(0));
    system.is_empty();
}

#[test]
fn grandchildren_do_not_survive_whatever_they_do() {
    let stubborn = "trap '' TERM HUP; echo hidden; while :; do sleep 0.1; done";
    // One in the child's group, one in a session of its own whose parent is gone.
    let website = format!("sh -c \"{stubborn}\" & (setsid sh -c \"{stubborn}\" &) ; echo up; exec sleep 1000");
    let system = System::with(&website, SLEEPER);
    let mut running = system.start(&["start"]);
    running.line("website: hidden");
    running.line("website: hidden");
    running.signal(Signal::SIGTERM);
    assert_eq!(running.end().0, Some(0));
    system.is_empty();
}

#[test]
fn what_was_there_before_us_is_left_alone() {
    let mut system = System::with(SLEEPER, SLEEPER);
    system.set("SUPERVISOR", env!("CARGO_BIN_EXE_supervisor"));
    let shell = "sleep 1000 > /dev/null & echo $! > before; exec \"$SUPERVISOR\" start";
    let mut running = system.start_program(std::process::Command::new("sh").args(["-c", shell]));
    running.line("website: up");
    running.signal(Signal::SIGTERM);
    assert_eq!(running.end().0, Some(0));
    let before = std::fs::read_to_string(system.path().join("before")).unwrap();
    assert_eq!(system.survivors(), [before.trim().parse::<i32>().unwrap()]);
}

#[test]
fn a_crash_loop_ends_with_a_reason() {
    let mut system = System::with("echo 'website: cannot open the thing' >&2; echo 'and so on' >&2; exit 1", SLEEPER);
    system.set("TRAWL_SUPERVISOR__START_LIMIT", "3");
    system.set("TRAWL_SUPERVISOR__RESTART_FIRST_MS", "5");
    let (code, said) = system.start(&["start"]).end();
    assert_eq!(said.matches("website: cannot open the thing").count(), 3, "{said}");
    let reason = "website has failed and stays down: ended with code 1, 3 times within 120 s: cannot open the thing";
    assert!(code == Some(70) && said.contains(reason), "{said}");
    assert!(said.contains("When that is mended: supervisor start\n") && !said.contains("website: website"), "{said}");
}

#[test]
fn a_final_exit_code_is_passed_on_at_once() {
    let system = System::with("echo 'website: the database is newer' >&2; exit 76", SLEEPER);
    let (code, said) = system.start(&["start"]).end();
    assert_eq!(said.matches("website: the database is newer").count(), 1, "{said}");
    assert!(code == Some(76) && said.contains("stays down: the database is newer"), "{said}");
}

#[test]
fn a_crashed_child_comes_back_and_is_counted() {
    let script = "if mkdir \"$TRAWL_TEST_DIR/once\"; then echo first; kill -9 $$; fi; echo second; exec sleep 1000";
    let system = System::with(script, SLEEPER);
    let mut running = system.start(&["start"]);
    running.line("website was killed by signal 9;");
    running.line("website: second");
    let status = system.status();
    assert_eq!(status["processes"][0]["restarts"], 1);
    running.signal(Signal::SIGTERM);
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn who_is_never_ready_is_started_again() {
    let mut system = System::with("echo up; exec sleep 1000", SLEEPER);
    system.set("TRAWL_SUPERVISOR__READY_TIMEOUT_SECONDS", "1");
    let mut running = system.start(&["start"]);
    running.line("website: up");
    running.line("website was not ready in time");
    running.line("website: up");
    running.signal(Signal::SIGTERM);
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn who_does_not_answer_is_killed() {
    let mut system = System::speaking();
    system.set("TRAWL_SUPERVISOR__WATCHDOG_SECONDS", "1");
    let mut running = system.start(&["start", "website"]);
    running.line("Trawl is ready");
    let status = system.status();
    let pid = i32::try_from(status["processes"][0]["pid"].as_i64().unwrap()).unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), Signal::SIGSTOP).unwrap();
    running.line("website did not answer for 1 s");
    running.line("Trawl is ready");
    running.signal(Signal::SIGTERM);
    assert_eq!(running.end().0, Some(0));
}

#[test]
fn a_blocked_terminal_blocks_nobody() {
    let loud = "yes \"$(printf %0200d 0)\" | head -n 50000; echo end; touch \"$TRAWL_TEST_DIR/done\"; exec sleep 1000";
    let system = System::with(loud, SLEEPER);
    // Nobody ever reads this pipe.
    let mut supervisor = system.command(&["start"]).stdout(Stdio::piped()).spawn().unwrap();
    until("the child waits for the terminal", || system.path().join("done").exists());
    assert!(system.run(&["stop"]).status.success());
    assert!(supervisor.wait().unwrap().success());
}
