/// The addresses of a `srcset`: each with an optional descriptor, parted by commas. A comma inside of an address
/// belongs to it, as in inline data.
pub(super) fn addresses(srcset: &str) -> impl Iterator<Item = &str> {
    let mut rest = srcset;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|c: char| c == ',' || c.is_ascii_whitespace());
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(|c: char| c.is_ascii_whitespace()).unwrap_or(rest.len());
        let (address, after) = rest.split_at(end);
        let bare = address.trim_end_matches(',');
        rest = if bare.len() < address.len() { after } else { skip_descriptor(after) };
        Some(bare)
    })
}

fn skip_descriptor(text: &str) -> &str {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => return &text[at..],
            _ => {}
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn candidates() {
        let of = |text| addresses(text).collect::<Vec<_>>();
        assert_eq!(of("a.png 1x, b.png 2x"), ["a.png", "b.png"]);
        assert_eq!(of("a.png"), ["a.png"]);
        assert_eq!(of("a.png, b.png"), ["a.png", "b.png"]);
        assert_eq!(
            of(" ,a.png 100w(x,y) , data:image/png;base64,AA 2x,,c"),
            ["a.png", "data:image/png;base64,AA", "c"]
        );
        assert!(of(" , ,").is_empty());
    }

    proptest! {
        #[test]
        fn it_ends_and_yields_no_blanks(text in "[a-c ,()0-9\\n]{0,60}") {
            for address in addresses(&text) {
                prop_assert!(!address.contains(|c: char| c.is_ascii_whitespace()));
                prop_assert!(!address.ends_with(','));
            }
        }
    }
}
