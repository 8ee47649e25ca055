//! The binary: what it says when it cannot start, and one life of it.

use crate::{
    forge::completed,
    house::{House, lease, order},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{path::Path, process::Stdio};
use tokio::process::Command;
use trawl_gitlab_sim::{MARIA_TOKEN, Options, Sim};
use trawl_jobs::JobSpec;
use trawl_protocol::{StartJob, socket::Listener};

fn program(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crawler"));
    command.env_clear().envs(variables.iter().copied()).current_dir(env!("CARGO_TARGET_TMPDIR"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Exit code and the sentence, which is the last line.
async fn complaint(variables: &[(&str, &str)]) -> (i32, String) {
    let output = program(variables).output().await.unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    let sentence = text.lines().last().unwrap_or_default().to_owned();
    assert!(sentence.starts_with("crawler: "), "{text}");
    (output.status.code().unwrap(), sentence)
}

fn sim() -> Sim {
    trawl_gitlab_sim::start(Options { scale: 0.02, ..Options::default() }).unwrap()
}

#[tokio::test]
async fn each_reason_has_its_exit_code_and_its_sentence() {
    let (code, sentence) = complaint(&[]).await;
    assert_eq!(code, 78);
    assert!(sentence.contains("needs SUPERVISOR_SOCKET_PATH, GITLAB_URL and GITLAB_TOKEN"), "{sentence}");

    let nowhere = ("SUPERVISOR_SOCKET_PATH", "/nonexistent/bus.sock");
    let gone = sim();
    let url = gone.url();
    gone.stop().await;
    let (code, sentence) = complaint(&[nowhere, ("GITLAB_URL", &url), ("GITLAB_TOKEN", "glpat-any")]).await;
    assert_eq!(code, 68, "{sentence}");
    assert!(!sentence.contains("glpat-any"));

    let sim = sim();
    let url = sim.url();
    let (code, sentence) = complaint(&[nowhere, ("GITLAB_URL", &url), ("GITLAB_TOKEN", "glpat-wrong")]).await;
    assert_eq!(code, 77, "{sentence}");
    assert!(!sentence.contains("glpat-wrong"));

    let (code, sentence) = complaint(&[nowhere, ("GITLAB_URL", &url), ("GITLAB_TOKEN", MARIA_TOKEN)]).await;
    assert_eq!(code, 69, "{sentence}");
    assert!(sentence.contains("supervisor start"), "{sentence}");

    let (code, sentence) = complaint(&[("SUPERVISOR_LAUNCH_FD", "99")]).await;
    assert_eq!(code, 78, "{sentence}");
}

#[tokio::test]
async fn started_alone_it_joins_works_and_ends_when_asked() {
    let (sim, dir) = (sim(), tempfile::tempdir().unwrap());
    let path = dir.path().join("bus.sock");
    let listener = Listener::bind(&path).unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let url = sim.url();
    let variables = [
        ("SUPERVISOR_SOCKET_PATH", text(&path)),
        ("GITLAB_URL", format!("{url}/")),
        ("GITLAB_TOKEN", MARIA_TOKEN.to_owned()),
    ];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let child = program(&variables).spawn().unwrap();
    let (mut house, hello) = House::admit(dir, listener).await;
    assert_eq!(hello.own_instance.as_deref(), Some(url.as_str()));
    assert_eq!(hello.kinds, JobSpec::crawler_kinds().collect::<Vec<_>>());
    assert!(hello.secret.is_none() && hello.capacity == 8);

    let lease = lease();
    house.start(StartJob { instance_url: Some(url), ..order("authorization_scope", lease) }).await;
    let (result, ..) = completed(house.until_finished(lease).await.outcome);
    assert_eq!(result["projects"], sim.counts_for("maria", true).unwrap().projects);

    kill(Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()), Signal::SIGTERM).unwrap();
    let output = child.wait_with_output().await.unwrap();
    let log = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{log}");
    assert!(!log.contains(MARIA_TOKEN), "{log}");
}
