//! Faults on demand: rules that say which requests go wrong, how often and how.

use std::{path::Path, time::Duration};

use serde::{Deserialize, Serialize};

use crate::forge::dice::Dice;

/// How an answer goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Fault {
    /// 429; with `Retry-After` when `retry_after_s` is given.
    #[serde(rename = "429")]
    TooMany {
        /// Seconds to wait, as sent in the header.
        #[serde(default)]
        retry_after_s: Option<u64>,
    },
    /// 502 with an empty body.
    #[serde(rename = "502")]
    BadGateway,
    /// An HTML page where JSON should be.
    Html {
        /// HTTP status, 200 if not given.
        #[serde(default = "ok")]
        status: u16,
    },
    /// Holds the answer, then drops the connection.
    Timeout {
        /// For how long, in seconds.
        #[serde(default = "thirty")]
        seconds: u64,
    },
    /// Sends half of the body, then drops the connection.
    Truncate,
    /// Answers a GraphQL request with `errors`, and data with holes in it.
    GraphqlError,
    /// 401, as for a token that has expired.
    Unauthorized,
}

fn ok() -> u16 {
    200
}

fn thirty() -> u64 {
    30
}

/// A fault and when it happens. The first rule that fits a request and comes up is used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Beginning of the request's path; empty: any.
    #[serde(default)]
    pub path: String,
    /// Something that the request's body has to contain, such as the name of an operation.
    #[serde(default)]
    pub body: Option<String>,
    /// How often it comes up, from 0 to 1.
    #[serde(default = "always")]
    pub rate: f64,
    /// How many times in all; without it, without end.
    #[serde(default)]
    pub times: Option<u32>,
    /// What happens.
    #[serde(flatten)]
    pub fault: Fault,
}

fn always() -> f64 {
    1.0
}

impl Rule {
    /// This fault for the next `times` requests whose path begins with `path`.
    #[must_use]
    pub fn times(path: &str, times: u32, fault: Fault) -> Self {
        Self { path: path.to_owned(), body: None, rate: 1.0, times: Some(times), fault }
    }
}

/// Why rules could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// The file could not be opened.
    #[error("read the fault rules")]
    Read(#[from] std::io::Error),
    /// Not a JSON list of rules.
    #[error("understand the fault rules (JSON)")]
    Json(#[from] serde_json::Error),
    /// Not a TOML file of `[[fault]]` tables.
    #[error("understand the fault rules (TOML)")]
    Toml(#[from] toml::de::Error),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    fault: Vec<Rule>,
}

/// Reads rules from a `.json` file (a list) or a TOML file (`[[fault]]` tables).
pub fn read_rules(path: &Path) -> Result<Vec<Rule>, RulesError> {
    let text = std::fs::read_to_string(path)?;
    if path.extension().is_some_and(|ext| ext == "json") {
        Ok(serde_json::from_str(&text)?)
    } else {
        Ok(toml::from_str::<File>(&text)?.fault)
    }
}

/// The rules in force, and the chance that applies them.
#[derive(Debug)]
pub(crate) struct FaultBook {
    rules: Vec<Rule>,
    dice: Dice,
}

impl FaultBook {
    pub(crate) fn new(rules: Vec<Rule>, seed: u64) -> Self {
        Self { rules, dice: Dice::new(seed ^ 0x6661_756c) }
    }

    pub(crate) fn replace(&mut self, rules: Vec<Rule>) {
        self.rules = rules;
    }

    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The fault for this request, if any; it is then used up by one.
    pub(crate) fn choose(&mut self, path: &str, body: &[u8]) -> Option<Fault> {
        for rule in &mut self.rules {
            let fits = path.starts_with(&rule.path)
                && rule.times != Some(0)
                && rule.body.as_ref().is_none_or(|part| contains(body, part.as_bytes()));
            if fits && self.dice.chance(rule.rate) {
                if let Some(times) = &mut rule.times {
                    *times -= 1;
                }
                return Some(rule.fault.clone());
            }
        }
        None
    }
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    part.is_empty() || body.windows(part.len()).any(|window| window == part)
}

impl Fault {
    /// How long the answer is held.
    pub(crate) fn hold(&self) -> Option<Duration> {
        match self {
            Self::Timeout { seconds } => Some(Duration::from_secs(*seconds)),
            _ => None,
        }
    }
}
