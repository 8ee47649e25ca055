//! Identities. Newtypes, so that a user can never be taken for an account.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// Identity of a job: a `UUIDv7`, so that ids sort by the time of submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(Uuid);

impl JobId {
    /// A new id, later than all earlier ones of this process.
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// When it was made, to the millisecond.
    #[must_use]
    pub fn submitted_at(self) -> Option<DateTime<Utc>> {
        let (seconds, nanoseconds) = self.0.get_timestamp()?.to_unix();
        DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanoseconds)
    }
}

impl Default for JobId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for JobId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

macro_rules! row_id {
    ($(#[$doc:meta] $name:ident),* $(,)?) => {$(
        #[$doc]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

row_id! {
    /// A person who signs in to Trawl.
    UserId,
    /// A GitLab account that a user has linked.
    AccountId,
    /// A GitLab instance, by its base URL.
    InstanceId,
    /// A group or project that is mirrored.
    AreaId,
}

/// The right to write about a job: its id and the attempt that holds it. Every write of a worker names it, and is
/// refused once another attempt has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Lease {
    /// Which job.
    pub job: JobId,
    /// Which claim of it, counted from 1 over the job's whole life. A claim that is handed back counts here,
    /// though not against `max_attempts`.
    pub token: i64,
}

impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}#{}", self.job, self.token)
    }
}
