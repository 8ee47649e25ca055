use globset::GlobBuilder;
use regex::bytes::{RegexSet, RegexSetBuilder};

use crate::Error;

/// More patterns than this are not taken.
const MAX_PATTERNS: usize = 100;
/// Longest pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 500;
/// Bound of the compiled patterns together, in bytes.
const MAX_COMPILED_BYTES: usize = 2 << 20;
/// What a regular expression begins with.
const REGEX: &str = "regex:";

/// Patterns over whole URLs. Globs, in which `*` stands for anything, slashes too; or, after `regex:`, a regular
/// expression that may fit anywhere. Matching takes time in proportion to the URL, whatever the pattern.
#[derive(Debug, Clone)]
pub(super) struct Patterns(RegexSet);

impl Patterns {
    pub(super) fn new(patterns: &[String]) -> Result<Self, Error> {
        if patterns.len() > MAX_PATTERNS {
            let pattern = patterns[MAX_PATTERNS].clone();
            return Err(Error::Pattern { pattern, reason: format!("there are more than {MAX_PATTERNS} patterns") });
        }
        let expressions = patterns.iter().map(|pattern| expression(pattern)).collect::<Result<Vec<_>, _>>()?;
        let set = RegexSetBuilder::new(expressions).size_limit(MAX_COMPILED_BYTES).build();
        // Each one alone is good: it is all of them together that are too much.
        let set = set.map_err(|error| Error::Pattern { pattern: patterns.join(" "), reason: error.to_string() })?;
        Ok(Self(set))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn fit(&self, url: &str) -> bool {
        self.0.is_match(url.as_bytes())
    }
}

fn expression(pattern: &str) -> Result<String, Error> {
    let refuse = |reason: String| Error::Pattern { pattern: crate::text::clip(pattern, 100), reason };
    if pattern.len() > MAX_PATTERN_BYTES {
        return Err(refuse(format!("it is longer than {MAX_PATTERN_BYTES} bytes")));
    }
    let text = match pattern.strip_prefix(REGEX) {
        Some(text) => text.to_owned(),
        None => GlobBuilder::new(pattern)
            .backslash_escape(true)
            .build()
            .map_err(|error| refuse(error.kind().to_string()))?
            .regex()
            .to_owned(),
    };
    RegexSetBuilder::new([&text]).size_limit(MAX_COMPILED_BYTES).build().map_err(|error| refuse(error.to_string()))?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Result<Patterns, Error> {
        Patterns::new(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn globs_and_expressions() {
        let set = patterns(&["http://a.example/private/*", "*.{zip,pdf}", "regex:[?&]page=\\d+"]).unwrap();
        for url in ["http://a.example/private/x/y", "https://b.example/f.zip", "http://c.example/?page=7"] {
            assert!(set.fit(url), "{url}");
        }
        for url in ["http://a.example/private", "http://a.example/zip", "http://c.example/?page=x"] {
            assert!(!set.fit(url), "{url}");
        }
        let none = patterns(&[]).unwrap();
        assert!(none.is_empty() && !none.fit("http://a.example/"));
    }

    #[test]
    fn bad_ones_are_named() {
        let long = "x".repeat(501);
        for bad in ["regex:(", "[a", "regex:(a{1000}){1000}", &long] {
            assert!(matches!(patterns(&["*", bad]), Err(Error::Pattern { .. })), "{bad}");
        }
        assert!(patterns(&["x"; 101]).is_err());
    }
}
