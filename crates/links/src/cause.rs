use reqwest::StatusCode;

use crate::{Refusal, Unfit, Verdict};

/// Why a link is not alive, in words that a person understands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The server's own answer.
    #[error("the server answers {}", status_words(*.0))]
    Status(u16),
    /// The page is there, the place on it is not.
    #[error("the page has no place named {0:?}")]
    MissingFragment(String),
    /// The name does not exist.
    #[error("there is no host named {host}")]
    NoSuchHost {
        /// The name.
        host: String,
    },
    /// The name could not be looked up.
    #[error("the name {host} cannot be looked up now: {reason}")]
    Lookup {
        /// The name.
        host: String,
        /// What the resolver said.
        reason: String,
    },
    /// No answer in time.
    #[error("no answer came within {timeout_ms} ms")]
    Timeout {
        /// How long we waited, in milliseconds.
        timeout_ms: u64,
    },
    /// No connection came about.
    #[error("the host cannot be reached: {0}")]
    Unreachable(String),
    /// The other side ended the connection in the middle.
    #[error("the connection broke off: {0}")]
    Closed(String),
    /// No trustworthy encrypted connection.
    #[error("no secure connection: {0}")]
    Tls(String),
    /// Sent on without end.
    #[error("it is redirected more than {limit} times")]
    TooManyRedirects {
        /// How many redirects were followed.
        limit: usize,
    },
    /// Sent on to something that is no address.
    #[error("it is redirected to something that is no address: {0}")]
    BadRedirect(String),
    /// Our own rules forbid the request.
    #[error("not asked: {0}")]
    Refused(Refusal),
    /// The host asks for a longer pause than we make.
    #[error("the host asks to be left alone for {} s", wait_ms.div_ceil(1000))]
    Busy {
        /// How long, in milliseconds.
        wait_ms: u64,
    },
    /// The scan leaves it out.
    #[error("the scan excludes it")]
    Excluded,
    /// It is no address.
    #[error("{0}")]
    Unfit(Unfit),
}

impl Cause {
    /// The verdict that follows.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Status(404 | 410) | Self::MissingFragment(_) | Self::NoSuchHost { .. } => Verdict::Dead,
            Self::Status(401 | 403 | 407) => Verdict::Protected,
            Self::Excluded | Self::Unfit(Unfit::Scheme(_)) => Verdict::Skipped,
            _ => Verdict::Error,
        }
    }

    /// Whether it is a sign of trouble that may pass, as against a clear answer.
    pub(crate) fn is_trouble(&self) -> bool {
        !matches!(self, Self::Status(status) if *status < 500 && *status != 429)
    }

    /// How often something that failed for this reason is asked in all, where `attempts` is the most; death aside.
    pub(crate) fn looks(&self, attempts: u32) -> u32 {
        match self {
            Self::Status(429 | 408 | 425 | 500 | 502..=599) | Self::Closed(_) | Self::Lookup { .. } => attempts,
            // A silent host is not waited for for ever.
            Self::Timeout { .. } | Self::Unreachable(_) => attempts.min(2),
            _ => 1,
        }
    }
}

fn status_words(status: u16) -> String {
    let words = StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    words.map_or_else(|| status.to_string(), |words| format!("{status} {}", words.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_their_verdicts() {
        for (status, verdict) in [
            (404, Verdict::Dead),
            (410, Verdict::Dead),
            (401, Verdict::Protected),
            (403, Verdict::Protected),
            (407, Verdict::Protected),
            (429, Verdict::Error),
            (503, Verdict::Error),
            (418, Verdict::Error),
            (304, Verdict::Error),
        ] {
            assert_eq!(Cause::Status(status).verdict(), verdict, "{status}");
        }
        assert_eq!(Cause::Status(404).to_string(), "the server answers 404 not found");
        assert_eq!(Cause::Status(599).to_string(), "the server answers 599");
    }

    #[test]
    fn what_may_pass_is_tried_often() {
        assert_eq!(Cause::Unreachable(String::new()).looks(5), 2);
        assert!(!Cause::Status(404).is_trouble() && Cause::Status(429).is_trouble());
        assert_eq!(Cause::Closed(String::new()).looks(5), 5);
        assert_eq!(Cause::Status(501).looks(5), 1);
        assert_eq!(Cause::Refused(Refusal::NoHost).looks(5), 1);
    }
}
