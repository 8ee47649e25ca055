//! Finds the links of an HTML page, and the places in it that a fragment can name.

mod anchors;
mod charset;
mod collector;
mod element;
mod srcset;

use url::Url;

use crate::normalize::{Link, Rejected, normalize};
pub use anchors::Anchors;
pub(crate) use anchors::is_checkable;
use collector::{Collector, Raw};
pub use element::Element;

/// Bounds of what is taken from one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Links.
    pub max_links: usize,
    /// Element ids.
    pub max_ids: usize,
    /// Longest URL, in bytes.
    pub max_url_bytes: usize,
}

/// One occurrence of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where it leads, or why that is no address.
    pub target: Result<Link, Rejected>,
    /// What kind of element it stands in.
    pub element: Element,
    /// For people: the text of an anchor, the description of an image. One line of at most 120 bytes, often empty.
    pub text: String,
    /// The author asks not to follow it.
    pub nofollow: bool,
}

/// Which bounds cut something off.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cut {
    /// The page is larger, or came too slowly, and was searched only at its beginning.
    pub bytes: bool,
    /// It has more links.
    pub links: bool,
    /// It has more element ids.
    pub ids: bool,
}

impl Cut {
    /// Whether anything is missing.
    #[must_use]
    pub fn any(self) -> bool {
        self.bytes || self.links || self.ids
    }
}

/// What a page holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageLinks {
    /// Every occurrence, in the order of the page.
    pub links: Vec<Found>,
    /// What a fragment may name.
    pub anchors: Anchors,
    /// The page asks, in `meta name=robots`, that none of its links be followed.
    pub nofollow: bool,
    /// What is missing.
    pub cut: Cut,
}

/// Searches a page that came from `url`.
///
/// `charset` is the label that the header declared; else a byte order mark, a `meta` or the bytes themselves decide.
#[must_use]
pub fn find(html: &[u8], charset: Option<&str>, url: &Url, limits: Limits) -> PageLinks {
    let text = charset::decode(html, charset);
    let collected = Collector::run(&text, limits);
    let base = collected.base.as_deref().and_then(|href| normalize(url, href, limits.max_url_bytes).ok());
    let base = base.as_ref().map_or(url, Link::url);
    let links = collected.raw.into_iter().map(|raw| resolve(raw, base, limits.max_url_bytes)).collect();
    PageLinks { links, anchors: collected.anchors, nofollow: collected.nofollow, cut: collected.cut }
}

fn resolve(raw: Raw, base: &Url, max_bytes: usize) -> Found {
    let target = normalize(base, &raw.href, max_bytes);
    Found { target, element: raw.element, text: raw.text, nofollow: raw.nofollow }
}

#[cfg(test)]
mod tests;
