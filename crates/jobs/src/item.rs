//! Items: what a job works through one by one, where people want to see each.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Where an item stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemState {
    /// Not looked at yet.
    Pending,
    /// Being worked on.
    Running,
    /// Done, and well.
    Done,
    /// Done, and not well; the verdict and the note say how.
    Failed,
    /// Left out on purpose.
    Skipped,
}

impl ItemState {
    /// Every state, in the order in which a person reads them.
    pub const ALL: [Self; 5] = [Self::Pending, Self::Running, Self::Done, Self::Failed, Self::Skipped];

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

impl fmt::Display for ItemState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ItemState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or_else(|| format!("unknown item state {text:?}"))
    }
}

/// One thing that a job works through. Reporting it again under the same name replaces it, but for a detail that is not
/// said again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Unique within the job, such as a file name or a URL.
    pub name: String,
    /// Where it stands.
    pub state: ItemState,
    /// The kind's own word for how it went, such as `dead`; people filter by it.
    pub verdict: Option<String>,
    /// The reason in words; data in it may be hostile.
    pub note: Option<String>,
    /// More of it, a JSON object; a `page` in it is where the item was found. None: what was said before stays.
    pub detail: Option<String>,
}

impl Item {
    /// An item of which nothing but its state is to be said.
    pub fn new(name: impl Into<String>, state: ItemState) -> Self {
        Self { name: name.into(), state, verdict: None, note: None, detail: None }
    }
}
