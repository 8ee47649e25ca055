//! Why an attempt ended without success.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// What a failure asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// Trying again cannot help: not found, refused, malformed.
    Permanent,
    /// The outside world hiccuped: tried again with backoff.
    Transient,
    /// The account's token is wrong, expired or revoked: the job waits for a new one.
    Credentials,
    /// Told to slow down for longer than a slot should be held: the job waits until then.
    RateLimited,
    /// The worker died. Counted apart from failures, so that a job that kills workers is found out.
    Crashed,
}

impl ErrorClass {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Permanent => "permanent",
            Self::Transient => "transient",
            Self::Credentials => "credentials",
            Self::RateLimited => "rate_limited",
            Self::Crashed => "crashed",
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ErrorClass {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Permanent, Self::Transient, Self::Credentials, Self::RateLimited, Self::Crashed]
            .into_iter()
            .find(|class| class.as_str() == text)
            .ok_or_else(|| format!("unknown error class {text:?}"))
    }
}

/// A failure as a job reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobError {
    /// What to do about it.
    pub class: ErrorClass,
    /// A sentence that a person understands, with the cause in words.
    pub message: String,
    /// How long to wait before another attempt, where the other side said so. Milliseconds.
    pub retry_after_ms: Option<u64>,
}

impl JobError {
    /// A failure of this class.
    pub fn new(class: ErrorClass, message: impl Into<String>) -> Self {
        Self { class, message: message.into(), retry_after_ms: None }
    }

    /// Trying again cannot help.
    pub fn permanent(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Permanent, message)
    }

    /// Trying again may help.
    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(ErrorClass::Transient, message)
    }
}

/// What errors of the same cause have in common: the words, with every word that has a digit in it as `#`, so that an id, a
/// count or a time does not tell them apart.
#[must_use]
pub fn fingerprint(message: &str) -> String {
    let mut print = String::with_capacity(message.len());
    for piece in message.split_inclusive(|character: char| !character.is_alphanumeric()) {
        let word = piece.trim_end_matches(|character: char| !character.is_alphanumeric());
        let known = !word.contains(|character: char| character.is_ascii_digit());
        print.push_str(if known { word } else { "#" });
        print.push_str(&piece[word.len()..]);
    }
    print
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for JobError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_do_not_tell_errors_apart() {
        let one = fingerprint("GitLab answered 503 to request 17 (id 4f2a-9).");
        assert_eq!(one, fingerprint("GitLab answered 502 to request 4711 (id 99-1e)."));
        assert_eq!(one, "GitLab answered # to request # (id #-#).");
        assert_ne!(fingerprint("the token is refused"), fingerprint("the project is gone"));
        assert_eq!(fingerprint("größer als 3 €"), "größer als # €");
        assert_eq!(fingerprint(""), "");
    }
}
