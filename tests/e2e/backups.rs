//! A copy of the database, made in mid-crawl, and the way back.

use crate::harness::{Site, System, assert_mirrors, assert_sound, distant_forge, eventually};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

/// Runs a command of the supervisor's about a file; whether it went well, and what it said.
fn about(system: &System, command: &str, file: &Path) -> (bool, String) {
    let done = system.run("supervisor", &[command, file.to_str().unwrap()]);
    (done.status.success(), String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_of_a_running_system_is_whole_and_leads_back() {
    let site = Site::linked(System::new(), distant_forge(0.1, 5)).await;
    site.committed(60).await;
    let copy = site.system.path("copy.db");
    let (fine, said) = about(&site.system, "backup", &copy);
    assert!(fine && said.contains("master.key"), "{said}");
    assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600, "tokens are in it, if sealed");
    let (fine, said) = about(&site.system, "backup", &copy);
    assert!(!fine && said.contains("is there already"), "{said}");
    let (fine, said) = about(&site.system, "restore", &copy);
    assert!(!fine && said.contains("stop it first"), "{said}");
    let later = site.crawled().await.committed();

    // All goes, and comes back as it was; then it goes on from there.
    let Site { supervisor, system, forge, .. } = site;
    drop(supervisor);
    for (name, text) in [("nonsense.db", "hello"), ("empty.db", "")] {
        fs::write(system.path(name), text).unwrap();
        let (fine, said) = about(&system, "restore", &system.path(name));
        assert!(!fine, "{said}");
    }
    assert_eq!(system.database().committed(), later, "what is refused changes nothing");
    let (fine, said) = about(&system, "restore", &copy);
    assert!(fine && said.contains("before-restore"), "{said}");
    assert!(system.database().committed() < later, "it is the earlier one");
    let supervisor = system.supervise(&[]);
    system.url().await;
    let database = eventually("the crawl goes on and ends", async || {
        let database = system.database();
        let left = "SELECT count(*) AS v FROM jobs WHERE finished_at IS NULL";
        (database.number(left) == 0).then_some(database)
    })
    .await;
    assert_mirrors(&database, &forge);
    assert_sound(&database);
    drop(supervisor);
}
