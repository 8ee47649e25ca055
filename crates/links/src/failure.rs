//! What a failed request means.

use std::error::Error;
use std::io::{self, ErrorKind};

use rustls::{AlertDescription, CertificateError};

use crate::Cause;

/// Errors wrap each other a few times, never this often.
const DEPTH: usize = 16;

/// The cause behind an error of the HTTP client. `timeout_ms` is the one that it was given.
pub(crate) fn cause_of(error: &reqwest::Error, timeout_ms: u64) -> Cause {
    let found = search(error, timeout_ms, 0);
    if error.is_connect() && (error.is_timeout() || matches!(found, Some(Cause::Timeout { .. }))) {
        Cause::Unreachable("no connection came about in time".to_owned())
    } else if let Some(cause) = found {
        cause
    } else if error.is_timeout() {
        Cause::Timeout { timeout_ms }
    } else if error.is_connect() {
        Cause::Unreachable(innermost(error))
    } else {
        // An answer that makes no sense is asked for again as well: the next one may be whole.
        Cause::Closed(innermost(error))
    }
}

/// Walks down to the first error that says something by its type.
fn search(error: &(dyn Error + 'static), timeout_ms: u64, depth: usize) -> Option<Cause> {
    if depth > DEPTH {
        return None;
    }
    if let Some(cause) = error.downcast_ref::<Cause>() {
        return Some(cause.clone());
    }
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(Cause::Tls(tls_words(tls)));
    }
    if let Some(io) = error.downcast_ref::<io::Error>() {
        // The error inside of an I/O error is not its source, but that one's source is.
        let inner = io.get_ref().and_then(|inner| search(inner, timeout_ms, depth + 1));
        return inner.or_else(|| of_io(io, timeout_ms));
    }
    error.source().and_then(|source| search(source, timeout_ms, depth + 1))
}

fn of_io(error: &io::Error, timeout_ms: u64) -> Option<Cause> {
    Some(match error.kind() {
        ErrorKind::TimedOut => Cause::Timeout { timeout_ms },
        ErrorKind::ConnectionRefused => Cause::Unreachable("it refuses the connection".to_owned()),
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => {
            Cause::Unreachable("there is no way to its network".to_owned())
        }
        ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::BrokenPipe
        | ErrorKind::NotConnected
        | ErrorKind::UnexpectedEof => Cause::Closed("the other side closed it".to_owned()),
        _ => return None,
    })
}

fn tls_words(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(certificate) => certificate_words(certificate),
        rustls::Error::AlertReceived(AlertDescription::UnrecognisedName) => {
            "the server does not know the name".to_owned()
        }
        other => other.to_string(),
    }
}

fn certificate_words(error: &CertificateError) -> String {
    match error {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet".to_owned()
        }
        CertificateError::Revoked => "its certificate was revoked".to_owned(),
        CertificateError::UnknownIssuer => "its certificate is signed by nobody that is trusted here".to_owned(),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name".to_owned()
        }
        other => format!("its certificate is not good: {other}"),
    }
}

/// The innermost cause in words: the outer ones say only "error sending request".
fn innermost(error: &reqwest::Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        words = inner.to_string();
        source = inner.source();
    }
    crate::text::one_line(&words, 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_found_inside_of_io_errors() {
        let tls = rustls::Error::InvalidCertificate(CertificateError::Expired);
        let wrapped = io::Error::other(io::Error::new(ErrorKind::InvalidData, tls));
        assert_eq!(search(&wrapped, 1, 0), Some(Cause::Tls("its certificate has expired".to_owned())));
        let ours = io::Error::other(Cause::NoSuchHost { host: "x".to_owned() });
        assert_eq!(search(&ours, 1, 0), Some(Cause::NoSuchHost { host: "x".to_owned() }));
        let late = io::Error::from(ErrorKind::TimedOut);
        assert_eq!(search(&late, 7, 0), Some(Cause::Timeout { timeout_ms: 7 }));
        assert_eq!(search(&io::Error::other("x"), 7, 0), None);
    }
}
