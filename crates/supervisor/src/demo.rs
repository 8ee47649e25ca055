//! The demo: the same system on a directory of its own, beside a simulated GitLab, with short intervals.

use crate::error::SupervisorError;
use nix::unistd::getuid;
use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs, io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};
use trawl_settings::Settings;

/// Only a directory with this file in it is ever emptied.
const MARKER: &str = ".trawl-demo";
/// So that there is something to see within a minute.
const SHORT_INTERVALS: [(&str, &str); 2] =
    [("TRAWL_FORGE__INCREMENTAL_SECONDS", "15"), ("TRAWL_FORGE__OVERLAP_SECONDS", "5")];

/// Arguments of the simulated GitLab: it changes every few seconds, and answers like one that is not next door.
pub(crate) const SIMULATOR_ARGUMENTS: [&str; 4] = ["--moving", "3", "--latency-ms", "200"];
/// Base URL of the simulated GitLab, given to the website.
pub(crate) const GITLAB_URL_ENV: &str = "TRAWL_DEMO_GITLAB_URL";

/// Turns settings into those of the demo, and returns what the children must be told so that they read the same.
/// Neither file nor environment lead it to the database or the sockets of a real system; only the directory that all
/// of this lies in can be chosen.
///
/// # Errors
/// The directory's path cannot be made absolute.
pub(crate) fn adapt(settings: &mut Settings) -> Result<BTreeMap<String, OsString>, SupervisorError> {
    let mut told = BTreeMap::new();
    let unset = |variable: &str| env::var_os(variable).is_none();
    if unset("TRAWL_PATHS__STATE") {
        settings.paths.state = Some(env::temp_dir().join(format!("trawl-demo-{}", getuid())));
    }
    let state = settings.state_dir();
    let state =
        std::path::absolute(&state).map_err(|source| SupervisorError::Directory { path: state.clone(), source })?;
    settings.paths.state = Some(state.clone());
    settings.paths.runtime = Some(state.join("run"));
    settings.database.url = Some(format!("sqlite://{}", state.join("trawl.db").display()));
    told.insert("TRAWL_PATHS__STATE".to_owned(), state.into_os_string());
    told.insert("TRAWL_PATHS__RUNTIME".to_owned(), settings.runtime_dir().into_os_string());
    told.insert("TRAWL_DATABASE__URL".to_owned(), settings.database_url().into());
    for (variable, value) in SHORT_INTERVALS.into_iter().filter(|(variable, _)| unset(variable)) {
        told.insert(variable.to_owned(), value.into());
    }
    Ok(told)
}

/// Creates the demo's directory for this user alone and marks it. `keep` is where the sockets are.
///
/// # Errors
/// It cannot be created, somebody else has put it there, or there is something in it that no demo has left.
pub(crate) fn create(state: &Path, keep: &Path) -> Result<(), SupervisorError> {
    let failed = |source| SupervisorError::Directory { path: state.to_owned(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(state).map_err(failed)?;
    let found = fs::symlink_metadata(state).map_err(failed)?;
    if !found.is_dir() || found.uid() != getuid().as_raw() {
        return Err(failed(io::Error::other("it belongs to another user; set TRAWL_PATHS__STATE to one of yours")));
    }
    let marker = state.join(MARKER);
    if marker.exists() {
        return Ok(());
    }
    if !entries(state, keep)?.is_empty() {
        return Err(SupervisorError::NotADemo(state.to_owned()));
    }
    fs::write(&marker, "The demo of Trawl empties this directory each time it starts.\n").map_err(failed)
}

/// Everything in the demo's directory but the marker and `keep`.
fn entries(state: &Path, keep: &Path) -> Result<Vec<PathBuf>, SupervisorError> {
    let failed = |source| SupervisorError::Directory { path: state.to_owned(), source };
    let mut entries: Vec<PathBuf> = fs::read_dir(state)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .map_err(failed)?;
    entries.retain(|path| *path != state.join(MARKER) && path != keep);
    Ok(entries)
}

/// Empties the directory of an earlier demo, all but `keep`. A directory without the marker is never emptied.
///
/// # Errors
/// Something in it cannot be removed.
pub(crate) fn empty(state: &Path, keep: &Path) -> Result<(), SupervisorError> {
    let failed = |source| SupervisorError::Directory { path: state.to_owned(), source };
    if !state.join(MARKER).exists() {
        return Err(SupervisorError::NotADemo(state.to_owned()));
    }
    for path in entries(state, keep)? {
        let removed =
            if path.is_dir() && !path.is_symlink() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        removed.map_err(failed)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_marked_directory_is_emptied() {
        let temporary = tempfile::tempdir().unwrap();
        let (state, run) = (temporary.path().join("demo"), temporary.path().join("demo/run"));
        create(&state, &run).unwrap();
        fs::create_dir(&run).unwrap();
        assert!(state.join(MARKER).exists(), "a new one is marked");
        fs::write(state.join("trawl.db"), "old").unwrap();
        fs::create_dir_all(state.join("archive/1")).unwrap();
        create(&state, &run).unwrap();
        empty(&state, &run).unwrap();
        assert!(!state.join("trawl.db").exists() && !state.join("archive").exists() && run.exists());

        fs::remove_file(state.join(MARKER)).unwrap();
        fs::write(state.join("precious"), "x").unwrap();
        for refused in [create(&state, &run), empty(&state, &run)] {
            assert_eq!(refused.unwrap_err().exit_code(), trawl_settings::exit::CONFIG);
        }
        assert!(state.join("precious").exists() && !state.join(MARKER).exists());
    }

    #[test]
    fn the_real_database_is_out_of_reach() {
        let mut settings = Settings::default();
        settings.database.url = Some("postgres://real/one".to_owned());
        settings.paths.runtime = Some("/run/trawl".into());
        let told = adapt(&mut settings).unwrap();
        assert!(settings.database_url().starts_with("sqlite://") && !settings.runtime_dir().starts_with("/run/trawl"));
        assert_eq!(told["TRAWL_DATABASE__URL"], OsString::from(settings.database_url()));
    }
}
