use std::time::Duration;

use url::Url;

use super::path::{canonical, fits};
use crate::Cause;

/// Rules beyond this are ignored; no honest file has so many for one crawler.
const MAX_RULES: usize = 10_000;

/// What one robots.txt says to us.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rules {
    lines: Vec<Rule>,
    crawl_delay: Duration,
    /// The file could not be read: nothing is allowed for now. In words.
    unreachable: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    pattern: String,
    allow: bool,
}

/// Whether a page may be crawled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permission {
    /// It may.
    Granted,
    /// It may not; why, in words.
    Denied(String),
}

/// The two groups that can concern us. Ours counts, even if it is empty; else the one for everybody.
#[derive(Default)]
struct Groups {
    ours: Option<Rules>,
    everybody: Option<Rules>,
}

/// Whom the lines that follow concern.
#[derive(Default, Clone, Copy)]
struct Audience {
    ours: bool,
    everybody: bool,
    /// Rules have come: the next user-agent line begins a new group.
    closed: bool,
}

impl Rules {
    pub(crate) fn allow_all() -> Self {
        Self::default()
    }

    pub(crate) fn deny_all(cause: &Cause) -> Self {
        Self { unreachable: Some(format!("robots.txt cannot be read: {cause}")), ..Self::default() }
    }

    /// Reads a robots.txt for the crawler named `product`. A `Crawl-delay` counts up to `max_crawl_delay`.
    #[must_use]
    pub fn parse(bytes: &[u8], product: &str, max_crawl_delay: Duration) -> Self {
        let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes));
        let mut groups = Groups::default();
        let mut audience = Audience::default();
        for line in text.split(['\n', '\r']) {
            let line = line.split('#').next().unwrap_or_default();
            let Some((key, value)) = line.split_once(':') else { continue };
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
            if key == "user-agent" {
                audience.join(value, product, &mut groups);
            } else {
                groups.take(&key, value, &mut audience, max_crawl_delay);
            }
        }
        groups.ours.or(groups.everybody).unwrap_or_default()
    }

    /// Pause that the site asks for between two pages.
    #[must_use]
    pub fn crawl_delay(&self) -> Duration {
        self.crawl_delay
    }

    /// Whether the page at `url` may be crawled. The longest rule that fits decides; of two equal ones, the kinder.
    #[must_use]
    pub fn permission(&self, url: &Url) -> Permission {
        if let Some(why) = &self.unreachable {
            return Permission::Denied(why.clone());
        }
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let path = canonical(&path);
        let decisive = self
            .lines
            .iter()
            .filter(|rule| fits(&rule.pattern, &path))
            .max_by_key(|rule| (rule.pattern.len(), rule.allow));
        match decisive {
            Some(rule) if !rule.allow && path != "/robots.txt" => {
                Permission::Denied(format!("robots.txt forbids {}", crate::text::clip(&rule.pattern, 100)))
            }
            _ => Permission::Granted,
        }
    }
}

impl Audience {
    fn join(&mut self, agent: &str, product: &str, groups: &mut Groups) {
        if self.closed {
            *self = Self::default();
        }
        // A version or a comment may follow the name.
        let end = agent.find(|c: char| !(c.is_ascii_alphanumeric() || "-_".contains(c)));
        let name = &agent[..end.unwrap_or(agent.len())];
        if !name.is_empty() && name.eq_ignore_ascii_case(product) {
            self.ours = true;
            groups.ours.get_or_insert_default();
        }
        if agent.starts_with('*') {
            self.everybody = true;
            groups.everybody.get_or_insert_default();
        }
    }
}

impl Groups {
    fn take(&mut self, key: &str, value: &str, audience: &mut Audience, max_crawl_delay: Duration) {
        let ours = self.ours.as_mut().filter(|_| audience.ours);
        let everybody = self.everybody.as_mut().filter(|_| audience.everybody);
        let groups = ours.into_iter().chain(everybody);
        match key {
            "allow" | "disallow" => {
                audience.closed = true;
                groups.for_each(|group| group.add(value, key == "allow"));
            }
            "crawl-delay" => {
                audience.closed = true;
                let delay = value.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                if let Some(delay) = delay {
                    groups.for_each(|group| group.crawl_delay = delay.min(max_crawl_delay));
                }
            }
            // Other lines, such as Sitemap, belong to no group and end none.
            _ => {}
        }
    }
}

impl Rules {
    /// An empty rule says nothing.
    fn add(&mut self, value: &str, allow: bool) {
        if !value.is_empty() && self.lines.len() < MAX_RULES {
            self.lines.push(Rule { pattern: canonical(value), allow });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules(text: &str) -> Rules {
        Rules::parse(text.as_bytes(), "trawl", Duration::from_secs(10))
    }

    fn may(rules: &Rules, path: &str) -> bool {
        rules.permission(&format!("http://example.com{path}").parse().unwrap()) == Permission::Granted
    }

    #[test]
    fn the_longest_rule_decides() {
        let rules =
            rules("User-agent: *\nDisallow: /a\nAllow: /a/b\nDisallow: /a/b/c\nDisallow: /x\nAllow: /x\nDisallow:");
        for (path, expected) in
            [("/", true), ("/a", false), ("/a/b", true), ("/a/b/c", false), ("/x", true), ("/a?q=/a/b", false)]
        {
            assert_eq!(may(&rules, path), expected, "{path}");
        }
    }

    #[test]
    fn our_group_counts_wherever_it_stands() {
        let text = "\u{feff}# for all\rUser-Agent: *\rDisallow: /\r\rUSER-AGENT: Other\rUser-agent: Trawl/9.9 # us\rDisallow: /no\r\
            Sitemap: /map\rDisallow: /never\rUser-agent: third\rDisallow: /yes\rUser-agent: trawl\rDisallow: /more\rCrawl-delay: 2.5";
        let rules = rules(text);
        for (path, expected) in [("/yes", true), ("/no", false), ("/never", false), ("/more", false), ("/", true)] {
            assert_eq!(may(&rules, path), expected, "{path}");
        }
        assert_eq!(rules.crawl_delay(), Duration::from_millis(2500));
    }

    #[test]
    fn an_empty_group_of_ours_allows_all() {
        assert!(may(&rules("User-agent: *\nDisallow: /\nUser-agent: trawl\nDisallow:"), "/x"));
        assert!(!may(&rules("User-agent: *\nDisallow: /\nUser-agent: trawler\nDisallow:"), "/x"));
    }

    #[test]
    fn odd_files() {
        assert!(may(&rules(""), "/x"));
        assert!(may(&rules("Disallow: /x"), "/x"), "before any group");
        assert!(may(&rules("<html>not found</html>"), "/x"));
        assert!(!may(&rules("user-agent:*\ndisallow:/ä"), "/%C3%A4x"));
        assert!(may(&rules("User-agent: *\nDisallow: /"), "/robots.txt"));
        assert_eq!(rules("User-agent: *\nCrawl-delay: 99999").crawl_delay(), Duration::from_secs(10));
        assert_eq!(rules("User-agent: *\nCrawl-delay: -1").crawl_delay(), Duration::ZERO);
        assert_eq!(rules("User-agent: *\nCrawl-delay: NaN").crawl_delay(), Duration::ZERO);
    }

    #[test]
    fn the_reason_is_told() {
        let url = "http://example.com/private/x".parse().unwrap();
        let denied = rules("User-agent: *\nDisallow: /private").permission(&url);
        assert_eq!(denied, Permission::Denied("robots.txt forbids /private".to_owned()));
        let unreachable = Rules::deny_all(&Cause::Status(503)).permission(&url);
        assert_eq!(
            unreachable,
            Permission::Denied("robots.txt cannot be read: the server answers 503 service unavailable".to_owned())
        );
    }

    proptest! {
        #[test]
        fn any_bytes_can_be_read(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let rules = Rules::parse(&bytes, "trawl", Duration::from_secs(1));
            prop_assert!(rules.crawl_delay() <= Duration::from_secs(1));
        }

        #[test]
        fn any_lines_can_be_read(text in "((User-agent|Allow|Disallow|Crawl-delay|X):? ?[*/a-c$.0-9]{0,6}\n?){0,20}", path in "/[a-c/]{0,8}") {
            may(&rules(&text), &path);
        }
    }
}
