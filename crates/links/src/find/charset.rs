use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Where a `meta` with the encoding has to stand.
const PRESCAN_BYTES: usize = 1024;

/// The text of a page: by its byte order mark, the header's label, its own `meta`, or its bytes.
pub(super) fn decode<'a>(bytes: &'a [u8], header: Option<&str>) -> Cow<'a, str> {
    let declared = header
        .and_then(|label| Encoding::for_label(label.trim().as_bytes()))
        .or_else(|| declared_inside(&bytes[..bytes.len().min(PRESCAN_BYTES)]));
    let encoding = declared.unwrap_or_else(|| guess(bytes));
    encoding.decode(bytes).0
}

/// A page that reads as ASCII up to its `meta` cannot be UTF-16, whatever it says.
fn declared_inside(start: &[u8]) -> Option<&'static Encoding> {
    let lower = start.to_ascii_lowercase();
    let after = lower.windows(7).position(|window| window == b"charset")? + 7;
    let value = lower[after..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let value = value.strip_prefix(b"\"").or_else(|| value.strip_prefix(b"'")).unwrap_or(value);
    let end = value.iter().position(|byte| !(byte.is_ascii_alphanumeric() || b"-_:.".contains(byte)));
    let encoding = Encoding::for_label(&value[..end.unwrap_or(value.len())])?;
    Some(if encoding == UTF_16LE || encoding == UTF_16BE { UTF_8 } else { encoding })
}

/// UTF-8 if it is that, a character cut off at the end aside.
fn guess(bytes: &[u8]) -> &'static Encoding {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_some() => WINDOWS_1252,
        _ => UTF_8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_that_knows_decides() {
        assert_eq!(decode(b"\xe4", Some("ISO-8859-1")), "ä");
        assert_eq!(decode(b"\xef\xbb\xbf\xc3\xa4", Some("ISO-8859-1")), "ä");
        assert_eq!(decode(b"<meta charset='koi8-r'>\xc1", None), "<meta charset='koi8-r'>а");
        assert_eq!(decode(b"<meta content=\"text/html; charset = utf-16\">\xc3\xa4", None).chars().last(), Some('ä'));
        assert_eq!(decode(b"\xc3\xa4", None), "ä");
        assert_eq!(decode(b"\xe4b", None), "äb");
        assert_eq!(decode(b"a\xc3", None), "a\u{fffd}");
        assert_eq!(decode(b"\xc3\xa4", Some("no such thing")), "ä");
        assert_eq!(decode(b"charset", None), "charset");
    }
}
