//! A system of its own in a temporary directory, which leaves nothing behind.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

const PATIENCE: Duration = Duration::from_secs(30);
/// A child that lives until it is told to end.
pub(crate) const SLEEPER: &str = "echo up; exec sleep 1000";

pub(crate) struct System {
    dir: tempfile::TempDir,
    environment: Vec<(&'static str, String)>,
}

impl System {
    /// With website and crawler as scripts.
    pub(crate) fn with(website: &str, crawler: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("bin")).unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let environment = vec![
            ("TRAWL_BIN_DIR", path("bin")),
            ("TRAWL_PATHS__STATE", path("state")),
            ("TRAWL_SERVER__LISTEN", "127.0.0.1:0".to_owned()),
            ("TRAWL_SUPERVISOR__STOP_GRACE_SECONDS", "1".to_owned()),
            ("TRAWL_TEST_EXE", std::env::current_exe().unwrap().display().to_string()),
            ("TRAWL_TEST_DIR", dir.path().display().to_string()),
        ];
        let this = Self { dir, environment };
        this.script("website", website);
        this.script("crawler", crawler);
        this
    }

    /// With this test program as website and crawler.
    pub(crate) fn speaking() -> Self {
        let script = |part| format!("exec \"$TRAWL_TEST_EXE\" --exact child::{part} --ignored --nocapture");
        Self::with(&script("website"), &script("crawler"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn set(&mut self, variable: &'static str, value: &str) {
        self.environment.push((variable, value.to_owned()));
    }

    pub(crate) fn script(&self, name: &str, body: &str) {
        let path = self.path().join("bin").join(name);
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_supervisor"));
        self.place(command.args(arguments));
        command
    }

    /// Makes a command one of this system.
    pub(crate) fn place(&self, command: &mut Command) {
        command.current_dir(self.path()).stdin(Stdio::null());
        for variable in
            ["TRAWL_CONFIG", "RUNTIME_DIRECTORY", "STATE_DIRECTORY", "NOTIFY_SOCKET", "LISTEN_PID", "JOURNAL_STREAM"]
        {
            command.env_remove(variable);
        }
        command.envs(self.environment.iter().cloned());
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Starts a command whose output is read line by line.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        self.start_program(&mut self.command(arguments))
    }

    /// The same for any program.
    pub(crate) fn start_program(&self, command: &mut Command) -> Running {
        self.place(command);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Running { child, lines, seen: Vec::new(), passed_over: Vec::new() }
    }

    /// What `status --json` says.
    pub(crate) fn status(&self) -> Value {
        serde_json::from_slice(&self.run(&["status", "--json"]).stdout).unwrap()
    }

    /// Rows of it, as `name state`.
    pub(crate) fn states(&self) -> Vec<String> {
        let status = self.status();
        let rows = status["processes"].as_array().unwrap();
        rows.iter().map(|row| format!("{} {}", row["name"], row["state"]).replace('"', "")).collect()
    }

    /// Processes of this system, whoever started them. Told by their environment.
    pub(crate) fn survivors(&self) -> Vec<i32> {
        let mark = format!("TRAWL_TEST_DIR={}", self.path().display());
        let pids =
            fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let ours = |pid: &i32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
        };
        pids.filter(ours).collect()
    }

    /// Asserts that no process of this system is left.
    pub(crate) fn is_empty(&self) {
        let survivors = self.survivors();
        assert!(survivors.is_empty(), "{survivors:?} survive");
    }

    /// Files in the runtime directory.
    pub(crate) fn runtime_files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path().join("state/run")).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for System {
    fn drop(&mut self) {
        for pid in self.survivors() {
            kill(Pid::from_raw(pid), Signal::SIGKILL).ok();
        }
    }
}

pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
    passed_over: Vec<String>,
}

impl Running {
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    /// Waits for a line with this in it, unless one has come already. Each line counts once.
    pub(crate) fn line(&mut self, wanted: &str) -> String {
        if let Some(index) = self.passed_over.iter().position(|line| line.contains(wanted)) {
            return self.passed_over.remove(index);
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("no line with {wanted:?} in\n{}", self.seen.join("\n"))
            };
            self.seen.push(line.clone());
            if line.contains(wanted) {
                return line;
            }
            self.passed_over.push(line);
        }
    }

    /// Does something again and again until a line with this in it comes.
    pub(crate) fn line_while(&mut self, wanted: &str, act: impl Fn()) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            act();
            if let Ok(line) = self.lines.recv_timeout(Duration::from_millis(50)) {
                self.seen.push(line.clone());
                if line.contains(wanted) {
                    return;
                }
            }
            assert!(Instant::now() < deadline, "no line with {wanted:?}");
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// Waits for its end; returns its code and all that it said.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        let deadline = Instant::now() + PATIENCE;
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            self.seen.push(line);
        }
        assert!(Instant::now() < deadline, "it does not end:\n{}", self.seen.join("\n"));
        (self.child.wait().unwrap().code(), self.seen.join("\n"))
    }
}

/// Waits until something is so.
pub(crate) fn until(what: &str, so: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::park_timeout(Duration::from_millis(10));
    }
}
