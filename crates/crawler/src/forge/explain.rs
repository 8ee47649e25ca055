//! GitLab's refusals as sentences that a person understands, sorted by what the job manager does about them.

use std::time::Duration;
use trawl_gitlab::Error;
use trawl_jobs::{ErrorClass, JobError, text::clip};

/// Longest quotation of what GitLab said, in bytes.
const QUOTED: usize = 500;

/// Why `what`, such as "the issues of acme/hammer", could not be read.
pub(crate) fn explain(error: &Error, what: &str) -> JobError {
    let because = |class, text: String| JobError::new(class, format!("cannot read {what}: {text}"));
    match error {
        Error::Unauthorized => because(
            ErrorClass::Credentials,
            "GitLab does not accept the token; give the account a new one, and the job goes on by itself".to_owned(),
        ),
        Error::RateLimited { retry_after } => JobError {
            retry_after_ms: retry_after.map(milliseconds),
            ..because(ErrorClass::RateLimited, "GitLab asks to send fewer requests; the job goes on later".to_owned())
        },
        Error::Forbidden => because(
            ErrorClass::Permanent,
            "GitLab forbids it to the token; use a token with the scope read_api, or ask an owner for access"
                .to_owned(),
        ),
        Error::NotFound => JobError::permanent(gone(what)),
        Error::InvalidEndpoint(why) => because(
            ErrorClass::Permanent,
            format!("the instance's address cannot be used ({why}); link the account again with the right one"),
        ),
        Error::Redirected { location } => because(
            ErrorClass::Permanent,
            format!("the instance sends us to {location}; link the account again with that address"),
        ),
        Error::TooLarge { limit_bytes } => because(
            ErrorClass::Permanent,
            format!("a single object is larger than {limit_bytes} bytes; make it smaller in GitLab"),
        ),
        Error::TooComplex { message } => because(
            ErrorClass::Permanent,
            format!(
                "this GitLab allows only smaller queries than Trawl can make ({}); ask its administrator for the usual limit",
                clip(message, QUOTED)
            ),
        ),
        Error::Query { messages, transient: false } => because(
            ErrorClass::Permanent,
            format!(
                "GitLab does not understand the query ({}); it may be older than what Trawl supports, see the documentation",
                clip(&messages.join("; "), QUOTED)
            ),
        ),
        Error::Query { messages, transient: true } => because(
            ErrorClass::Transient,
            format!("GitLab could not run the query ({}); it is tried again", clip(&messages.join("; "), QUOTED)),
        ),
        Error::Unreachable { .. } | Error::Timeout | Error::Server { .. } => {
            because(ErrorClass::Transient, format!("{}; it is tried again", happened(error)))
        }
    }
}

/// What was there and is no more, or never was for this account.
pub(super) fn gone(what: &str) -> String {
    format!(
        "GitLab no longer shows {what} to this account: removed, renamed, or access was taken away; ask an owner for \
         access, or leave it: Trawl looks again by itself"
    )
}

/// What went wrong with one request, as the beginning of a sentence.
pub(super) fn happened(error: &Error) -> String {
    match error {
        Error::Server { status, .. } if *status >= 400 => format!("GitLab answered {status}"),
        Error::Server { reason, .. } => format!("GitLab's answer cannot be used ({})", clip(reason, QUOTED)),
        Error::Timeout => "GitLab did not answer in time".to_owned(),
        Error::Unreachable { reason } => format!("GitLab cannot be reached ({})", clip(reason, QUOTED)),
        Error::RateLimited { .. } => "GitLab asks to send fewer requests".to_owned(),
        Error::TooLarge { limit_bytes } => format!("GitLab's answer is larger than {limit_bytes} bytes"),
        Error::TooComplex { .. } => "GitLab finds the query too expensive".to_owned(),
        Error::Query { messages, .. } => {
            format!("GitLab answered with an error ({})", clip(&messages.join("; "), QUOTED))
        }
        other => format!("failed to {other}"),
    }
}

fn milliseconds(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_its_class_and_says_what_to_do() {
        let of = |error: &Error| explain(error, "the issues of acme/hammer");
        let limited = of(&Error::RateLimited { retry_after: Some(Duration::from_mins(20)) });
        assert_eq!((limited.class, limited.retry_after_ms), (ErrorClass::RateLimited, Some(1_200_000)));
        assert_eq!(of(&Error::Unauthorized).class, ErrorClass::Credentials);
        assert_eq!(of(&Error::Timeout).class, ErrorClass::Transient);
        let server = Error::Server { status: 502, reason: "it reports trouble".to_owned() };
        assert_eq!(
            of(&server).message,
            "cannot read the issues of acme/hammer: GitLab answered 502; it is tried again"
        );
        assert_eq!(of(&Error::Query { messages: vec![], transient: true }).class, ErrorClass::Transient);
        for permanent in [
            Error::Forbidden,
            Error::NotFound,
            Error::InvalidEndpoint("x".to_owned()),
            Error::Redirected { location: "https://b.example.com".to_owned() },
            Error::TooLarge { limit_bytes: 5 },
            Error::TooComplex { message: "x".to_owned() },
            Error::Query { messages: vec!["x".to_owned()], transient: false },
        ] {
            let error = of(&permanent);
            assert_eq!(error.class, ErrorClass::Permanent);
            assert!(error.message.contains("acme/hammer") && error.message.contains("; "), "{error}");
        }
    }
}
