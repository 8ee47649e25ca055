use std::hash::{DefaultHasher, Hash, Hasher};

use percent_encoding::percent_decode_str;

/// The places on a page that a fragment can name: element ids and named anchors.
///
/// Only hashes are kept, 8 bytes each. They mean nothing outside of this process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anchors {
    /// Sorted.
    hashes: Vec<u64>,
    /// Some are missing.
    incomplete: bool,
}

impl Anchors {
    pub(super) fn collect(mut hashes: Vec<u64>) -> Self {
        hashes.sort_unstable();
        hashes.dedup();
        Self { hashes, incomplete: false }
    }

    pub(super) fn hash(name: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        hasher.finish()
    }

    /// From now on it cannot be said that something is not on the page.
    pub(crate) fn set_incomplete(&mut self) {
        self.incomplete = true;
    }

    /// Whether the page surely lacks what `fragment` names. `#top`, text fragments and routes of scripts are on every
    /// page; an anchor that Markdown renderers prefix with `user-content-` counts.
    #[must_use]
    pub fn lack(&self, fragment: &str) -> bool {
        if self.incomplete || !is_checkable(fragment) {
            return false;
        }
        let fragment = fragment.split(":~:").next().unwrap_or_default();
        let decoded = percent_decode_str(fragment).decode_utf8_lossy();
        ![fragment, &decoded].iter().any(|name| self.holds(name) || self.holds(&format!("user-content-{name}")))
    }

    fn holds(&self, name: &str) -> bool {
        self.hashes.binary_search(&Self::hash(name)).is_ok()
    }
}

/// Whether the page itself decides about `fragment`, not the browser or a script.
pub(crate) fn is_checkable(fragment: &str) -> bool {
    let named = fragment.split(":~:").next().unwrap_or_default();
    !(named.is_empty() || named.eq_ignore_ascii_case("top") || named.starts_with('/') || named.starts_with('!'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_lacks() {
        let names = ["one", "zwei ä", "user-content-three", "50%"];
        let mut anchors = Anchors::collect(names.iter().map(|name| Anchors::hash(name)).collect());
        for there in
            ["one", "zwei%20%C3%A4", "three", "50%", "50%25", "", "Top", "/route", "!x", ":~:text=a", "one:~:text=b"]
        {
            assert!(!anchors.lack(there), "{there}");
        }
        for missing in ["two", "ONE", "two:~:text=b"] {
            assert!(anchors.lack(missing), "{missing}");
        }
        anchors.set_incomplete();
        assert!(!anchors.lack("two"));
    }
}
