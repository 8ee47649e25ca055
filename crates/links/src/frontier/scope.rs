use serde::{Deserialize, Serialize};

use super::digest::digest;
use super::pattern::Patterns;
use super::shape::looks_like_page;
use crate::normalize::{Link, host_and_port};
use crate::{Error, Refusal};

/// Longest address at which a scan can begin, in bytes.
const MAX_START_BYTES: usize = 4096;

/// What a scan covers. Links are checked wherever they lead; these settings say which pages are searched for links.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Where it begins.
    pub start: String,
    /// Steps from the start at which pages are still searched; 0 searches the start alone. Default 10.
    #[serde(default = "default_depth")]
    pub depth: u32,
    /// Only pages of the start's host (name and port) are searched, or of the one that it redirects to. Default true.
    #[serde(default = "default_same_host")]
    pub same_host: bool,
    /// Most pages that are searched. Default 2,000.
    #[serde(default = "default_max_pages")]
    pub max_pages: u32,
    /// Most distinct links. Default 50,000.
    #[serde(default = "default_max_links")]
    pub max_links: u32,
    /// Most pages that differ only in their query or in a date in their path: guards against endless calendars.
    /// Default 500.
    #[serde(default = "default_max_variants")]
    pub max_variants: u32,
    /// The places on pages that links name are checked too, and two links that differ only in them are two.
    #[serde(default)]
    pub fragments: bool,
    /// If there are any, only pages whose URL one of them fits are searched; the start always is. A glob over the whole
    /// URL in which `*` stands for anything, or a regular expression after `regex:`.
    #[serde(default)]
    pub include: Vec<String>,
    /// Links whose URL one of these fits are neither checked nor searched. Patterns as in `include`.
    #[serde(default)]
    pub exclude: Vec<String>,
}

impl Scope {
    /// A scan from `start` with the default bounds.
    #[must_use]
    pub fn new(start: impl Into<String>) -> Self {
        Self {
            start: start.into(),
            depth: default_depth(),
            same_host: default_same_host(),
            max_pages: default_max_pages(),
            max_links: default_max_links(),
            max_variants: default_max_variants(),
            fragments: false,
            include: Vec::new(),
            exclude: Vec::new(),
        }
    }
}

const fn default_depth() -> u32 {
    10
}

const fn default_same_host() -> bool {
    true
}

const fn default_max_pages() -> u32 {
    2_000
}

const fn default_max_links() -> u32 {
    50_000
}

const fn default_max_variants() -> u32 {
    500
}

/// A scope that has been read.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) start: Link,
    pub(super) depth: u32,
    pub(super) max_pages: u32,
    pub(super) max_links: usize,
    pub(super) max_variants: u32,
    same_host: bool,
    fragments: bool,
    include: Patterns,
    exclude: Patterns,
}

impl Rules {
    pub(super) fn new(scope: &Scope) -> Result<Self, Error> {
        Ok(Self {
            start: start(&scope.start)?,
            depth: scope.depth,
            max_pages: scope.max_pages.max(1),
            max_links: scope.max_links.max(1) as usize,
            max_variants: scope.max_variants,
            same_host: scope.same_host,
            fragments: scope.fragments,
            include: Patterns::new(&scope.include)?,
            exclude: Patterns::new(&scope.exclude)?,
        })
    }

    /// What makes a link one of its own in this scan.
    pub(super) fn identity(&self, link: &Link) -> u64 {
        if self.fragments { digest(&link.to_string()) } else { digest(link.as_str()) }
    }

    pub(super) fn excludes(&self, link: &Link) -> bool {
        self.exclude.fit(link.as_str())
    }

    /// Whether the page at `link` may be searched, its depth and all counts aside.
    pub(super) fn admits(&self, link: &Link, hosts: &[String]) -> bool {
        (!self.same_host || hosts.contains(&host_and_port(link.url())))
            && (self.include.is_empty() || self.include.fit(link.as_str()))
            && looks_like_page(link.url())
    }
}

/// Addresses of networks are judged when they are dialled; what can never be asked is told at once.
fn start(text: &str) -> Result<Link, Error> {
    let refuse = |reason: String| Error::Start { url: crate::text::clip(text, 200), reason };
    let link = Link::parse(text, MAX_START_BYTES).map_err(|rejected| refuse(rejected.to_string()))?;
    if !link.url().username().is_empty() || link.url().password().is_some() {
        return Err(refuse(Refusal::Credentials.to_string()));
    }
    Ok(link)
}
