//! chromedriver, and the Chromium that it starts.

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use std::{
    env,
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    process::{Child, Command, Stdio},
};

const PROGRAMS: [&str; 2] = ["chromium", "chromedriver"];
/// Makes a missing program a failure.
const NO_SKIP: &str = "TRAWL_TEST_NO_SKIP";

/// Ends with the test, its browser with it.
#[derive(Debug)]
pub(crate) struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    /// None, and a line that says so, where there is no Chromium.
    pub(crate) fn start() -> Option<Self> {
        if let Some(missing) = PROGRAMS.into_iter().find(|program| !is_in_path(program)) {
            assert!(env::var(NO_SKIP).as_deref() != Ok("1"), "{missing} is not in PATH, and {NO_SKIP}=1 wants it");
            eprintln!("skipped: nothing is tested in a browser, because {missing} is not in PATH");
            return None;
        }
        // A group of its own, so that the browser ends with it. Port 0: a free one.
        let mut command = Command::new("chromedriver");
        command.arg("--port=0").process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let mut driver = Self { child, port: 0 };
        let mut lines = said.lines().map(Result::unwrap);
        driver.port = lines.find_map(|line| port(&line)).expect("chromedriver says its port");
        // It has nobody else to talk to, and must not wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Some(driver)
    }

    /// Where it takes commands.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            killpg(Pid::from_raw(pid), Signal::SIGKILL).ok();
        }
        self.child.wait().ok();
    }
}

fn port(line: &str) -> Option<u16> {
    line.strip_prefix("ChromeDriver was started successfully on port ")?.trim_end_matches('.').parse().ok()
}

fn is_in_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|directory| directory.join(program).is_file())
}
