//! A PostgreSQL server of the tests' own: one for each test process, gone with it, however it ends.

use diesel::{Connection as _, PgConnection, RunQueryDsl as _, sql_query};
use std::{
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// Makes a server, says where, and ends it as soon as the pipe from the test process is closed: that happens when the
/// test process ends, even by a signal.
const KEEPER: &str = r#"
set -e
PATH="$1:$PATH"
dir=$(mktemp -d "${TMPDIR:-/tmp}/trawl-pg.XXXXXX")
trap 'rm -rf "$dir"' EXIT
initdb -D "$dir/data" -U trawl -A trust -E UTF8 --locale=C -N >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; exit 1; }
pg_ctl -D "$dir/data" -w -l "$dir/log" -o "$2 -k '$dir' -c listen_addresses= -c max_connections=200" start >/dev/null </dev/null ||
    { cat "$dir/log" >&2; exit 1; }
echo "$dir"
read -r _ || true
pg_ctl -D "$dir/data" -m immediate stop >/dev/null 2>&1
"#;

/// A running server.
pub(crate) struct Server {
    socket_dir: String,
    made: AtomicU32,
    // Its standard input stays open for as long as the server is needed.
    keeper: Child,
}

impl Server {
    /// The server of this process. Where PostgreSQL is not installed: none, said on standard error; with
    /// `TRAWL_TEST_NO_SKIP=1` a panic instead.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SERVER: OnceLock<Option<Server>> = OnceLock::new();
        let server = SERVER.get_or_init(|| {
            let programs = find_programs();
            if programs.is_none() {
                skip("PostgreSQL is not tested: no initdb and pg_ctl on PATH or in /usr/lib/postgresql/*/bin");
            }
            // Nothing in it has to outlive the test, so nothing is flushed to disk.
            programs.map(|bin| Self::start(&bin, "-F"))
        });
        server.as_ref()
    }

    /// A server that keeps what it has acknowledged, as one in earnest does. None where PostgreSQL is not installed.
    #[cfg_attr(test, expect(dead_code, reason = "for benchmarks; tests are content with less"))]
    pub(crate) fn durable() -> Option<Self> {
        find_programs().map(|bin| Self::start(&bin, ""))
    }

    fn start(bin: &Path, options: &str) -> Self {
        // PostgreSQL refuses to run as root.
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        command.arg("-c").arg(KEEPER).arg("keeper").arg(bin).arg(options).current_dir("/");
        // In a group of its own, so that a signal to the test's group leaves it to clean up.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut keeper = command.spawn().expect("sh starts");
        let mut socket_dir = String::new();
        let stdout = keeper.stdout.take().expect("stdout is piped");
        BufReader::new(stdout).read_line(&mut socket_dir).expect("the keeper speaks UTF-8");
        if !socket_dir.ends_with('\n') {
            let reason = keeper.stderr.take().map(std::io::read_to_string);
            panic!("PostgreSQL did not start: {reason:?}");
        }
        Self { socket_dir: socket_dir.trim_end().to_owned(), made: AtomicU32::new(0), keeper }
    }

    /// Makes an empty database and returns its URL.
    pub(crate) fn create_database(&self) -> String {
        let name = format!("trawl_{}", self.made.fetch_add(1, Ordering::Relaxed));
        let mut conn = PgConnection::establish(&self.url("postgres")).expect("the server answers");
        sql_query(format!("CREATE DATABASE {name}")).execute(&mut conn).expect("the database is made");
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&user=trawl", self.socket_dir)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        self.keeper.wait().ok();
    }
}

fn find_programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        let mut versions: Vec<PathBuf> = versions.flatten().map(|entry| entry.path().join("bin")).collect();
        versions.sort();
        places.extend(versions.into_iter().rev());
    }
    places.into_iter().find(|place| place.join("initdb").is_file() && place.join("pg_ctl").is_file())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id is everywhere");
    id.stdout.trim_ascii() == b"0"
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says why")]
fn skip(why: &str) {
    assert!(std::env::var_os("TRAWL_TEST_NO_SKIP").is_none_or(|value| value != "1"), "{why}");
    eprintln!("skipped: {why}");
}
