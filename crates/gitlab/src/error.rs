use std::time::Duration;

/// Why a request failed, sorted by what a caller has to do about it.
///
/// Each message completes "failed to …" and never holds the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The base URL cannot be used.
    #[error("use the address of the instance: {0}")]
    InvalidEndpoint(String),
    /// The token is unknown, expired or revoked: a new one is needed.
    #[error("sign in: GitLab does not accept the token")]
    Unauthorized,
    /// The token is good but may not do this: scope, role or network rules.
    #[error("read this: GitLab forbids it to the token")]
    Forbidden,
    /// It is gone, or hidden from the token's owner; GitLab does not tell which.
    #[error("find it: it does not exist or the token may not see it")]
    NotFound,
    /// Too many requests. Wait, then go on.
    #[error("go on: GitLab asks to send fewer requests")]
    RateLimited {
        /// How long to wait, where GitLab said so.
        retry_after: Option<Duration>,
    },
    /// No connection came about: name, network, TLS.
    #[error("reach GitLab: {reason}")]
    Unreachable {
        /// The cause in words.
        reason: String,
    },
    /// The answer did not come in time. A smaller page may help.
    #[error("get an answer from GitLab in time")]
    Timeout,
    /// The server is in trouble, or something between us and it answers in its place.
    #[error("get a usable answer from GitLab (status {status}): {reason}")]
    Server {
        /// HTTP status; 200 when the body was not what it should be.
        status: u16,
        /// What was wrong, in words.
        reason: String,
    },
    /// The answer is larger than [`Options::max_response_bytes`](crate::Options::max_response_bytes).
    #[error("read the answer: it is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit_bytes: usize,
    },
    /// The instance sends us elsewhere; we do not carry the token there.
    #[error("stay on the instance: it redirects to {location}, use its final address")]
    Redirected {
        /// Origin (scheme, host, port) that it points to.
        location: String,
    },
    /// The query costs more than this instance allows. A smaller page helps.
    #[error("run the query: {message}")]
    TooComplex {
        /// What GitLab said.
        message: String,
    },
    /// GitLab refused the query, or answered only a part of it.
    #[error("run the query: {}", messages.join("; "))]
    Query {
        /// What GitLab said.
        messages: Vec<String>,
        /// Whether the same query may succeed later.
        transient: bool,
    },
}

impl Error {
    /// Whether the same request may succeed later without anybody doing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::RateLimited { .. } | Self::Unreachable { .. } | Self::Timeout | Self::Server { .. } => true,
            Self::Query { transient, .. } => *transient,
            Self::InvalidEndpoint(_)
            | Self::Unauthorized
            | Self::Forbidden
            | Self::NotFound
            | Self::TooLarge { .. }
            | Self::Redirected { .. }
            | Self::TooComplex { .. } => false,
        }
    }

    /// How long GitLab asks to wait, where it does.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after } => *retry_after,
            _ => None,
        }
    }

    /// Whether asking for fewer items may succeed where this failed.
    #[must_use]
    pub fn wants_smaller_page(&self) -> bool {
        match self {
            Self::Timeout | Self::Server { .. } | Self::TooLarge { .. } | Self::TooComplex { .. } => true,
            Self::Query { transient, .. } => *transient,
            _ => false,
        }
    }
}
