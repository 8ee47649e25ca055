use super::*;
use ProcessState::{Backoff, Failed, Running, Starting, Stopped, Stopping, Waiting};
use trawl_settings::SupervisorSettings;

const GRACE: Duration = Duration::from_secs(10);

fn policy(limit: u32) -> RestartPolicy {
    RestartPolicy::from(&SupervisorSettings { start_limit: limit, ..Default::default() })
}

fn running(now: Instant) -> Process {
    let mut process = Process::new(Part::Website);
    assert!(process.want());
    let life = Life { pid: Pid::from_raw(7), secret: LaunchSecret::random(), ready_since: None };
    process.spawned(life, now, Duration::from_secs(30));
    assert_eq!(process.state(), Starting);
    process.ready(now);
    assert_eq!(process.state(), Running);
    process
}

#[test]
fn a_crash_leads_to_a_pause_and_another_try() {
    let now = Instant::now();
    let mut process = running(now);
    process.ended(Ending::Code(1), Some("oh".to_owned()), &policy(10), now, 1.0);
    assert_eq!((process.state(), process.info().detail.as_deref()), (Backoff, Some("ended with code 1: oh")));
    assert!(process.overdue(now).is_empty() && process.state() == Backoff, "not before its time");
    assert!(process.overdue(now + Duration::from_millis(50)).is_empty());
    assert_eq!((process.state(), process.info().restarts), (Waiting, 1));
}

#[test]
fn a_final_code_is_not_tried_again() {
    let now = Instant::now();
    let mut process = running(now);
    process.ended(Ending::Code(78), Some("line 3: no".to_owned()), &policy(10), now, 1.0);
    assert_eq!((process.state(), process.due(), process.exit_code()), (Failed, None, Some(78)));
    assert_eq!(process.info().detail.as_deref(), Some("line 3: no"));
    assert!(process.want() && process.state() == Waiting && process.exit_code().is_none());
}

#[test]
fn a_crash_loop_ends_and_says_so() {
    let now = Instant::now();
    let mut process = running(now);
    process.ended(Ending::Signal(Signal::SIGSEGV), Some("all is well".to_owned()), &policy(1), now, 1.0);
    let detail = process.info().detail.unwrap();
    assert_eq!(process.state(), Failed);
    assert_eq!(detail, "was killed by signal 11, 1 times within 120 s");
}

#[test]
fn a_stop_is_obeyed_or_enforced() {
    let now = Instant::now();
    let mut process = running(now);
    assert!(process.stop(now, GRACE));
    assert_eq!(process.state(), Stopping);
    assert!(!process.stop(now, GRACE), "one SIGTERM is enough");
    assert!(process.overdue(now).is_empty());
    assert_eq!(process.overdue(now + GRACE), [Pid::from_raw(7)], "killed after the grace");
    process.ended(Ending::Signal(Signal::SIGKILL), None, &policy(10), now, 1.0);
    assert_eq!((process.state(), process.info().pid), (Stopped, None));
}

fn heir(now: Instant) -> Process {
    let mut process = running(now);
    assert!(process.may_have_heir());
    let life = Life { pid: Pid::from_raw(8), secret: LaunchSecret::random(), ready_since: None };
    process.heir_spawned(life, now, Duration::from_secs(30));
    assert!(!process.may_have_heir() && process.state() == Running);
    process
}

#[test]
fn an_heir_takes_over_and_the_old_one_finishes() {
    let now = Instant::now();
    let mut process = heir(now);
    assert!(process.heir_came(now, GRACE) && !process.heir_came(now, GRACE), "one SIGTERM is enough");
    assert_eq!(process.outgoing(), Some(Pid::from_raw(7)));
    process.hand_over(now, Duration::from_secs(30), GRACE);
    assert_eq!((process.state(), process.info().pid, process.info().restarts), (Starting, Some(8), 1));
    process.ready(now);
    assert_eq!(process.overdue(now + GRACE), [Pid::from_raw(7)], "it may not finish for ever");
    assert!(process.other_ended(Pid::from_raw(7), "") && process.state() == Running);
    assert_eq!(process.pids().collect::<Vec<_>>(), [Pid::from_raw(8)]);
}

#[test]
fn an_heir_that_does_not_come_up_changes_nothing() {
    let now = Instant::now();
    let mut process = heir(now);
    assert!(process.other_ended(Pid::from_raw(8), "line 3: no"));
    assert_eq!((process.state(), process.info().pid, process.heir_failed()), (Running, Some(7), Some("line 3: no")));
}

#[test]
fn an_heir_steps_in_where_the_old_one_ends_first() {
    let now = Instant::now();
    let mut process = heir(now);
    process.ended(Ending::Signal(Signal::SIGKILL), None, &policy(10), now, 1.0);
    assert_eq!((process.state(), process.info().pid), (Starting, Some(8)));
    assert_eq!(process.info().last_end.as_deref(), Some("was killed by signal 9"));
}

#[test]
fn a_stop_is_the_end_of_the_heir_as_well() {
    let now = Instant::now();
    let mut process = heir(now);
    assert!(process.stop(now, GRACE));
    process.ended(Ending::Code(0), None, &policy(10), now, 1.0);
    assert!(process.state() == Stopped && !process.is_gone());
    assert!(process.other_ended(Pid::from_raw(8), "") && process.is_gone());
}

#[test]
fn a_restart_is_a_stop_with_a_start_behind_it() {
    let now = Instant::now();
    let mut process = running(now);
    assert!(process.restart(now, GRACE));
    assert_eq!(process.state(), Stopping);
    process.ended(Ending::Code(0), None, &policy(10), now, 1.0);
    assert_eq!(process.state(), Waiting);
    assert!(!process.restart(now, GRACE) && process.state() == Waiting, "nothing there to stop");
}

#[test]
fn who_is_not_ready_in_time_is_killed_for_it() {
    let now = Instant::now();
    let mut process = running(now);
    let life = process.life().cloned().unwrap();
    process.spawned(life, now, Duration::from_secs(1));
    assert_eq!(process.overdue(now + Duration::from_secs(1)), [Pid::from_raw(7)]);
    process.ended(Ending::Signal(Signal::SIGKILL), Some("oh".to_owned()), &policy(10), now, 1.0);
    assert_eq!((process.state(), process.info().detail.as_deref()), (Backoff, Some("was not ready in time")));
}

#[test]
fn waiting_says_for_what() {
    let mut process = Process::new(Part::Crawler(1));
    process.hold("x");
    assert_eq!(process.info().detail, None, "a stopped process waits for nothing");
    process.want();
    process.hold("waits for the website");
    assert_eq!(process.info().detail.as_deref(), Some("waits for the website"));
}
