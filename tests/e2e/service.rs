//! What `scripts/install` puts on a machine, looked at by systemd itself.

use crate::harness::binaries;
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// How exposed the service may be, in tenths: systemd's own measure from 0 to 100.
const EXPOSURE: &str = "20";

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts")
}

/// Everything that is installed, below a directory.
fn stage() -> tempfile::TempDir {
    let stage = tempfile::tempdir().unwrap();
    let mut install = Command::new(scripts().join("install"));
    install.arg("--programs").arg(binaries()).arg("--stage").arg(stage.path());
    said(&install.output().unwrap());
    stage
}

/// What a command that went well has said.
fn said(output: &Output) -> String {
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    text
}

fn analyze() -> Option<Command> {
    let there = Command::new("systemd-analyze").arg("--version").output().is_ok_and(|output| output.status.success());
    if !there {
        assert_ne!(std::env::var("TRAWL_TEST_NO_SKIP").as_deref(), Ok("1"), "systemd-analyze is not installed");
        eprintln!("skipped: systemd-analyze is not installed, so the units are not looked at");
    }
    there.then(|| Command::new("systemd-analyze"))
}

#[test]
fn everything_is_in_its_place() {
    let stage = stage();
    let path = |name: &str| stage.path().join(name);
    for program in ["supervisor", "website", "crawler"] {
        let mode = fs::metadata(path("usr/lib/trawl").join(program)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755, "{program}");
    }
    // Reached through the link, it finds the others.
    let supervisor = path("usr/bin/supervisor");
    assert!(said(&Command::new(&supervisor).arg("--version").output().unwrap()).starts_with("supervisor "));
    let config = path("usr/share/trawl/supervisor.toml");
    let checked = said(&Command::new(&supervisor).args(["check", "--config"]).arg(&config).output().unwrap());
    assert!(checked.contains("is valid"), "{checked}");
    let text = fs::read_to_string(config).unwrap();
    assert!(text.contains("\nstate = \"/var/lib/trawl\"\n") && text.contains("\nruntime = \"/run/trawl\"\n"), "{text}");
    let page = said(&Command::new("gzip").arg("-dc").arg(path("usr/share/man/man1/supervisor.1.gz")).output().unwrap());
    assert!(page.contains("supervisor\\-restart(1)") || page.contains("restart"), "{page}");
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units() {
    let Some(mut analyze) = analyze() else { return };
    let stage = stage();
    let unit = |name: &str| stage.path().join("usr/lib/systemd/system").join(name);
    // Units name programs where they will be, which is not here.
    let service = fs::read_to_string(unit("trawl.service")).unwrap();
    let supervisor = stage.path().join("usr/bin/supervisor").display().to_string();
    fs::write(unit("trawl.service"), service.replace("/usr/bin/supervisor", &supervisor)).unwrap();
    analyze.args(["verify", "--man=no"]).arg(unit("trawl.service")).arg(unit("trawl.socket"));
    let found = said(&analyze.output().unwrap());
    let ours: Vec<&str> = found.lines().filter(|line| line.contains("trawl")).collect();
    assert_eq!(ours, [""; 0]);
}

#[test]
fn the_service_is_confined() {
    let Some(mut analyze) = analyze() else { return };
    let unit = scripts().join("systemd/trawl.service");
    analyze.args(["security", "--offline=yes", "--threshold", EXPOSURE]).arg(unit);
    assert!(said(&analyze.output().unwrap()).contains("Overall exposure level for trawl.service"));
}
