//! The configuration of this command line.

use crate::{
    demo,
    error::{SupervisorError, doing},
    invocation::Invocation,
    part,
    runtime_dir::RuntimeDir,
};
use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs::{self, File},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};
use trawl_settings::{CONFIG_ENV, Settings, SettingsError, parse};

/// Settings, and what children must be told so that they read the same.
#[derive(Debug)]
pub struct Configured {
    /// The settings.
    pub settings: Settings,
    /// What children are told besides the configuration.
    pub environment: BTreeMap<String, OsString>,
    /// Whether this is the demo.
    pub demo: bool,
    invocation: Invocation,
    source: Source,
    text: String,
}

/// Where the configuration is read from.
#[derive(Debug, Clone)]
struct Source {
    /// As it was named on the command line.
    named: Option<PathBuf>,
    /// None: the defaults.
    file: Option<PathBuf>,
}

impl Source {
    fn find(named: Option<PathBuf>) -> Self {
        // Absolute, since it may be read from elsewhere one day.
        let file = trawl_settings::find(named.as_deref());
        Self { named, file: file.and_then(|file| std::path::absolute(file).ok()) }
    }

    fn read(&self) -> Result<String, SettingsError> {
        let Some(path) = &self.file else { return Ok(String::new()) };
        fs::read_to_string(path).map_err(|source| SettingsError::Read { path: path.clone(), source })
    }

    fn path(&self) -> &Path {
        self.file.as_deref().unwrap_or(Path::new("supervisor.toml"))
    }
}

impl Configured {
    /// Reads the file that is named, else the one in the environment, else the one here.
    ///
    /// # Errors
    /// It is wrong.
    pub fn read(named: Option<PathBuf>, demo: bool) -> Result<Self, SupervisorError> {
        let source = Source::find(named);
        let text = source.read()?;
        let settings = parse(source.path(), &text, env::vars())?;
        Self::with(source, text, settings, demo)
    }

    /// The same for whoever only speaks with a system that runs already: that is found by its directories alone, so
    /// that a file which is being edited is in nobody's way.
    ///
    /// # Errors
    /// It is wrong, and nothing runs there.
    pub fn find(named: Option<PathBuf>, demo: bool) -> Result<Self, SupervisorError> {
        Self::read(named.clone(), demo).or_else(|wrong| {
            let source = Source::find(named);
            let text = source.read().unwrap_or_default();
            let settings = Settings { paths: trawl_settings::paths(&text, env::vars()), ..Settings::default() };
            let found = Self::with(source, text, settings, demo)?;
            if found.runtime_dir()?.is_held() { Ok(found) } else { Err(wrong) }
        })
    }

    fn with(source: Source, text: String, mut settings: Settings, demo: bool) -> Result<Self, SupervisorError> {
        let invocation = Invocation::new(source.named.as_deref(), demo);
        let environment = if demo { demo::adapt(&mut settings)? } else { BTreeMap::new() };
        Ok(Self { settings, environment, demo, invocation, source, text })
    }

    /// Reads it once more.
    ///
    /// # Errors
    /// It is wrong now.
    pub fn read_again(&self) -> Result<Self, SupervisorError> {
        let (source, text) = (self.source.clone(), self.source.read()?);
        let settings = parse(source.path(), &text, env::vars())?;
        Self::with(source, text, settings, self.demo)
    }

    /// Keeps the text as it was accepted, for children to read: a file that is being edited is nobody's configuration
    /// until it is read again.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn accept(&self, dir: &RuntimeDir) -> Result<(), SupervisorError> {
        let (path, unfinished) = (dir.accepted(), dir.accepted().with_extension("unfinished"));
        let written = || -> io::Result<()> {
            // A killed supervisor may have left one.
            fs::remove_file(&unfinished).ok();
            let mut file = File::options().write(true).create_new(true).mode(0o600).open(&unfinished)?;
            file.write_all(self.text.as_bytes())?;
            fs::rename(&unfinished, &path)
        };
        written().map_err(doing("keep a copy of the configuration"))
    }

    /// What children of a supervisor in `dir` are told.
    #[must_use]
    pub fn environment(&self, dir: &RuntimeDir) -> BTreeMap<String, OsString> {
        let mut environment = self.environment.clone();
        environment.insert(CONFIG_ENV.to_owned(), dir.accepted().into_os_string());
        environment
    }

    /// What a program that runs beside a supervisor, or without one, is told.
    #[must_use]
    pub fn environment_alone(&self) -> BTreeMap<String, OsString> {
        let mut environment = self.environment.clone();
        environment.extend(self.source.file.iter().map(|file| (CONFIG_ENV.to_owned(), file.clone().into_os_string())));
        environment
    }

    /// How this system is spoken to.
    #[must_use]
    pub const fn invocation(&self) -> &Invocation {
        &self.invocation
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
        let (settings, file) = (&self.settings, &self.source.file);
        let file =
            file.as_ref().map_or_else(|| "no file, so the defaults".to_owned(), |file| file.display().to_string());
        let database = if settings.database_url().starts_with("sqlite:") { "SQLite" } else { "PostgreSQL" };
        let (crawlers, jobs) = (settings.crawler.instances, settings.crawler.max_jobs);
        format!("{file}; website on {}, {crawlers} × crawler with {jobs} jobs each, {database}", settings.server.url())
    }
}
