//! How grave a line is, as the program that wrote it says. Pure.

use serde_json::Value;

/// As in `tracing`; lines of others than our programs have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Error,
    Warn,
    Info,
    Debug,
    /// The line does not say.
    Unsaid,
}

const WORDS: [(&str, Level); 5] = [
    ("ERROR ", Level::Error),
    ("WARN ", Level::Warn),
    ("INFO ", Level::Info),
    ("DEBUG ", Level::Debug),
    ("TRACE ", Level::Debug),
];

impl Level {
    /// What a line says.
    pub(super) fn of(text: &str) -> Self {
        let word = text.trim_start();
        if word.starts_with('{') {
            let event: Value = serde_json::from_str(word).unwrap_or_default();
            let said = format!("{} ", event["level"].as_str().unwrap_or_default());
            return WORDS.iter().find(|(word, _)| *word == said).map_or(Self::Unsaid, |(_, level)| *level);
        }
        WORDS.iter().find(|(said, _)| word.starts_with(said)).map_or(Self::Unsaid, |(_, level)| *level)
    }

    /// The text without the word that says it.
    pub(super) fn without(self, text: &str) -> &str {
        let trimmed = text.trim_start();
        WORDS
            .iter()
            .find_map(|(word, level)| (*level == self).then(|| trimmed.strip_prefix(word)).flatten())
            .unwrap_or(text)
    }

    /// As syslog counts.
    pub(super) const fn priority(self) -> u8 {
        match self {
            Self::Error => 3,
            Self::Warn => 4,
            Self::Info | Self::Unsaid => 6,
            Self::Debug => 7,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_how_grave_they_are() {
        let of = |text| (Level::of(text), Level::of(text).without(text));
        assert_eq!(of(" WARN a thing"), (Level::Warn, "a thing"));
        assert_eq!(of("ERROR panic: oh"), (Level::Error, "panic: oh"));
        assert_eq!(of("ERRORS are near"), (Level::Unsaid, "ERRORS are near"));
        assert_eq!(of(r#"{"level":"ERROR"}"#).0, Level::Error);
        assert_eq!(of(r#"{"level":5}"#).0, Level::Unsaid);
    }
}
