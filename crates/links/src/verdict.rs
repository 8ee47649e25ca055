use std::fmt;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{Cause, Rejected};

/// What is to be said of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It leads somewhere.
    Alive,
    /// It leads nowhere, and did so at a second look.
    Dead,
    /// It cannot be told; the cause says why.
    Error,
    /// It lives behind a door.
    Protected,
    /// Nobody asked.
    Skipped,
}

impl Verdict {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Dead => "dead",
            Self::Error => "error",
            Self::Protected => "protected",
            Self::Skipped => "skipped",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where a link was sent on to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// The last address.
    pub to: Url,
    /// Every step was permanent: the link may be changed to it.
    pub permanent: bool,
    /// How many steps there were.
    pub steps: usize,
}

/// The verdict on one link, with what led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What is to be said.
    pub verdict: Verdict,
    /// Why; none if it is alive.
    pub cause: Option<Cause>,
    /// HTTP status of the last answer, if one came.
    pub status: Option<u16>,
    /// Where it was sent on to, if it was.
    pub redirect: Option<Redirect>,
}

impl Check {
    /// Alive.
    #[must_use]
    pub fn alive(status: u16, redirect: Option<Redirect>) -> Self {
        Self { verdict: Verdict::Alive, cause: None, status: Some(status), redirect }
    }

    /// What follows from `cause`.
    #[must_use]
    pub fn because(cause: Cause) -> Self {
        let status = if let Cause::Status(status) = cause { Some(status) } else { None };
        Self { verdict: cause.verdict(), cause: Some(cause), status, redirect: None }
    }

    /// What is said of a link that a scan excludes.
    #[must_use]
    pub fn excluded() -> Self {
        Self::because(Cause::Excluded)
    }
}

/// What is said of something that is no address: nobody asks.
impl From<&Rejected> for Check {
    fn from(rejected: &Rejected) -> Self {
        Self::because(Cause::Unfit(rejected.reason.clone()))
    }
}
