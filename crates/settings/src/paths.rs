//! Where things lie.

use crate::Settings;
use std::{env, path::PathBuf};

impl Settings {
    /// Database and keys: the setting, else what systemd or the desktop says.
    #[must_use]
    pub fn state_dir(&self) -> PathBuf {
        let from = |variable: &str| env::var_os(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
        self.paths
            .state
            .clone()
            .or_else(|| from("STATE_DIRECTORY"))
            .or_else(|| from("XDG_STATE_HOME").map(|dir| dir.join("trawl")))
            .or_else(|| from("HOME").map(|home| home.join(".local/state/trawl")))
            .unwrap_or_else(|| PathBuf::from(".trawl"))
    }

    /// Sockets and lock. Below the state directory unless somebody says otherwise, so that two systems with a state
    /// of their own never meet.
    #[must_use]
    pub fn runtime_dir(&self) -> PathBuf {
        self.paths
            .runtime
            .clone()
            .or_else(|| env::var_os("RUNTIME_DIRECTORY").filter(|dir| !dir.is_empty()).map(PathBuf::from))
            .unwrap_or_else(|| self.state_dir().join("run"))
    }

    /// The database's URL.
    #[must_use]
    pub fn database_url(&self) -> String {
        self.database.url.clone().unwrap_or_else(|| format!("sqlite://{}", self.state_dir().join("trawl.db").display()))
    }
}
