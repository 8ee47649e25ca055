use serde::{Deserialize, Serialize};

/// Where the next page begins. Opaque: only the instance and the query that made it understand it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(String);

impl Cursor {
    /// Takes up a cursor that was kept, e.g. in a job's checkpoint.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text to keep.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page<T> {
    /// What could be read, in GitLab's order.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Cursor>,
    /// Length of the whole list, where GitLab tells it.
    pub total: Option<u64>,
    /// One sentence for each item that was sent but could not be understood. The page is incomplete if there is any.
    pub skipped: Vec<String>,
}

impl<T> Page<T> {
    /// The same page of something else.
    pub fn map<U>(self, convert: impl Fn(&T) -> U) -> Page<U> {
        let Self { items, next, total, skipped } = self;
        Page { items: items.iter().map(convert).collect(), next, total, skipped }
    }
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self { items: Vec::new(), next: None, total: None, skipped: Vec::new() }
    }
}
