//! Bounds on text that comes from outside.

/// At most `max` bytes of `text`, cut at a character, with an ellipsis where something is gone.
pub(crate) fn clip(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(max.saturating_sub('…'.len_utf8()));
    format!("{}…", &text[..end])
}

/// `text` on one line: runs of white space become one blank, control characters go. At most `max` bytes.
pub(crate) fn one_line(text: &str, max: usize) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.extend(word.chars().filter(|c| !c.is_control()));
        if line.len() > max {
            break;
        }
    }
    clip(&line, max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_between_characters() {
        assert_eq!(clip("short", 10), "short");
        assert_eq!(clip("ααααα", 8), "αα…");
        assert_eq!(clip("ααααα", 1), "…");
    }

    #[test]
    fn one_line_of_words() {
        assert_eq!(one_line(" a \n\t b\u{7}c ", 20), "a bc");
        assert_eq!(one_line("one two three", 9), "one tw…");
    }
}
