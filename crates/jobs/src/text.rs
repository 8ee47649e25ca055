//! Bounds on text that comes from outside.

/// At most `max` bytes of `text`, cut at a character, with an ellipsis where something is gone.
#[must_use]
pub fn clip(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(max.saturating_sub('…'.len_utf8()));
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_between_characters() {
        assert_eq!(clip("short", 10), "short");
        assert_eq!(clip("ααααα", 8), "αα…");
    }
}
