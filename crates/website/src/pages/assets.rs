//! Style sheet, browser modules and pictures, embedded in the binary.

use rust_embed::RustEmbed;
use std::{fmt::Write as _, sync::OnceLock};

/// The files of `assets/`. A debug build reads them from the source tree at each request.
#[derive(Debug, RustEmbed)]
#[folder = "assets"]
pub struct Assets;

/// Address of an asset, with the beginning of its content's hash: it may be cached for ever, because other content
/// has another address. An unknown name gets an address that nothing answers.
#[must_use]
pub fn asset_url(name: &str) -> String {
    static EMBEDDED: OnceLock<Vec<(String, String)>> = OnceLock::new();
    if cfg!(debug_assertions) {
        return versioned(name);
    }
    let known = EMBEDDED.get_or_init(|| Assets::iter().map(|name| (name.to_string(), versioned(&name))).collect());
    match known.iter().find(|(known, _)| known == name) {
        Some((_, url)) => url.clone(),
        None => format!("/assets/{name}"),
    }
}

fn versioned(name: &str) -> String {
    let mut url = format!("/assets/{name}");
    if let Some(file) = Assets::get(name) {
        url.push_str("?v=");
        for byte in &file.metadata.sha256_hash()[..4] {
            let _ = write!(url, "{byte:02x}");
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_the_content() {
        let url = asset_url("style.css");
        let (path, version) = url.split_once("?v=").unwrap();
        assert_eq!(path, "/assets/style.css");
        assert!(version.len() == 8 && version.bytes().all(|byte| byte.is_ascii_hexdigit()), "{version}");
        assert_ne!(asset_url("live.js").split_once("?v=").unwrap().1, version);
        assert_eq!(asset_url("nothing.css"), "/assets/nothing.css");
    }

    /// The policy forbids scripts and styles of others, and inline ones.
    #[test]
    fn nothing_is_fetched_from_elsewhere() {
        for name in Assets::iter() {
            let file = Assets::get(&name).unwrap();
            let text = String::from_utf8_lossy(&file.data).replace("http://www.w3.org/", "");
            assert!(!text.contains("http://") && !text.contains("https://") && !text.contains("@import"), "{name}");
        }
    }
}
