use std::fmt::Write;

/// `path` in the one spelling in which rules and URLs are compared: unreserved characters plain, everything else that
/// is escaped in upper case, and what is not ASCII escaped.
pub(super) fn canonical(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut text = String::with_capacity(path.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%').then(|| bytes.get(at + 1..at + 3).and_then(hex)).flatten();
        at += if escaped.is_some() { 3 } else { 1 };
        match escaped {
            Some(byte) if is_unreserved(byte) => text.push(char::from(byte)),
            Some(byte) => push_escaped(&mut text, byte),
            None if bytes[at - 1].is_ascii() => text.push(char::from(bytes[at - 1])),
            None => push_escaped(&mut text, bytes[at - 1]),
        }
    }
    text
}

fn push_escaped(text: &mut String, byte: u8) {
    // Writing to a String cannot fail.
    let _ = write!(text, "%{byte:02X}");
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(digits[0])? << 4 | digit(digits[1])?)
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// Whether a rule's canonical `pattern` fits the beginning of a canonical `path`: `*` is anything, a final `$` the end.
pub(super) fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, to_the_end) = pattern.strip_suffix('$').map_or((pattern, false), |pattern| (pattern, true));
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| path.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return !to_the_end || rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if to_the_end && parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_spelling() {
        assert_eq!(canonical("/a%7eb%2fc/ä%C3%a4%zz%4"), "/a~b%2Fc/%C3%A4%C3%A4%zz%4");
    }

    #[test]
    fn patterns() {
        for (pattern, yes, no) in [
            ("/", &["/", "/x"][..], &[""][..]),
            ("/fish", &["/fish", "/fish.html", "/fishheads/yum"], &["/Fish", "/catfish", "/desert/fish"]),
            ("/fish*", &["/fish", "/fishy"], &["/cat"]),
            ("/fish/", &["/fish/", "/fish/?id=x"], &["/fish", "/fish.html"]),
            ("/*.php", &["/index.php", "/a/b.php?x", "/a.php.html"], &["/", "/windows.PHP"]),
            ("/*.php$", &["/a.php", "/a.php/b.php"], &["/a.php?x", "/a.php/"]),
            ("/a*b*c$", &["/abc", "/aXbXcbc"], &["/acb", "/ab"]),
            ("/ab*ba$", &["/abba"], &["/aba"]),
            ("$", &[""], &["/"]),
            ("/$", &["/"], &["/x"]),
            ("*", &["", "/x"], &[]),
        ] {
            for path in yes {
                assert!(fits(pattern, path), "{pattern} {path}");
            }
            for path in no {
                assert!(!fits(pattern, path), "{pattern} {path}");
            }
        }
    }

    /// The rule as it is written, tried in every way.
    fn slow(pattern: &[u8], path: &[u8]) -> bool {
        match pattern {
            [] => true,
            [b'$'] => path.is_empty(),
            [b'*', rest @ ..] => (0..=path.len()).any(|at| slow(rest, &path[at..])),
            [first, rest @ ..] => path.first() == Some(first) && slow(rest, &path[1..]),
        }
    }

    proptest! {
        #[test]
        fn patterns_mean_what_they_say(pattern in "[ab*]{0,8}\\$?", path in "[ab]{0,10}") {
            prop_assert_eq!(fits(&pattern, &path), slow(pattern.as_bytes(), path.as_bytes()));
        }

        #[test]
        fn canonical_is_final(path in "[ -~ä%]{0,30}") {
            let once = canonical(&path);
            prop_assert!(once.is_ascii());
            prop_assert_eq!(canonical(&once), canonical(&canonical(&once)));
        }
    }
}
