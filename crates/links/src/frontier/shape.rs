//! How endless spaces of pages look.

use std::sync::LazyLock;

use regex::Regex;
use url::Url;

/// A segment that comes this often in one path means that relative links pile up.
const MAX_REPEATS: usize = 4;
/// Deeper paths are no pages that a person made.
const MAX_SEGMENTS: usize = 64;

/// A year and a month, with or without a day.
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(^|\D)(?:19|20|21)\d\d[-/_](?:0?[1-9]|1[0-2])(?:[-/_](?:0?[1-9]|[12]\d|3[01]))?(\D|$)")
        .expect("a constant expression that the tests use")
});

/// What pages that may be variants of each other have in common: the same path with any query, or the same path but
/// for a date. None for a page that has neither.
pub(super) fn shape(url: &Url) -> Option<String> {
    let path = DATE.replace(url.path(), "$1{date}$2");
    let is_dated = path != url.path();
    (is_dated || url.query().is_some()).then(|| format!("{}{path}", crate::normalize::host_and_port(url)))
}

/// Whether the path repeats itself.
pub(super) fn is_loop(url: &Url) -> bool {
    let Some(segments) = url.path_segments() else { return false };
    let mut segments = segments.filter(|segment| !segment.is_empty()).collect::<Vec<_>>();
    if segments.len() > MAX_SEGMENTS {
        return true;
    }
    segments.sort_unstable();
    segments.chunk_by(|a, b| a == b).any(|same| same.len() > MAX_REPEATS)
}

/// Whether a page may be behind `url`, by its ending: what is surely something else is checked, not searched.
pub(super) fn looks_like_page(url: &Url) -> bool {
    const OTHERS: [&str; 40] = [
        "7z", "avi", "bmp", "bz2", "css", "csv", "deb", "dmg", "doc", "docx", "exe", "gif", "gz", "ico", "iso", "jar",
        "jpeg", "jpg", "js", "json", "mov", "mp3", "mp4", "odt", "ogg", "pdf", "png", "ppt", "pptx", "rpm", "svg",
        "tar", "tgz", "wav", "webm", "webp", "woff2", "xls", "xlsx", "zip",
    ];
    let name = url.path().rsplit('/').next().unwrap_or_default();
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    ending.is_none_or(|ending| OTHERS.binary_search(&ending.as_str()).is_err())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> Option<String> {
        shape(&format!("http://a.example{path}").parse().unwrap())
    }

    #[test]
    fn variants_have_one_shape() {
        assert_eq!(of("/cal?m=1"), of("/cal?m=2&y=3"));
        assert_eq!(of("/cal/2024/01"), of("/cal/1999-12"));
        assert_eq!(of("/cal/2024-01-31.html"), of("/cal/2025-2-1.html"));
        assert_ne!(of("/cal/2024/01/party"), of("/cal/2024/01/lunch"));
        assert_ne!(of("/a?x"), of("/b?x"));
        for page in ["/", "/page-2001.html", "/2024", "/section-12/page-345", "/issues/20240101", "/12024/01"] {
            assert_eq!(of(page), None, "{page}");
        }
    }

    #[test]
    fn loops() {
        let is = |path: &str| is_loop(&format!("http://a.example{path}").parse().unwrap());
        assert!(is("/a/b/a/b/a/b/a/b/a/b"));
        assert!(is(&"/x/y".repeat(40)));
        assert!(!is("/a/b/c//////d/a"));
    }

    #[test]
    fn endings() {
        let is = |path: &str| looks_like_page(&format!("http://a.example{path}").parse().unwrap());
        for page in ["/", "/a", "/a.html", "/a.php?x=y.pdf", "/v1.2/", "/v1.2"] {
            assert!(is(page), "{page}");
        }
        for other in ["/a.PDF", "/x.tar.gz", "/i.png?x", "/7z.7z"] {
            assert!(!is(other), "{other}");
        }
    }
}
