//! What the tokenizer calls, and what it leaves behind. Nothing is resolved here: a `base` may come late.

use html5gum::emitters::callback::{Callback, CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};

use crate::text::{clip, one_line};

use super::{Anchors, Cut, Element, Limits, srcset};

/// Text for people, in bytes.
const TEXT_BYTES: usize = 120;
/// A `srcset` lists a handful of addresses.
const SRCSET_ADDRESSES: usize = 16;

/// A link as it stands on the page.
pub(super) struct Raw {
    pub(super) href: String,
    pub(super) element: Element,
    pub(super) text: String,
    pub(super) nofollow: bool,
}

/// What was found on a page.
pub(super) struct Collected {
    pub(super) raw: Vec<Raw>,
    pub(super) anchors: Anchors,
    pub(super) base: Option<String>,
    pub(super) nofollow: bool,
    pub(super) cut: Cut,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tag {
    Linking(Element),
    Base,
    Meta,
    Other,
}

/// The attributes that matter, as indices.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Attr {
    Href,
    Src,
    Srcset,
    Id,
    Name,
    Rel,
    Content,
    Text,
    Poster,
}

const ATTRS: usize = 9;

pub(super) struct Collector {
    limits: Limits,
    tag: Tag,
    attr: Option<Attr>,
    values: [Option<String>; ATTRS],
    raw: Vec<Raw>,
    ids: Vec<u64>,
    base: Option<String>,
    nofollow: bool,
    cut: Cut,
    /// The link whose text is being read.
    open: Option<usize>,
}

impl Collector {
    /// Reads the whole of `html`.
    pub(super) fn run(html: &str, limits: Limits) -> Collected {
        let mut collector = Self {
            limits,
            tag: Tag::Other,
            attr: None,
            values: Default::default(),
            raw: Vec::new(),
            ids: Vec::new(),
            base: None,
            nofollow: false,
            cut: Cut::default(),
            open: None,
        };
        let mut emitter = CallbackEmitter::new(Events(&mut collector));
        // Without a tree this is how the contents of scripts and titles are told from markup.
        emitter.naively_switch_states(true);
        let Ok(()) = Tokenizer::new_with_emitter(html, emitter).finish();
        collector.close_anchor();
        let mut anchors = Anchors::collect(collector.ids);
        if collector.cut.ids {
            anchors.set_incomplete();
        }
        Collected {
            raw: collector.raw,
            anchors,
            base: collector.base,
            nofollow: collector.nofollow,
            cut: collector.cut,
        }
    }

    fn open_tag(&mut self, name: &[u8]) {
        self.attr = None;
        self.values = Default::default();
        self.tag = match name {
            b"base" => Tag::Base,
            b"meta" => Tag::Meta,
            name => Element::of_tag(name).map_or(Tag::Other, Tag::Linking),
        };
    }

    /// The attribute of the current tag that `name` means, where it matters to us.
    fn attr(&self, name: &[u8]) -> Option<Attr> {
        let attr = match name {
            b"id" => return Some(Attr::Id),
            _ if self.tag == Tag::Other => return None,
            b"href" | b"xlink:href" => Attr::Href,
            b"src" => Attr::Src,
            b"data" if self.tag == Tag::Linking(Element::Embed) => Attr::Src,
            b"srcset" => Attr::Srcset,
            b"name" => Attr::Name,
            b"rel" => Attr::Rel,
            b"content" => Attr::Content,
            b"alt" | b"title" => Attr::Text,
            b"poster" => Attr::Poster,
            _ => return None,
        };
        Some(attr)
    }

    /// The first of two equal attributes counts. An empty value is never told: its name alone makes it one.
    fn attribute_name(&mut self, name: &[u8]) {
        self.attr = self.attr(name).filter(|attr| self.values[*attr as usize].is_none());
        if let Some(attr) = self.attr {
            self.values[attr as usize] = Some(String::new());
        }
    }

    fn attribute_value(&mut self, value: &[u8]) {
        let Some(attr) = self.attr.take() else { return };
        // One byte more, so that an address that is too long is seen to be.
        let max = match attr {
            Attr::Srcset => self.limits.max_url_bytes.saturating_mul(SRCSET_ADDRESSES),
            _ => self.limits.max_url_bytes.saturating_add(4),
        };
        let value = String::from_utf8_lossy(value);
        let end = value.floor_char_boundary(max);
        self.values[attr as usize] = Some(value[..end].to_owned());
    }

    fn take(&mut self, attr: Attr) -> Option<String> {
        self.values[attr as usize].take()
    }

    fn close_tag(&mut self) {
        if let Some(id) = self.take(Attr::Id) {
            self.add_id(&id);
        }
        match self.tag {
            Tag::Other => {}
            // The first one counts, wherever it stands.
            Tag::Base => {
                if let Some(href) = self.take(Attr::Href).filter(|_| self.base.is_none()) {
                    self.base = Some(href);
                }
            }
            Tag::Meta => self.meta(),
            Tag::Linking(Element::Anchor) => self.anchor(),
            Tag::Linking(Element::Link) => self.link(),
            Tag::Linking(element) => self.others(element),
        }
        self.tag = Tag::Other;
    }

    fn meta(&mut self) {
        let name = self.take(Attr::Name).unwrap_or_default();
        let content = self.take(Attr::Content).unwrap_or_default();
        if name.eq_ignore_ascii_case("robots") && has_word(&content, &["nofollow", "none"]) {
            self.nofollow = true;
        }
    }

    fn anchor(&mut self) {
        self.close_anchor();
        if let Some(name) = self.take(Attr::Name) {
            self.add_id(&name);
        }
        let Some(href) = self.take(Attr::Href) else { return };
        let nofollow = self.take(Attr::Rel).is_some_and(|rel| has_word(&rel, &["nofollow"]));
        self.add(href, Element::Anchor, String::new(), nofollow);
        self.open = (!self.cut.links).then(|| self.raw.len() - 1);
    }

    fn close_anchor(&mut self) {
        if let Some(at) = self.open.take() {
            let raw = &mut self.raw[at];
            raw.text = one_line(&raw.text, TEXT_BYTES);
        }
    }

    /// Hints to connect early name a host, not a thing that could be missing.
    fn link(&mut self) {
        let rel = self.take(Attr::Rel).unwrap_or_default();
        if has_word(&rel, &["preconnect", "dns-prefetch"]) {
            return;
        }
        if let Some(href) = self.take(Attr::Href).filter(|href| !href.trim().is_empty()) {
            self.add(href, Element::Link, one_line(&rel, TEXT_BYTES), false);
        }
    }

    fn others(&mut self, element: Element) {
        let text = one_line(&self.take(Attr::Text).unwrap_or_default(), TEXT_BYTES);
        if let Some(at) = self.open.filter(|_| element == Element::Image && !text.is_empty()) {
            self.append_text(at, &text);
        }
        let address = if element == Element::Area { Attr::Href } else { Attr::Src };
        for attr in [address, Attr::Poster] {
            if let Some(href) = self.take(attr).filter(|href| !href.trim().is_empty()) {
                self.add(href, element, text.clone(), false);
            }
        }
        if let Some(list) = self.take(Attr::Srcset) {
            for href in srcset::addresses(&list).take(SRCSET_ADDRESSES) {
                self.add(href.to_owned(), element, text.clone(), false);
            }
        }
    }

    fn add(&mut self, href: String, element: Element, text: String, nofollow: bool) {
        if self.raw.len() >= self.limits.max_links {
            self.cut.links = true;
            return;
        }
        self.raw.push(Raw { href, element, text, nofollow });
    }

    fn add_id(&mut self, id: &str) {
        if id.is_empty() {
            return;
        }
        if self.ids.len() >= self.limits.max_ids {
            self.cut.ids = true;
            return;
        }
        self.ids.push(Anchors::hash(id));
    }

    fn text(&mut self, value: &[u8]) {
        if let Some(at) = self.open {
            self.append_text(at, &String::from_utf8_lossy(&value[..value.len().min(4 * TEXT_BYTES)]));
        }
    }

    fn append_text(&mut self, at: usize, text: &str) {
        let known = &mut self.raw[at].text;
        if known.len() < 4 * TEXT_BYTES {
            known.push_str(&clip(text, 4 * TEXT_BYTES));
            known.push(' ');
        }
    }
}

fn has_word(list: &str, words: &[&str]) -> bool {
    list.split([' ', '\t', '\n', '\r', '\x0c', ','])
        .any(|item| words.iter().any(|word| item.eq_ignore_ascii_case(word)))
}

struct Events<'a>(&'a mut Collector);

impl Callback<std::convert::Infallible, ()> for Events<'_> {
    fn handle_event(&mut self, event: CallbackEvent<'_>, _: Span<()>) -> Option<std::convert::Infallible> {
        match event {
            CallbackEvent::OpenStartTag { name } => self.0.open_tag(name),
            CallbackEvent::AttributeName { name } => self.0.attribute_name(name),
            CallbackEvent::AttributeValue { value } => self.0.attribute_value(value),
            CallbackEvent::CloseStartTag { .. } => self.0.close_tag(),
            CallbackEvent::EndTag { name: b"a" } => self.0.close_anchor(),
            CallbackEvent::String { value } => self.0.text(value),
            _ => {}
        }
        None
    }
}
