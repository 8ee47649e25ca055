/// Why a checker or a scan cannot begin. Each message completes "failed to …".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The HTTP client cannot be built.
    #[error("prepare the HTTP client: {0}")]
    Client(String),
    /// The start of a scan is no address that can be fetched.
    #[error("start at {url}: {reason}")]
    Start {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A pattern of `include` or `exclude` cannot be used.
    #[error("read the pattern {pattern:?}: {reason}")]
    Pattern {
        /// What was given.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A saved frontier is not one, or belongs to another version.
    #[error("read the saved frontier: {0}")]
    State(String),
    /// The links of a page were handed in before those of an earlier one.
    #[error("take the links of page {got}: those of page {expected} come first")]
    OutOfOrder {
        /// Whose links are due.
        expected: u32,
        /// Whose links came.
        got: u32,
    },
}
