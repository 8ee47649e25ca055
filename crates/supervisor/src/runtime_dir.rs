//! The runtime directory: sockets, and the lock that makes one supervisor of many attempts.

use crate::{error::SupervisorError, invocation::Invocation};
use std::{
    fs::{self, File, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

/// The kernel's limit is 108 with the final zero; some room for suffixes.
const SOCKET_PATH_MAX: usize = 100;

/// Where the processes of one system meet.
#[derive(Debug, Clone)]
pub struct RuntimeDir {
    dir: PathBuf,
    invocation: Invocation,
}

/// Held for as long as a supervisor lives. The kernel lets go of it however the supervisor ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held, never read")] File);

impl RuntimeDir {
    /// Names the directory without touching it.
    ///
    /// # Errors
    /// Its path is too long for sockets.
    pub fn new(dir: &Path) -> Result<Self, SupervisorError> {
        let dir =
            std::path::absolute(dir).map_err(|source| SupervisorError::Directory { path: dir.to_owned(), source })?;
        let this = Self { dir, invocation: Invocation::default() };
        let longest = this.control_socket();
        if longest.as_os_str().len() > SOCKET_PATH_MAX {
            return Err(SupervisorError::PathTooLong { path: longest, max: SOCKET_PATH_MAX });
        }
        Ok(this)
    }

    /// The same, for people who reach it with these options.
    #[must_use]
    pub fn reached_with(self, invocation: Invocation) -> Self {
        Self { invocation, ..self }
    }

    /// The options of its system.
    #[must_use]
    pub const fn invocation(&self) -> &Invocation {
        &self.invocation
    }

    /// Says that no supervisor runs here.
    #[must_use]
    pub fn nobody(&self) -> SupervisorError {
        SupervisorError::NotRunning { dir: self.dir.clone(), start: self.invocation.command("start") }
    }

    /// The directory itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Where the job protocol is spoken.
    #[must_use]
    pub fn bus_socket(&self) -> PathBuf {
        self.dir.join("bus.sock")
    }

    /// Where credentials are handed over.
    #[must_use]
    pub fn auth_socket(&self) -> PathBuf {
        self.dir.join("auth.sock")
    }

    /// Where the command line speaks with a running supervisor.
    #[must_use]
    pub fn control_socket(&self) -> PathBuf {
        self.dir.join("control.sock")
    }

    /// The text of the configuration that was accepted last.
    #[must_use]
    pub fn accepted(&self) -> PathBuf {
        self.dir.join("accepted.toml")
    }

    /// Written by the website while nobody has set it up: the one URL to begin with.
    #[must_use]
    pub fn first_visit(&self) -> PathBuf {
        self.dir.join("first-visit")
    }

    /// Creates the directory for this user alone and takes the lock; none: another supervisor has it.
    ///
    /// # Errors
    /// The directory cannot be created or used.
    pub fn lock(&self) -> Result<Option<Lock>, SupervisorError> {
        let failed = |source| SupervisorError::Directory { path: self.dir.clone(), source };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.dir).map_err(failed)?;
        fs::set_permissions(&self.dir, fs::Permissions::from_mode(0o700)).map_err(failed)?;
        self.try_lock(true).map_err(failed)
    }

    /// Whether a supervisor runs here. Creates nothing.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.dir.join("lock").exists() && matches!(self.try_lock(false), Ok(None))
    }

    fn try_lock(&self, create: bool) -> io::Result<Option<Lock>> {
        let mut options = File::options();
        let file = options.read(true).write(true).create(create).truncate(false).open(self.dir.join("lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_lock_at_a_time() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = RuntimeDir::new(&temporary.path().join("run")).unwrap();
        assert!(!dir.is_held());
        let lock = dir.lock().unwrap().unwrap();
        assert!(dir.lock().unwrap().is_none());
        assert!(dir.is_held());
        drop(lock);
        assert!(dir.lock().unwrap().is_some());
        assert_eq!(fs::metadata(dir.path()).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_long_path_is_explained() {
        let error = RuntimeDir::new(&Path::new("/tmp").join("d".repeat(100))).unwrap_err();
        assert!(error.to_string().contains("choose a shorter directory with paths.runtime"), "{error}");
    }
}
