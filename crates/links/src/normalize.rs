//! A link's identity: two spellings of one address become one [`Link`].

use std::fmt;

use url::Url;

use crate::text::clip;

/// Part of a rejected `href` that is kept for people, in bytes.
const HREF_BYTES: usize = 200;

/// An address that can be asked, and the place on the page that it names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Link {
    url: Url,
    fragment: Option<String>,
}

impl Link {
    /// Reads an absolute address of at most `max_bytes` bytes.
    pub fn parse(text: &str, max_bytes: usize) -> Result<Self, Rejected> {
        fit(text, max_bytes, Url::parse).map_err(|reason| Rejected::new(text, reason))
    }

    /// The address without its fragment: the identity.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The identity as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// What stood after `#`, if anything did.
    #[must_use]
    pub fn fragment(&self) -> Option<&str> {
        self.fragment.as_deref()
    }
}

impl From<Url> for Link {
    fn from(mut url: Url) -> Self {
        let fragment = url.fragment().filter(|fragment| !fragment.is_empty()).map(str::to_owned);
        url.set_fragment(None);
        Self { url, fragment }
    }
}

/// The address with its fragment.
impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str())?;
        self.fragment.as_deref().map_or(Ok(()), |fragment| write!(f, "#{fragment}"))
    }
}

/// Name and port of the host: two servers on one machine have nothing to do with each other.
pub(crate) fn host_and_port(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}

/// What stands where a link should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Rejected {
    /// As it stands on the page, at most 200 bytes.
    pub href: String,
    /// Why it is not asked.
    pub reason: Unfit,
}

impl Rejected {
    fn new(href: &str, reason: Unfit) -> Self {
        Self { href: clip(href.trim(), HREF_BYTES), reason }
    }
}

/// Why something is no address that can be asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A scheme that is none of ours; such links are skipped.
    #[error("{}", scheme_words(.0))]
    Scheme(String),
    /// Longer than the bound.
    #[error("the address is longer than {limit_bytes} bytes")]
    TooLong {
        /// The bound in bytes.
        limit_bytes: usize,
    },
    /// It holds a character that no address may hold.
    #[error("the address holds a control character")]
    ControlCharacter,
    /// It cannot be read as an address.
    #[error("the address cannot be read: {0}")]
    Malformed(String),
}

fn scheme_words(scheme: &str) -> String {
    match scheme {
        "mailto" => "an e-mail address is not checked".to_owned(),
        "tel" | "sms" => "a telephone number is not checked".to_owned(),
        "javascript" => "a script is not checked".to_owned(),
        "data" | "blob" => "inline data is not checked".to_owned(),
        other => format!("only http and https are checked, not {}", clip(other, 20)),
    }
}

/// The link that `href` means on a page whose base is `base`. `max_bytes` bounds it as written and as normalized.
///
/// Scheme and host in lower case, default port and fragment removed, dot segments resolved, percent escapes in upper
/// case. White space around it and line breaks in it are dropped, as browsers do.
pub fn normalize(base: &Url, href: &str, max_bytes: usize) -> Result<Link, Rejected> {
    fit(href, max_bytes, |text| base.join(text)).map_err(|reason| Rejected::new(href, reason))
}

fn fit(text: &str, max_bytes: usize, read: impl Fn(&str) -> Result<Url, url::ParseError>) -> Result<Link, Unfit> {
    let text = text.trim_matches(|c: char| c <= ' ');
    // Known before its length matters: inline data is long by nature.
    if let Some(scheme) = scheme(text).filter(|scheme| !matches!(scheme.as_str(), "http" | "https")) {
        return Err(Unfit::Scheme(scheme));
    }
    let too_long = Unfit::TooLong { limit_bytes: max_bytes };
    if text.len() > max_bytes {
        return Err(too_long);
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r')) {
        return Err(Unfit::ControlCharacter);
    }
    let url = read(text).map_err(|error| Unfit::Malformed(error.to_string()))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Unfit::Scheme(url.scheme().to_owned()));
    }
    let link = Link::from(upper_escapes(url)?);
    if link.as_str().len() > max_bytes { Err(too_long) } else { Ok(link) }
}

/// The scheme that `text` begins with, in lower case.
fn scheme(text: &str) -> Option<String> {
    let mut scheme = String::new();
    for c in text.chars().take(64).filter(|c| !matches!(c, '\t' | '\n' | '\r')) {
        match c {
            ':' if !scheme.is_empty() => return Some(scheme),
            'a'..='z' | 'A'..='Z' => scheme.push(c.to_ascii_lowercase()),
            '0'..='9' | '+' | '-' | '.' if !scheme.is_empty() => scheme.push(c),
            _ => return None,
        }
    }
    None
}

fn upper_escapes(url: Url) -> Result<Url, Unfit> {
    if !url.as_str().contains('%') {
        return Ok(url);
    }
    let fragment = url.fragment().map(str::to_owned);
    let mut text = url.as_str().to_owned();
    text.truncate(text.len() - fragment.as_ref().map_or(0, |fragment| fragment.len() + 1));
    let mut bytes = text.into_bytes();
    for at in 0..bytes.len().saturating_sub(2) {
        if bytes[at] == b'%' && bytes[at + 1].is_ascii_hexdigit() && bytes[at + 2].is_ascii_hexdigit() {
            bytes[at + 1..at + 3].make_ascii_uppercase();
        }
    }
    let malformed = |reason: String| Unfit::Malformed(reason);
    let text = String::from_utf8(bytes).map_err(|error| malformed(error.to_string()))?;
    let mut url = Url::parse(&text).map_err(|error| malformed(error.to_string()))?;
    url.set_fragment(fragment.as_deref());
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(href: &str) -> Result<String, Unfit> {
        let base = "http://example.com/a/b".parse().unwrap();
        normalize(&base, href, 200).map(|link| link.to_string()).map_err(|rejected| rejected.reason)
    }

    #[test]
    fn one_identity_for_many_spellings() {
        for (href, expected) in [
            ("HTTP://EXAMPLE.com:80", "http://example.com/"),
            ("https://example.com:443/x", "https://example.com/x"),
            ("https://example.com:444", "https://example.com:444/"),
            ("../c/./d/../e", "http://example.com/c/e"),
            ("/%7e%c3%a4?q=%2f", "http://example.com/%7E%C3%A4?q=%2F"),
            ("/ä", "http://example.com/%C3%A4"),
            (" c \n", "http://example.com/a/c"),
            ("/wra\n\tpped", "http://example.com/wrapped"),
            ("//other.example/x", "http://other.example/x"),
            ("", "http://example.com/a/b"),
            ("#Part%2d1", "http://example.com/a/b#Part%2d1"),
            ("#", "http://example.com/a/b"),
            ("?a=1", "http://example.com/a/b?a=1"),
            ("/%zz%2", "http://example.com/%zz%2"),
            ("http://0x7f.1/", "http://127.0.0.1/"),
            ("x/y:z", "http://example.com/a/x/y:z"),
        ] {
            assert_eq!(at(href).as_deref(), Ok(expected), "{href:?}");
        }
    }

    #[test]
    fn what_is_no_link_says_why() {
        assert_eq!(at("mailto:a@b.c"), Err(Unfit::Scheme("mailto".into())));
        assert_eq!(at("JavaScript:void(0)"), Err(Unfit::Scheme("javascript".into())));
        assert_eq!(at("java\nscript:x"), Err(Unfit::Scheme("javascript".into())));
        assert_eq!(at(&format!("data:text/plain,{}", "x".repeat(1000))), Err(Unfit::Scheme("data".into())));
        assert_eq!(at(&"x".repeat(201)), Err(Unfit::TooLong { limit_bytes: 200 }));
        assert_eq!(at(&"ä".repeat(60)), Err(Unfit::TooLong { limit_bytes: 200 }));
        assert_eq!(at("/a\0b"), Err(Unfit::ControlCharacter));
        assert!(matches!(at("http://[::1/"), Err(Unfit::Malformed(_))));
        assert!(matches!(at("http://"), Err(Unfit::Malformed(_))));
    }

    #[test]
    fn the_reason_is_a_sentence() {
        let rejected = Link::parse("tel:+491234", 100).unwrap_err();
        assert_eq!(
            (rejected.to_string().as_str(), rejected.href.as_str()),
            ("a telephone number is not checked", "tel:+491234")
        );
    }

    proptest! {
        #[test]
        fn normalizing_twice_changes_nothing(href in "[ -~äß%\\n]{0,80}") {
            let base = "https://example.com/a/b?c".parse().unwrap();
            if let Ok(link) = normalize(&base, &href, 4096) {
                prop_assert!(matches!(link.url().scheme(), "http" | "https"));
                prop_assert!(link.url().fragment().is_none());
                let again = Link::parse(&link.to_string(), 4096).unwrap();
                prop_assert_eq!(again.url(), link.url());
            }
        }

        #[test]
        fn escapes_differ_in_case_only(bytes in proptest::collection::vec(any::<u8>(), 0..20)) {
            use std::fmt::Write as _;
            let escaped = |upper: bool| bytes.iter().fold(String::from("http://example.com/x"), |mut text, byte| {
                let _ = if upper { write!(text, "%{byte:02X}") } else { write!(text, "%{byte:02x}") };
                text
            });
            prop_assert_eq!(Link::parse(&escaped(true), 4096), Link::parse(&escaped(false), 4096));
        }
    }
}
