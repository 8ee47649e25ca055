//! Which of a process's lines says why it ended. Pure.

use serde_json::Value;

/// The line without the program's own name in front, where it is a sentence that the program wrote by itself: whoever
/// shows the line names the process anyway.
#[must_use]
pub(super) fn sentence<'a>(process: &str, text: &'a str) -> Option<&'a str> {
    let program = process.split_once('-').filter(|(_, number)| number.parse::<u16>().is_ok());
    text.strip_prefix(program.map_or(process, |(program, _)| program))?.strip_prefix(": ")
}

/// What a line says about an end: a final sentence, or an error.
#[must_use]
pub(super) fn cause(process: &str, text: &str) -> Option<String> {
    if let Some(sentence) = sentence(process, text) {
        return Some(sentence.to_owned());
    }
    if let Some(error) = text.trim_start().strip_prefix("ERROR ") {
        return Some(error.trim().to_owned());
    }
    if !text.starts_with('{') {
        return None;
    }
    let event: Value = serde_json::from_str(text).ok()?;
    let error = event["level"] == "ERROR";
    event["fields"]["message"].as_str().filter(|_| error).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errors_and_final_sentences_are_causes() {
        assert_eq!(cause("website", "website: the database is newer").as_deref(), Some("the database is newer"));
        assert_eq!(cause("crawler-12", "crawler: no token").as_deref(), Some("no token"));
        assert_eq!(cause("website", "ERROR panic: oh").as_deref(), Some("panic: oh"));
        assert_eq!(cause("website", r#"{"level":"ERROR","fields":{"message":"oh"}}"#).as_deref(), Some("oh"));
        for other in [" INFO all is well", r#"{"level":"INFO","fields":{"message":"well"}}"#, "crawler: x", "{", ""] {
            assert_eq!(cause("website", other), None, "{other}");
        }
    }
}
