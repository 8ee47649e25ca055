//! From a file and the environment to [`Settings`], with errors that say where.

use crate::{PathSettings, Settings};
use std::{
    env, io,
    path::{Path, PathBuf},
};
use toml::{Table, Value};

/// Names the configuration file for all processes.
pub const CONFIG_ENV: &str = "TRAWL_CONFIG";
/// Environment overrides look like `TRAWL_<SECTION>__<KEY>`.
const PREFIX: &str = "TRAWL_";
const DEFAULT_FILE: &str = "supervisor.toml";
/// Where a service has it.
const SERVICE_FILE: &str = "/etc/trawl/supervisor.toml";

/// Why there are no settings.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file is not what it should be.
    #[error("{path}: {message}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Line, column and what is wrong, in several lines.
        message: String,
    },
    /// An environment variable is not what it should be.
    #[error("environment variable {variable}: {message}")]
    Environment {
        /// Which variable.
        variable: String,
        /// What is wrong.
        message: String,
    },
    /// Keys that contradict each other.
    #[error("{}", .0.join("\n"))]
    Contradictions(Vec<String>),
}

/// The file to read: the one that is named, else the one that [`CONFIG_ENV`] names, else `supervisor.toml` here, else
/// that of the service on this machine; none: the defaults.
#[must_use]
pub fn find(named: Option<&Path>) -> Option<PathBuf> {
    let there = |path: &str| Some(PathBuf::from(path)).filter(|path| path.is_file());
    let named = named.map(Path::to_owned).or_else(|| env::var_os(CONFIG_ENV).map(PathBuf::from));
    named.or_else(|| there(DEFAULT_FILE)).or_else(|| there(SERVICE_FILE))
}

/// Reads the file that [`find`] finds; then the environment.
///
/// # Errors
/// See [`SettingsError`].
pub fn load(named: Option<&Path>) -> Result<Settings, SettingsError> {
    let found = find(named);
    let text = match &found {
        Some(path) => {
            std::fs::read_to_string(path).map_err(|source| SettingsError::Read { path: path.clone(), source })?
        }
        None => String::new(),
    };
    parse(found.as_deref().unwrap_or(Path::new(DEFAULT_FILE)), &text, env::vars())
}

/// Settings from the text of a file and a list of environment variables.
///
/// # Errors
/// See [`SettingsError`].
pub fn parse(
    path: &Path,
    text: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Settings, SettingsError> {
    let file_error =
        |error: &toml::de::Error| SettingsError::File { path: path.to_owned(), message: with_suggestion(error) };
    // Read as typed first: only that knows the lines. The overlay is then made on the same text as a tree.
    let mut settings: Settings = toml::from_str(text).map_err(|error| file_error(&error))?;
    let mut tree: Table = toml::from_str(text).map_err(|error| file_error(&error))?;
    for (variable, value) in environment {
        let Some((section, key)) = variable.strip_prefix(PREFIX).and_then(|rest| rest.split_once("__")) else {
            continue;
        };
        let (section, key) = (section.to_lowercase(), key.to_lowercase());
        let section = tree.entry(section).or_insert_with(|| Value::Table(Table::new()));
        let Value::Table(section) = section else { continue };
        let previous = section.insert(key.clone(), typed(&value));
        if let Err(first) = tree.clone().try_into::<Settings>() {
            // "8080" may be meant as text.
            if let Some(Value::Table(section)) = tree.get_mut(&variable_section(&variable)) {
                section.insert(key, Value::String(value));
            }
            if tree.clone().try_into::<Settings>().is_err() {
                drop(previous);
                return Err(SettingsError::Environment { variable, message: with_suggestion(&first) });
            }
        }
    }
    if let Ok(overlaid) = tree.try_into() {
        settings = overlaid;
    }
    match settings.contradictions() {
        found if found.is_empty() => Ok(settings),
        found => Err(SettingsError::Contradictions(found)),
    }
}

/// The directories alone, from a text that may be wrong in everything else: enough to find a system that runs.
#[must_use]
pub fn paths(text: &str, environment: impl IntoIterator<Item = (String, String)>) -> PathSettings {
    let mut tree = text.parse::<Table>().unwrap_or_default();
    tree.retain(|section, _| section == "paths");
    let tree = toml::to_string(&tree).unwrap_or_default();
    let paths = environment.into_iter().filter(|(variable, _)| variable.starts_with("TRAWL_PATHS__"));
    parse(Path::new(DEFAULT_FILE), &tree, paths).map(|settings| settings.paths).unwrap_or_default()
}

fn variable_section(variable: &str) -> String {
    let rest = variable.strip_prefix(PREFIX).unwrap_or(variable);
    rest.split_once("__").map_or(rest, |(section, _)| section).to_lowercase()
}

/// An environment variable's text as the TOML value that it looks like.
fn typed(text: &str) -> Value {
    match text.parse::<Value>() {
        Ok(value @ (Value::Integer(_) | Value::Boolean(_) | Value::Float(_) | Value::Array(_))) => value,
        _ => Value::String(text.to_owned()),
    }
}

/// The parser's message, with the key that was probably meant.
fn with_suggestion(error: &toml::de::Error) -> String {
    let text = error.to_string();
    let text = text.trim_end();
    let names: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
    let Some((wrong, known)) = names.split_first().filter(|_| text.contains("unknown field")) else {
        return text.to_owned();
    };
    let nearest = known.iter().map(|name| (strsim::damerau_levenshtein(wrong, name), name)).min();
    match nearest {
        Some((distance, name)) if distance <= 1 + wrong.len() / 3 => format!("{text}\ndid you mean `{name}`?"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, environment: &[(&str, &str)]) -> Result<Settings, String> {
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        parse(Path::new("supervisor.toml"), text, environment).map_err(|error| error.to_string())
    }

    #[test]
    fn the_shipped_file_shows_the_defaults() {
        let shipped = include_str!("../../../supervisor.toml");
        assert_eq!(parsed(shipped, &[]).unwrap(), Settings::default());
        // Each commented-out key is a real one, too.
        let all = shipped.lines().map(|line| match line.strip_prefix("# ") {
            Some(rest) if rest.split_once(" = ").is_some_and(|(key, _)| !key.contains(' ')) => rest,
            _ => line,
        });
        let mut seen = std::collections::HashSet::new();
        let once: Vec<_> = all.filter(|line| line.split_once(" = ").is_none_or(|(key, _)| seen.insert(key))).collect();
        parsed(&once.join("\n"), &[]).unwrap();
        let defaults = toml::Table::try_from(Settings::default()).unwrap();
        for (_, section) in defaults {
            for key in section.as_table().unwrap().keys() {
                assert!(seen.contains(key.as_str()), "{key} is not in supervisor.toml");
            }
        }
    }

    #[test]
    fn errors_say_where_and_what_was_meant() {
        let error = parsed("[server]\nlisten = \"127.0.0.1:1\"\n\n[pipeline]\nheart_beat_ms = 5\n", &[]).unwrap_err();
        assert!(error.contains("line 5") && error.contains("did you mean `heartbeat_ms`?"), "{error}");
        let error = parsed("[server]\nlisten = 5\n", &[]).unwrap_err();
        assert!(error.contains("line 2"), "{error}");
    }

    #[test]
    fn the_environment_has_the_last_word() {
        let settings = parsed(
            "[crawler]\ninstances = 2\n",
            &[("TRAWL_CRAWLER__INSTANCES", "7"), ("TRAWL_LOG__FILTER", "5"), ("TRAWL_CONFIG", "x")],
        );
        let settings = settings.unwrap();
        assert_eq!(settings.crawler.instances, 7);
        assert_eq!(settings.log.filter, "5");
    }

    #[test]
    fn a_bad_variable_is_named() {
        let error = parsed("", &[("TRAWL_CRAWLER__INSTANCE", "7")]).unwrap_err();
        assert!(error.contains("TRAWL_CRAWLER__INSTANCE") && error.contains("did you mean `instances`?"), "{error}");
        let error = parsed("", &[("TRAWL_CRAWLER__INSTANCES", "many")]).unwrap_err();
        assert!(error.contains("TRAWL_CRAWLER__INSTANCES"), "{error}");
    }

    #[test]
    fn directories_are_found_beside_what_is_wrong() {
        let variable = ("TRAWL_PATHS__RUNTIME".to_owned(), "/r".to_owned());
        let found = paths("[paths]\nstate = \"/s\"\n[crawler]\ninstance = 1\n", [variable]);
        assert_eq!((found.state, found.runtime), (Some("/s".into()), Some("/r".into())));
        assert_eq!(paths("[paths", []), PathSettings::default());
    }

    #[test]
    fn contradictions_are_found() {
        let error = parsed("[pipeline]\nmax_parallel_jobs = 2\npriority_lane_slots = 2\n", &[]).unwrap_err();
        assert!(error.contains("leaves no slot"), "{error}");
    }
}
