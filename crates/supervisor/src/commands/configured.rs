//! The configuration of this command line.

use crate::{demo, error::SupervisorError, invocation::Invocation, part, runtime_dir::RuntimeDir};
use std::{collections::BTreeMap, env, ffi::OsString, path::PathBuf};
use trawl_settings::{CONFIG_ENV, Settings, load};

/// Settings, and what children must be told so that they read the same.
#[derive(Debug)]
pub struct Configured {
    /// The settings.
    pub settings: Settings,
    /// What children are told.
    pub environment: BTreeMap<String, OsString>,
    /// Whether this is the demo.
    pub demo: bool,
    invocation: Invocation,
    file: Option<PathBuf>,
}

impl Configured {
    /// Reads the file that is named, else the one in the environment, else the one here.
    ///
    /// # Errors
    /// It is wrong.
    pub fn read(config: Option<PathBuf>, demo: bool) -> Result<Self, SupervisorError> {
        let invocation = Invocation::new(config.as_deref(), demo);
        let named = config.or_else(|| env::var_os(CONFIG_ENV).map(PathBuf::from));
        let mut settings = load(named.as_deref())?;
        let here = PathBuf::from("supervisor.toml");
        let file = named.or_else(|| here.is_file().then_some(here));
        // Absolute, since a child may be started from elsewhere one day.
        let file = file.and_then(|file| std::path::absolute(file).ok());
        let mut environment = if demo { demo::adapt(&mut settings)? } else { BTreeMap::new() };
        if let Some(file) = &file {
            environment.insert(CONFIG_ENV.to_owned(), file.clone().into_os_string());
        }
        Ok(Self { settings, environment, demo, invocation, file })
    }

    /// Where this system's processes meet.
    ///
    /// # Errors
    /// Its path is too long.
    pub fn runtime_dir(&self) -> Result<RuntimeDir, SupervisorError> {
        Ok(RuntimeDir::new(&self.settings.runtime_dir())?.reached_with(self.invocation.clone()))
    }

    /// Whether names mean something in the system that is configured here.
    ///
    /// # Errors
    /// One means nothing.
    pub fn check_names(&self, names: &[String]) -> Result<(), SupervisorError> {
        part::select(&part::all(&self.settings, self.demo), names).map(drop).map_err(SupervisorError::UnknownName)
    }

    /// In one line, what a person wants to see confirmed. Nothing secret: a database URL may contain a password.
    #[must_use]
    pub fn summary(&self) -> String {
        let Self { settings, file, .. } = self;
        let file =
            file.as_ref().map_or_else(|| "no file, so the defaults".to_owned(), |file| file.display().to_string());
        let database = if settings.database_url().starts_with("sqlite:") { "SQLite" } else { "PostgreSQL" };
        let (crawlers, jobs) = (settings.crawler.instances, settings.crawler.max_jobs);
        format!("{file}; website on {}, {crawlers} × crawler with {jobs} jobs each, {database}", settings.server.url())
    }
}
