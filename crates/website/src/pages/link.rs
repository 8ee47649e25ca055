//! Addresses: our own with their query, and those of others.

use url::form_urlencoded::byte_serialize;

/// An address of ours with a query; empty values are left out, so that one view has one address.
#[derive(Debug, Clone)]
pub struct Query {
    url: String,
    queried: bool,
}

impl Query {
    /// The address without a query.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self { url: path.into(), queried: false }
    }

    /// Adds a value, where there is one.
    #[must_use]
    pub fn with(mut self, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.url.push(if self.queried { '&' } else { '?' });
            self.queried = true;
            self.url.push_str(name);
            self.url.push('=');
            self.url.extend(byte_serialize(value.as_bytes()));
        }
        self
    }

    /// The whole.
    #[must_use]
    pub fn url(self) -> String {
        self.url
    }
}

/// An address of others that may be linked: http and https only, never `javascript:` and the like.
#[must_use]
pub fn external(url: Option<&str>) -> Option<&str> {
    let url = url?;
    matches!(url::Url::parse(url).ok()?.scheme(), "http" | "https").then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_encoded_and_short() {
        let url = Query::new("/jobs").with("state", Some("failed")).with("kind", None).with("q", Some("a&b \"c")).url();
        assert_eq!(url, "/jobs?state=failed&q=a%26b+%22c");
        assert_eq!(Query::new("/jobs").with("q", Some("")).url(), "/jobs");
    }

    #[test]
    fn only_the_web_is_linked() {
        assert_eq!(external(Some("https://gitlab.example.com/a")), Some("https://gitlab.example.com/a"));
        for refused in ["javascript:alert(1)", "data:text/html,x", " \tjavascript:x", "//host/x", "/x", ""] {
            assert_eq!(external(Some(refused)), None, "{refused}");
        }
        assert_eq!(external(None), None);
    }
}
