//! The sentence that tells a person where to go.

use crate::runtime_dir::RuntimeDir;
use nix::unistd::gethostname;
use std::net::SocketAddr;

/// Where people begin: the link of the first visit while there is one, else the website.
#[must_use]
pub(crate) fn invitation(dir: &RuntimeDir, url: &str) -> String {
    let first_visit = std::fs::read_to_string(dir.first_visit()).unwrap_or_default();
    match first_visit.trim() {
        "" => format!("Trawl is ready:  {url}"),
        link => format!("Trawl is ready. Open this link to begin:  {}", typeable(link)),
    }
}

/// The same URL as people can type it: the address that means all of this machine's means nothing elsewhere.
#[must_use]
pub(crate) fn typeable(url: &str) -> String {
    let host = gethostname().ok().and_then(|name| name.into_string().ok()).filter(|name| !name.is_empty());
    on_host(url, host.as_deref())
}

fn on_host(url: &str, host: Option<&str>) -> String {
    let Some((rest, host)) = url.strip_prefix("http://").zip(host) else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match authority.parse::<SocketAddr>() {
        Ok(address) if address.ip().is_unspecified() => format!("http://{host}:{}{path}", address.port()),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_is_shown_as_the_name_of_the_machine() {
        let shown = |url| on_host(url, Some("mirror"));
        assert_eq!(shown("http://0.0.0.0:8080/welcome/x"), "http://mirror:8080/welcome/x");
        assert_eq!(shown("http://[::]:8080"), "http://mirror:8080");
        for url in ["http://127.0.0.1:8080", "https://trawl.example/x", "http://trawl.example/0.0.0.0:1"] {
            assert_eq!(shown(url), url);
        }
    }

    #[test]
    fn the_first_visit_comes_first() {
        let temporary = tempfile::tempdir().unwrap();
        let dir = RuntimeDir::new(temporary.path()).unwrap();
        assert_eq!(invitation(&dir, "http://x.example"), "Trawl is ready:  http://x.example");
        std::fs::write(dir.first_visit(), "http://x.example/welcome/1\n").unwrap();
        assert!(invitation(&dir, "http://x.example").ends_with("Open this link to begin:  http://x.example/welcome/1"));
    }
}
