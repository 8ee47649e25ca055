//! How a line looks where it is shown.

use super::{Line, OWN_NAME, cause::sentence};
use chrono::{DateTime, Local, SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use std::{
    env,
    io::{self, IsTerminal as _},
};
use trawl_settings::LogFormat;

/// Readable on dark and light ground, and far from the red of errors.
const COLOURS: [u8; 5] = [36, 33, 35, 34, 32];
/// Our own lines are dim.
const OWN_COLOUR: u8 = 2;

/// How lines look.
#[derive(Debug, Clone, Copy)]
pub struct Look {
    style: Style,
    width: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// Aligned, with the time of day.
    Terminal { coloured: bool },
    /// With the whole time.
    File,
    /// Without: the journal has a time there already.
    Journal,
    /// Every line an object.
    Json,
}

impl Look {
    /// What suits standard output, for names of this width.
    #[must_use]
    pub fn of_stdout(width: usize, format: LogFormat) -> Self {
        let set = |variable: &str| env::var_os(variable).is_some_and(|value| !value.is_empty());
        let style = match format {
            LogFormat::Json => Style::Json,
            LogFormat::Text if io::stdout().is_terminal() => Style::Terminal { coloured: !set("NO_COLOR") },
            LogFormat::Text if set("JOURNAL_STREAM") => Style::Journal,
            LogFormat::Text => Style::File,
        };
        Self { style, width: width.max(OWN_NAME.len()) }
    }

    /// What suits a file.
    #[must_use]
    pub const fn of_file(format: LogFormat) -> Self {
        let style = match format {
            LogFormat::Json => Style::Json,
            LogFormat::Text => Style::File,
        };
        Self { style, width: 0 }
    }

    /// The line as it is written, with its end. Empty lines are for people at a terminal.
    #[must_use]
    pub fn line(&self, line: &Line) -> String {
        let (process, time) = (&line.process, DateTime::from_timestamp_millis(line.at_ms).unwrap_or_default());
        let text = sentence(process, &line.text).unwrap_or(&line.text);
        match self.style {
            Style::Json | Style::Journal | Style::File if text.is_empty() => String::new(),
            Style::Json => object(line, time),
            Style::Journal => format!("{process}: {text}\n"),
            Style::File => format!("{} {process}: {text}\n", time.to_rfc3339_opts(SecondsFormat::Secs, true)),
            Style::Terminal { coloured } => {
                let (time, width) = (time.with_timezone(&Local).format("%H:%M:%S"), self.width);
                if coloured {
                    format!("\x1b[2m{time}\x1b[0m \x1b[{}m{process:width$} │\x1b[0m {text}\n", colour(process))
                } else {
                    format!("{time} {process:width$} │ {text}\n")
                }
            }
        }
    }
}

/// An object is passed on as it is; anything else becomes one in the shape of an event.
fn object(line: &Line, time: DateTime<Utc>) -> String {
    let Line { process, text, .. } = line;
    if serde_json::from_str::<Map<String, Value>>(text).is_ok() {
        return format!("{text}\n");
    }
    let timestamp = time.to_rfc3339_opts(SecondsFormat::Millis, true);
    let event = json!({ "timestamp": timestamp, "process": **process, "fields": { "message": text } });
    format!("{event}\n")
}

/// The same for the same name every time.
fn colour(name: &str) -> u8 {
    if name == OWN_NAME {
        return OWN_COLOUR;
    }
    let sum: usize = name.bytes().map(usize::from).sum();
    COLOURS[sum % COLOURS.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn shown(style: Style, text: &str) -> String {
        let line = Line { process: Arc::from("website"), text: text.to_owned(), at_ms: 0 };
        Look { style, width: 10 }.line(&line)
    }

    #[test]
    fn names_are_aligned_on_a_terminal_and_plain_elsewhere() {
        assert!(shown(Style::Terminal { coloured: false }, "listens").ends_with(" website    │ listens\n"));
        assert!(shown(Style::Terminal { coloured: true }, "listens").contains("\x1b["));
        assert_eq!(shown(Style::Journal, "listens"), "website: listens\n");
        assert_eq!(shown(Style::File, "listens"), "1970-01-01T00:00:00Z website: listens\n");
    }

    #[test]
    fn a_name_is_said_once() {
        assert_eq!(shown(Style::Journal, "website: no database"), "website: no database\n");
    }

    #[test]
    fn every_line_of_json_is_an_object() {
        let event = r#"{"level":"INFO","fields":{"message":"listens"}}"#;
        assert_eq!(shown(Style::Json, event), format!("{event}\n"));
        assert_eq!(shown(Style::Json, ""), "");
        let wrapped: Value = serde_json::from_str(&shown(Style::Json, "{ no database")).unwrap();
        assert_eq!((&wrapped["process"], &wrapped["fields"]["message"]), (&json!("website"), &json!("{ no database")));
    }
}
