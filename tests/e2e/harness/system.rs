//! A system of its own: directories, environment, and what must be gone in the end.

use super::{Client, Database, Running, binaries, eventually, survivors::survivors};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

pub(crate) const USERNAME: &str = "admin";
pub(crate) const PASSWORD: &str = "correct horse battery";
/// Longer than any clock jumps in a test.
const MONTH_SECONDS: &str = "2592000";
/// How long the kernel may take to end what has lost its parent.
const LINGER: Duration = Duration::from_secs(5);

/// Declare it before the processes that run in it, so that they have ended when it looks for what is left.
#[derive(Debug)]
pub(crate) struct System {
    dir: tempfile::TempDir,
    environment: BTreeMap<String, String>,
    seen: RefCell<BTreeSet<i32>>,
}

impl System {
    pub(crate) fn new() -> Self {
        // In /tmp whatever TMPDIR says: the addresses of sockets are short.
        let dir = tempfile::Builder::new().prefix("trawl-").tempdir_in("/tmp").unwrap();
        let path = |name: &str| dir.path().join(name).display().to_string();
        let environment = [
            ("TRAWL_PATHS__STATE", path("state")),
            ("TRAWL_PATHS__RUNTIME", path("run")),
            ("TRAWL_SERVER__LISTEN", "127.0.0.1:0".to_owned()),
            // Nothing is read a second time while a test looks.
            ("TRAWL_FORGE__INCREMENTAL_SECONDS", MONTH_SECONDS.to_owned()),
            ("TRAWL_FORGE__LISTS_SECONDS", MONTH_SECONDS.to_owned()),
            ("TRAWL_FORGE__FULL_SECONDS", MONTH_SECONDS.to_owned()),
            ("TRAWL_FORGE__SCOPE_SECONDS", MONTH_SECONDS.to_owned()),
        ];
        let environment = environment.map(|(variable, value)| (variable.to_owned(), value)).into();
        Self { dir, environment, seen: RefCell::default() }
    }

    /// With one more setting, as an environment variable.
    pub(crate) fn with(mut self, variable: &str, value: &str) -> Self {
        self.environment.insert(variable.to_owned(), value.to_owned());
        self
    }

    /// A path in its directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A program of the workspace, in this system's environment and nothing else's.
    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(binaries().join(program));
        command.args(arguments).current_dir(self.dir.path()).stdin(Stdio::null()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.dir.path());
        command.envs(&self.environment);
        command
    }

    /// Runs a program to its end.
    pub(crate) fn run(&self, program: &str, arguments: &[&str]) -> Output {
        self.command(program, arguments).output().unwrap()
    }

    /// Starts a program; what it says goes to a file.
    pub(crate) fn start(&self, mut command: Command) -> Running {
        let number = fs::read_dir(self.dir.path()).unwrap().count();
        let log = self.path(&format!("log-{number}"));
        let file = File::create(&log).unwrap();
        let child = command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap();
        Running::new(child, log)
    }

    /// `supervisor start` with these arguments.
    pub(crate) fn supervise(&self, arguments: &[&str]) -> Running {
        self.start(self.command("supervisor", &[&["start"], arguments].concat()))
    }

    /// `supervisor status --json`; none where nothing runs.
    pub(crate) fn status(&self) -> Option<Value> {
        let output = self.run("supervisor", &["status", "--json"]);
        let status: Value = serde_json::from_slice(&output.stdout).ok()?;
        let processes = status["processes"].as_array()?.iter().map(|process| &process["pid"]);
        let pids = processes.chain([&status["supervisor_pid"]]).filter_map(Value::as_i64);
        self.seen.borrow_mut().extend(pids.filter_map(|pid| i32::try_from(pid).ok()));
        status["supervisor_pid"].is_u64().then_some(status)
    }

    /// One row of the process table.
    pub(crate) fn process(&self, name: &str) -> Option<Value> {
        self.status()?["processes"].as_array()?.iter().find(|row| row["name"] == name).cloned()
    }

    /// Waits until a process is in a state, and returns its row.
    pub(crate) async fn is(&self, name: &str, state: &str) -> Value {
        let look = async || self.process(name).filter(|row| row["state"] == state);
        eventually(&format!("{name} is {state}"), look).await
    }

    /// Waits for the website.
    pub(crate) async fn url(&self) -> String {
        self.is("website", "running").await;
        self.status().unwrap()["url"].as_str().unwrap().to_owned()
    }

    /// Sets the website up as a person does: with the link that was printed.
    pub(crate) async fn set_up(&self) -> Client {
        let client = Client::new(&self.url().await);
        let link = fs::read_to_string(self.path("run/first-visit")).unwrap();
        let page = client.get(link.trim()).await;
        assert!(page.status == 200 && page.text.contains("password_repeat"), "{page:?}");
        let fields = [("username", USERNAME), ("password", PASSWORD), ("password_repeat", PASSWORD)];
        let answer = client.form(link.trim(), &fields).await;
        assert_eq!((answer.status, answer.location.as_deref()), (303, Some("/accounts")), "{answer:?}");
        assert_eq!(client.get(link.trim()).await.status, 404, "the link is good for one visit");
        client
    }

    /// Signs the administrator in again.
    pub(crate) async fn sign_in(&self, username: &str) -> Client {
        let client = Client::new(&self.url().await);
        let answer = client.form("/sign-in", &[("username", username), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, 303, "{answer:?}");
        client
    }

    pub(crate) fn database(&self) -> Database {
        Database::open(&self.path("state/trawl.db"))
    }

    /// Processes of this system that live.
    pub(crate) fn survivors(&self) -> Vec<i32> {
        survivors(&format!("TRAWL_PATHS__STATE={}", self.path("state").display()), &self.seen.borrow())
    }

    /// Sockets in its runtime directory.
    pub(crate) fn sockets(&self) -> Vec<PathBuf> {
        sockets(&self.path("run"))
    }
}

fn sockets(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "sock")).collect()
}

impl Drop for System {
    fn drop(&mut self) {
        let deadline = Instant::now() + LINGER;
        let mut left = self.survivors();
        while !left.is_empty() && Instant::now() < deadline {
            std::thread::park_timeout(Duration::from_millis(10));
            left = self.survivors();
        }
        for pid in &left {
            kill(Pid::from_raw(*pid), Signal::SIGKILL).ok();
        }
        if !std::thread::panicking() {
            assert!(left.is_empty(), "processes are left: {left:?}");
            assert!(self.sockets().is_empty(), "sockets are left: {:?}", self.sockets());
        }
    }
}
