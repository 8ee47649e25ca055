//! The closed list of job kinds. A kind's options are a plain serde struct; what they mean for dedupe and priority
//! stands here, what they do stands in the crawler, one file a kind.

use crate::{AccountId, AreaId};
use serde::{Deserialize, Serialize};

/// What a job is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// An account as such.
    Account(AccountId),
    /// An area, whichever account reads it.
    Area(AreaId),
}

/// Finds the groups and projects that an account can reach.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationScope {}

/// Reads a group's details and what hangs below it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {}

/// Reads a project's details.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Project {}

/// Reads a project's issues with their notes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issues {
    /// Read everything again instead of what changed since the last pass.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub full: bool,
}

/// Reads a project's merge requests with their notes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MergeRequests {
    /// Read everything again instead of what changed since the last pass.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub full: bool,
}

macro_rules! kinds {
    ($($variant:ident = $name:literal, priority $priority:literal;)*) => {
        /// A job's kind together with its options.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum JobSpec {
            $(#[doc = concat!("`", $name, "`")] $variant($variant),)*
        }

        impl JobSpec {
            /// Every kind's name, in the order of their priority.
            pub const KINDS: &[&str] = &[$($name),*];

            /// The name that is stored, sent and shown.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name),* }
            }

            /// Priority where nobody asks for another one; higher runs first.
            #[must_use]
            pub const fn default_priority(&self) -> i32 {
                match self { $(Self::$variant(_) => $priority),* }
            }

            /// The options as JSON.
            #[must_use]
            pub fn payload(&self) -> String {
                match self { $(Self::$variant(options) => serde_json::to_string(options)),* }
                    .expect("plain structs of plain fields always serialize")
            }

            /// Reads a kind and its options back.
            ///
            /// # Errors
            /// [`UnknownKind`] says which of the two is not understood.
            pub fn parse(kind: &str, payload: &str) -> Result<Self, UnknownKind> {
                let bad = |source| UnknownKind::Options { kind: kind.to_owned(), source };
                match kind {
                    $($name => serde_json::from_str(payload).map(Self::$variant).map_err(bad),)*
                    other => Err(UnknownKind::Kind(other.to_owned())),
                }
            }
        }
    };
}

kinds! {
    AuthorizationScope = "authorization_scope", priority 100;
    Group = "group", priority 80;
    Project = "project", priority 80;
    Issues = "issues", priority 60;
    MergeRequests = "merge_requests", priority 60;
}

impl JobSpec {
    /// The key of which at most one live job exists. It names the subject and never the account that happens to
    /// read it, so that two people's accounts share one job for a shared project.
    #[must_use]
    pub fn dedupe_key(&self, subject: Subject) -> String {
        match subject {
            Subject::Account(account) => format!("{}:account:{account}", self.kind()),
            Subject::Area(area) => format!("{}:area:{area}", self.kind()),
        }
    }
}

/// A kind or its options that this build does not know.
#[derive(Debug, thiserror::Error)]
pub enum UnknownKind {
    /// No such kind.
    #[error("unknown job kind {0:?}; known are {known}", known = JobSpec::KINDS.join(", "))]
    Kind(String),
    /// The kind exists, its options do not fit.
    #[error("bad options for a job of kind {kind}: {source}")]
    Options {
        /// The kind.
        kind: String,
        /// What is wrong with them.
        source: serde_json::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back() {
        for kind in JobSpec::KINDS {
            let spec = JobSpec::parse(kind, "{}").unwrap();
            assert_eq!(spec.kind(), *kind);
            assert_eq!(JobSpec::parse(kind, &spec.payload()).unwrap(), spec);
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let unknown = JobSpec::parse("frobnicate", "{}").unwrap_err().to_string();
        assert!(unknown.starts_with("unknown job kind \"frobnicate\"; known are authorization_scope, "), "{unknown}");
        let bad = JobSpec::parse("issues", r#"{"fulll":true}"#).unwrap_err().to_string();
        assert!(bad.contains("issues") && bad.contains("fulll"), "{bad}");
    }

    #[test]
    fn the_key_names_the_subject_alone() {
        let spec = JobSpec::Issues(Issues { full: true });
        assert_eq!(spec.dedupe_key(Subject::Area(AreaId(7))), "issues:area:7");
    }
}
