use std::fmt;

/// The kind of element that a link stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Element {
    /// `a`
    Anchor,
    /// `area` of an image map
    Area,
    /// `link`: style sheets, icons, feeds
    Link,
    /// `img`
    Image,
    /// `script`
    Script,
    /// `iframe` and `frame`
    Frame,
    /// `source` of a picture, video or audio
    Source,
    /// `video`, its poster included
    Video,
    /// `audio`
    Audio,
    /// `track` of a video
    Track,
    /// `embed` and `object`
    Embed,
}

impl Element {
    /// The word that is stored and shown: the element's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anchor => "a",
            Self::Area => "area",
            Self::Link => "link",
            Self::Image => "img",
            Self::Script => "script",
            Self::Frame => "iframe",
            Self::Source => "source",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::Track => "track",
            Self::Embed => "embed",
        }
    }

    /// Whether a reader gets to another page by it: such links are crawled.
    #[must_use]
    pub const fn leads_to_page(self) -> bool {
        matches!(self, Self::Anchor | Self::Area | Self::Frame)
    }

    /// The element of a tag name in lower case, if links may stand in it.
    pub(super) fn of_tag(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"a" => Self::Anchor,
            b"area" => Self::Area,
            b"link" => Self::Link,
            b"img" | b"image" => Self::Image,
            b"script" => Self::Script,
            b"iframe" | b"frame" => Self::Frame,
            b"source" => Self::Source,
            b"video" => Self::Video,
            b"audio" => Self::Audio,
            b"track" => Self::Track,
            b"embed" | b"object" => Self::Embed,
            _ => return None,
        })
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
