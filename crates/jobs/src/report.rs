//! What a worker says about a job. A report is committed as a whole, together with the cursor it carries.

use crate::{AccountId, FoundArea, Item, JobError, Lease, Progress, Record, RecordKind};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Weight of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Worth knowing.
    Info,
    /// Worth a look; the job goes on.
    Warning,
    /// Something was lost or skipped.
    Error,
}

impl Level {
    /// Every level.
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Error];

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|level| level.as_str() == text).ok_or_else(|| format!("unknown level {text:?}"))
    }
}

/// One thing that a worker reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// How far the job is.
    Progress(Progress),
    /// A line for the job's log.
    Message {
        /// Its weight.
        level: Level,
        /// When it was written.
        at: DateTime<Utc>,
        /// One sentence; data in it may be hostile.
        text: String,
    },
    /// Groups and projects that the job's account can reach.
    Discovered(Vec<FoundArea>),
    /// Mirrored objects, to be written if new or newer.
    Records(Vec<Record>),
    /// All that hangs on these objects has come, as of before: what hung on them and did not come again is gone.
    Children {
        /// What hangs on them.
        kind: RecordKind,
        /// What they are.
        parent: RecordKind,
        /// GitLab's ids of them.
        of: Vec<i64>,
        /// The accounts whose tokens were used until then, as of [`Outcome::Completed`].
        readers: Vec<AccountId>,
    },
    /// Objects that are there, of one kind: what the mirror does not have like this is to be read.
    Sightings(RecordKind, Vec<Sighting>),
    /// How single things went.
    Items(Vec<Item>),
    /// Where to go on after a crash: a JSON value that only the job's kind understands.
    Cursor(String),
    /// The last word.
    Finished(Outcome),
}

/// An object as a sweep has seen it: enough to tell whether the mirror has it as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sighting {
    /// GitLab's id.
    pub gitlab_id: i64,
    /// Number within the project.
    pub iid: i64,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
    /// People's comments on it; one that is deleted does not count as a change. None where GitLab does not say.
    pub comments: Option<i64>,
}

/// How a job ended for its worker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    /// Done.
    Completed {
        /// Figures for people, a JSON object.
        result: String,
        /// Everything of this kind in this area that changed before this time has been seen: where the next
        /// incremental pass begins.
        watermark: Option<DateTime<Utc>>,
        /// Whether a cap, a skipped page or a lost permission left something out, in words.
        incomplete: Option<String>,
        /// Lists that were read to the end since the job was submitted: what was mirrored of them before, and did not
        /// come again, is gone. Also those that are not shown.
        whole: Vec<WholeList>,
        /// The accounts whose tokens were used, in all attempts; none where none was needed, or it was the worker's own.
        readers: Vec<AccountId>,
    },
    /// Not done.
    Failed(JobError),
    /// Stopped because a person asked.
    Aborted,
    /// Given back unfinished, because the worker is going away; no attempt burnt.
    HandedBack,
}

/// A list that was read whole, or that GitLab does not show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WholeList {
    /// What it holds.
    pub kind: RecordKind,
    /// How many there were; none: it is switched off, or hidden from the account, which GitLab does not tell apart.
    pub seen: Option<u64>,
    /// Nothing can have slipped through while it was read: it came at once, or by a cursor that nothing moves.
    pub sure: bool,
}

/// One atomic report about a leased job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The right to say so.
    pub lease: Lease,
    /// Counts the reports under this lease from 1; one that was committed before is ignored, so that resending is
    /// harmless.
    pub seq: i64,
    /// What changed, in order.
    pub changes: Vec<Change>,
}

impl Report {
    /// The outcome, if this is the last report.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        self.changes.iter().find_map(|change| match change {
            Change::Finished(outcome) => Some(outcome),
            _ => None,
        })
    }
}
