//! The program itself.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    os::{fd::AsRawFd as _, unix::process::ExitStatusExt as _},
    process::{Child, Command, Stdio},
};

use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    sys::signal::{Signal, kill},
    unistd::Pid,
};

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        // Already gone in a test that went well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gitlab-sim"));
    command.stdout(Stdio::piped()).stderr(Stdio::null()).env_remove("LISTEN_FDS");
    command
}

/// Waits for the line that says where it listens, ends it, and returns that line.
fn run(command: &mut Command, signal: Signal) -> String {
    let mut program = Program(command.spawn().unwrap());
    let mut out = BufReader::new(program.0.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let pid = Pid::from_raw(i32::try_from(program.0.id()).unwrap());
    kill(pid, signal).unwrap();
    let status = program.0.wait().unwrap();
    assert!(status.success(), "{status:?} {:?}", status.signal());
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "");
    line.trim_end().to_owned()
}

#[test]
fn says_where_it_listens_and_ends_when_told() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let line = run(command().args(["--listen", "127.0.0.1:0", "--scale", "0.01"]), signal);
        let port = line.strip_prefix("gitlab-sim listening on http://127.0.0.1:").unwrap();
        assert!(port.parse::<u16>().unwrap() > 0);
    }
}

#[test]
fn takes_an_inherited_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    fcntl(&listener, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    let mut command = command();
    command
        .args(["--scale", "0.01"])
        .env("LISTEN_FDS", "1")
        .env("LISTEN_FDS_FIRST_FD", listener.as_raw_fd().to_string());
    let line = run(&mut command, Signal::SIGTERM);
    assert_eq!(line, format!("gitlab-sim listening on http://{}", listener.local_addr().unwrap()));
}

#[test]
fn help_names_the_tokens() {
    let out = command().arg("--help").output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    for token in [trawl_gitlab_sim::MARIA_TOKEN, trawl_gitlab_sim::TOM_TOKEN] {
        assert!(text.contains(token), "{text}");
    }
}
