//! What follows from a configuration that has changed while everything runs. Pure.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use toml::{Table, Value};
use trawl_settings::Settings;

/// What a changed key takes effect with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Takes {
    /// At once.
    Effect,
    /// A new life of the website.
    Website,
    /// New lives of the crawlers.
    Crawlers,
    /// New lives of both.
    Both,
    /// A new supervisor.
    Supervisor,
}

impl Takes {
    /// What the command line has to say for it, where something is left to do.
    #[must_use]
    pub const fn command(self) -> Option<&'static str> {
        match self {
            Self::Effect => None,
            Self::Website => Some("restart website"),
            Self::Crawlers => Some("restart crawler"),
            Self::Both => Some("restart"),
            Self::Supervisor => Some("stop, and then start"),
        }
    }

    /// What a key needs.
    fn of(section: &str, key: &str) -> Self {
        match (section, key) {
            ("supervisor", _) | ("crawler", "instances" | "accept_external") => Self::Effect,
            ("server", "public_url") | ("database" | "privacy" | "retention", _) => Self::Website,
            ("crawler", _) => Self::Crawlers,
            ("pipeline" | "forge" | "links", _) => Self::Both,
            _ => Self::Supervisor,
        }
    }
}

/// A key with another value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// `section.key`.
    pub key: String,
    /// Before; none: not set.
    pub from: Option<String>,
    /// Now.
    pub to: Option<String>,
    /// What it needs to have an effect.
    pub takes: Takes,
}

/// All that has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reloaded {
    /// By key.
    pub changed: Vec<Changed>,
}

impl Reloaded {
    /// The difference between what was accepted before and now.
    #[must_use]
    pub fn between(before: &Settings, now: &Settings) -> Self {
        let (before, now) = (flat(before), flat(now));
        let keys: BTreeSet<_> = before.keys().chain(now.keys()).collect();
        let changed = keys.into_iter().filter(|key| before.get(*key) != now.get(*key)).map(|key| {
            let (section, name) = key.split_once('.').unwrap_or((key, ""));
            // Its address may hold a password.
            let shown = |value: &Value| if key == "database.url" { "…".to_owned() } else { value.to_string() };
            Changed {
                key: key.clone(),
                from: before.get(key).map(shown),
                to: now.get(key).map(shown),
                takes: Takes::of(section, name),
            }
        });
        Self { changed: changed.collect() }
    }

    /// For people, a sentence for each thing that there is to do; `command` completes a command line.
    #[must_use]
    pub fn sentences(&self, command: impl Fn(&str) -> String) -> Vec<String> {
        if self.changed.is_empty() {
            return vec!["nothing has changed".to_owned()];
        }
        let mut by_effect: BTreeMap<Takes, Vec<String>> = BTreeMap::new();
        for Changed { key, from, to, takes } in &self.changed {
            let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "unset".to_owned());
            by_effect.entry(*takes).or_default().push(format!("{key} ({} → {})", value(from), value(to)));
        }
        let sentence = |(takes, keys): (Takes, Vec<String>)| match takes.command() {
            None => format!("in effect now: {}", keys.join(", ")),
            Some(needed) => format!("in effect after `{}`: {}", command(needed), keys.join(", ")),
        };
        by_effect.into_iter().map(sentence).collect()
    }
}

/// By `section.key`.
fn flat(settings: &Settings) -> BTreeMap<String, Value> {
    let tree = Table::try_from(settings).unwrap_or_default();
    let section = |(section, keys): (String, Value)| {
        let Value::Table(keys) = keys else { return Vec::new() };
        keys.into_iter().map(|(key, value)| (format!("{section}.{key}"), value)).collect()
    };
    tree.into_iter().flat_map(section).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_says_what_it_needs() {
        let before = Settings::default();
        let mut now = before.clone();
        assert_eq!(Reloaded::between(&before, &now).sentences(str::to_owned), ["nothing has changed"]);
        now.crawler.instances = 3;
        now.forge.full_seconds = 5;
        now.database.url = Some("postgres://u:secret@h/d".to_owned());
        now.server.listen = "127.0.0.1:1".parse().unwrap();
        let said = Reloaded::between(&before, &now).sentences(|command| format!("supervisor {command}"));
        assert_eq!(
            said,
            [
                "in effect now: crawler.instances (1 → 3)",
                "in effect after `supervisor restart website`: database.url (unset → …)",
                "in effect after `supervisor restart`: forge.full_seconds (172800 → 5)",
                "in effect after `supervisor stop, and then start`: server.listen (\"127.0.0.1:8080\" → \"127.0.0.1:1\")",
            ]
        );
    }
}
