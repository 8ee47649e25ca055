//! Who is not a process of this system is given nothing, whoever it is.

use crate::harness::{Site, System, assert_mirrors, forge};
use nix::unistd::{Uid, getuid};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};
use trawl_gitlab_sim::MARIA_TOKEN;
use trawl_protocol::{Boot, Hello, LaunchSecret, Role, codec::AUTH_FRAME_LIMIT, handshake};

/// Whoever has no rights anywhere.
const NOBODY: u32 = 65534;
const SOCKET: &str = "STRANGER_SOCKET";

/// Tries every role on a socket, with a secret and without.
#[test]
#[ignore = "not a test: a stranger"]
fn stranger() {
    let socket = PathBuf::from(std::env::var_os(SOCKET).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for role in [Role::Crawler, Role::Website] {
        for secret in [None, Some(LaunchSecret::random())] {
            let hello = Hello {
                role,
                boot: Boot::random(),
                secret,
                build: "stranger".to_owned(),
                capacity: 1,
                kinds: Vec::new(),
                own_instance: None,
            };
            let answer = runtime.block_on(async {
                tokio::time::timeout(Duration::from_secs(5), handshake::connect(&socket, &hello, AUTH_FRAME_LIMIT))
                    .await
            });
            match answer {
                Ok(Ok(_)) => eprintln!("LET IN as {role:?}"),
                Ok(Err(error)) => eprintln!("refused as {role:?}: {error}"),
                Err(_) => eprintln!("no answer as {role:?}"),
            }
        }
    }
}

/// What a stranger is told who runs as somebody else, or as ourselves.
fn told(socket: &Path, uid: Option<u32>) -> String {
    let mut command = match uid {
        // Its program has to be where nobody may run it.
        Some(uid) => {
            let copy = socket.with_file_name("stranger");
            fs::copy(std::env::current_exe().unwrap(), &copy).unwrap();
            let mut command = Command::new("setpriv");
            command.args(["--reuid", &uid.to_string(), "--regid", &uid.to_string(), "--clear-groups"]).arg(copy);
            command
        }
        None => Command::new(std::env::current_exe().unwrap()),
    };
    command.args(["--exact", "strangers::stranger", "--ignored", "--nocapture"]).env(SOCKET, socket);
    let output = command.output().unwrap();
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_given_no_token() {
    let site = Site::linked(System::new(), forge(0.1)).await;
    site.crawled().await;
    let auth = site.system.path("run/auth.sock");
    let same_user = told(&auth, None);
    assert!(!same_user.contains("LET IN") && same_user.matches("refused as").count() == 4, "{same_user}");
    if getuid() != Uid::from_raw(0) {
        eprintln!("not root: what other users are told is not tried");
        return;
    }
    // The directory keeps others out; even without it nobody answers them.
    for path in [site.system.path(""), site.system.path("run"), auth.clone()] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o777)).unwrap();
    }
    let other_user = told(&auth, Some(NOBODY));
    assert!(!other_user.contains("LET IN") && other_user.matches("refused as").count() == 4, "{other_user}");
    assert!(site.supervisor.log().contains("refused user 65534 on the Auth socket"), "{}", site.supervisor.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_where_others_may_look() {
    let site = Site::linked(System::new(), forge(0.1)).await;
    site.crawled().await;
    let status = site.system.status().unwrap();
    let rows = status["processes"].as_array().unwrap();
    let pids: Vec<i64> = rows
        .iter()
        .map(|row| &row["pid"])
        .chain([&status["supervisor_pid"]])
        .map(|pid| pid.as_i64().unwrap())
        .collect();
    assert_eq!(pids.len(), 3);
    for pid in pids {
        let of = |file: &str| PathBuf::from(format!("/proc/{pid}/{file}"));
        // Neither in the environment nor in the arguments; and the kernel shows memory to root alone.
        for file in ["environ", "cmdline"] {
            let text = fs::read(of(file)).unwrap_or_default();
            assert!(!contains(&text, MARIA_TOKEN), "{file} of {pid}");
        }
        let owner = std::os::unix::fs::MetadataExt::uid(&fs::metadata(of("mem")).unwrap());
        assert_eq!(owner, 0, "process {pid} can be dumped");
    }
    assert!(!site.supervisor.log().contains(MARIA_TOKEN));
    let mut found = Vec::new();
    search(&site.system.path(""), &mut found);
    assert!(found.is_empty(), "the token is in {found:?}");
}

/// Files with the token in them.
fn search(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            search(&path, found);
        } else if path.is_file() && contains(&fs::read(&path).unwrap(), MARIA_TOKEN) {
            found.push(path);
        }
    }
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crawler_can_be_told_in_its_environment() {
    let system = System::new().with("TRAWL_SUPERVISOR__CREDENTIALS", "environment");
    let site = Site::new(system, forge(0.1)).await;
    let before = site.system.is("crawler-1", "running").await;
    site.link(MARIA_TOKEN).await;
    let database = site.crawled().await;
    assert_mirrors(&database, &site.forge);
    // It was started again, since another token is news to it.
    let after = site.system.is("crawler-1", "running").await;
    assert_ne!(before["pid"], after["pid"]);
    assert!(!site.supervisor.log().contains(MARIA_TOKEN));
}
