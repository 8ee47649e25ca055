//! `/jobs/{id}`: everything about one job.

use super::{
    frame::{Frame, Section},
    link::Query,
    parts,
    timeline::{Life, Timeline},
    words,
};
use askama::Template;
use chrono::{DateTime, Utc};
use trawl_jobs::{ErrorClass, ItemState, JobId, Lane, Level, Progress, State, SubOperation};

/// One job.
#[derive(Debug, Template)]
#[template(path = "job.html")]
pub struct JobPage {
    /// What surrounds the page.
    pub frame: Frame,
    /// The job.
    pub id: JobId,
    /// Its kind as stored.
    pub kind: String,
    /// Path of the area that it is about, or the account.
    pub subject: String,
    /// Page of the area, such as `/explore/project/7`.
    pub subject_href: Option<String>,
    /// The account that reads, such as `maria @ gitlab.example.com`.
    pub account: Option<String>,
    /// Where it stands.
    pub state: State,
    /// Why it failed, or what it waits for, in words.
    pub note: Option<String>,
    /// Attempts that count, the running one included.
    pub attempt: i32,
    /// How many are allowed.
    pub max_attempts: i32,
    /// Worker that holds it, such as `crawler-1`.
    pub worker: Option<String>,
    /// Higher runs first.
    pub priority: i32,
    /// Its lane.
    pub lane: Lane,
    /// When it was submitted.
    pub created_at: DateTime<Utc>,
    /// Not to start before this, where that is in the future.
    pub run_at: Option<DateTime<Utc>>,
    /// When its last attempt began.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// How far it is.
    pub progress: Progress,
    /// Things per second of late.
    pub per_second: Option<f64>,
    /// Time until it ends, where it can be told.
    pub seconds_left: Option<i64>,
    /// Newest last; those of `level` only, where that is set.
    pub messages: Vec<JobMessage>,
    /// How many there are per level, and how many were dropped.
    pub message_counts: Vec<LevelCount>,
    /// `level` in the URL.
    pub level: Option<Level>,
    /// Oldest first.
    pub attempts: Vec<Attempt>,
    /// What it has worked through, in the order of the names; those of `item_filter` only.
    pub items: Vec<ItemRow>,
    /// How many items stand where.
    pub item_counts: Vec<(ItemState, Option<String>, i64)>,
    /// `item` and `verdict` in the URL.
    pub item_filter: ItemChoice,
    /// Name of the last item shown, where there are more.
    pub more_items: Option<String>,
    /// The kind's options as JSON.
    pub payload: String,
    /// Figures for people as JSON, once it has ended.
    pub result: Option<String>,
    /// Where the next attempt goes on, as JSON.
    pub cursor: Option<String>,
    /// The job that led to this one.
    pub parent: Option<RelatedJob>,
    /// Jobs that this one led to.
    pub children: Vec<RelatedJob>,
}

/// Messages of one level.
#[derive(Debug, Clone, Copy)]
pub struct LevelCount {
    /// Of this level.
    pub level: Level,
    /// So many are kept.
    pub kept: i64,
    /// So many were dropped because there were too many.
    pub dropped: i64,
}

/// One message of a job.
#[derive(Debug, Clone)]
pub struct JobMessage {
    /// Its row, for the live page.
    pub id: i64,
    /// Its weight.
    pub level: Level,
    /// When it was written.
    pub at: DateTime<Utc>,
    /// One sentence.
    pub text: String,
}

/// One thing that a job has worked through.
#[derive(Debug, Clone)]
pub struct ItemRow {
    /// Such as a URL.
    pub name: String,
    /// Where it stands.
    pub state: ItemState,
    /// The kind's own word for how it went.
    pub verdict: Option<String>,
    /// The reason in words.
    pub note: Option<String>,
    /// The page that it was found on.
    pub found_on: Option<String>,
}

/// Which items are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemChoice {
    /// `item` in the URL: only in this state.
    pub state: Option<ItemState>,
    /// `verdict` in the URL: only with this one.
    pub verdict: Option<String>,
    /// `items_after` in the URL: only those whose name comes later.
    pub after: Option<String>,
}

/// A part of the work, and how deep it lies.
#[derive(Debug)]
struct PartRow<'a> {
    depth: usize,
    part: &'a SubOperation,
}

fn flatten<'a>(parts: &'a [SubOperation], depth: usize, rows: &mut Vec<PartRow<'a>>) {
    for part in parts {
        rows.push(PartRow { depth, part });
        flatten(&part.parts, depth + 1, rows);
    }
}

/// A link that changes which items are shown.
#[derive(Debug)]
struct ItemChip {
    href: String,
    word: String,
    count: i64,
    on: bool,
}

/// One claim of a job.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Number of the claim, counted from 1.
    pub number: i64,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// Worker that ran it.
    pub worker: String,
    /// How it ended, in a word such as `completed`, `handed back`; none while it runs.
    pub outcome: Option<String>,
    /// Class of the error, where it failed.
    pub error_class: Option<ErrorClass>,
    /// The error in words.
    pub error: Option<String>,
}

/// A job's relative.
#[derive(Debug, Clone)]
pub struct RelatedJob {
    /// The job.
    pub id: JobId,
    /// Its kind as stored.
    pub kind: String,
    /// Path of the area that it is about, or the account.
    pub subject: String,
    /// Where it stands.
    pub state: State,
}

impl JobPage {
    const SECTION: Section = Section::Jobs;
    const LIVE: &str = "job";
    const PARTS_SHOWN: usize = 60;

    fn title(&self) -> String {
        format!("{} · {}", words::kind(&self.kind), self.subject)
    }

    fn can_abort(&self) -> bool {
        self.state.is_live() && self.state != State::Aborting
    }

    fn can_retry(&self) -> bool {
        matches!(self.state, State::Failed | State::Aborted)
    }

    /// A job that has ended well is done, whatever its parts were last heard to say.
    fn value(&self) -> f64 {
        if self.state == State::Completed { 1.0 } else { self.progress.value() }
    }

    /// The parts as they are read, those of a part below it; at most as many as a person looks at.
    fn part_rows(&self) -> Vec<PartRow<'_>> {
        let mut rows = Vec::new();
        flatten(self.progress.parts(), 0, &mut rows);
        rows.truncate(Self::PARTS_SHOWN);
        rows
    }

    fn parts_hidden(&self) -> u64 {
        let mut rows = Vec::new();
        flatten(self.progress.parts(), 0, &mut rows);
        u64::try_from(rows.len().saturating_sub(Self::PARTS_SHOWN)).unwrap_or(u64::MAX)
    }

    fn items_query(&self, choice: &ItemChoice) -> String {
        let address = format!("/jobs/{}", self.id);
        let query = Query::new(&address)
            .with("level", self.level.map(Level::as_str))
            .with("item", choice.state.map(ItemState::as_str))
            .with("verdict", choice.verdict.as_deref())
            .with("items_after", choice.after.as_deref());
        format!("{}#items", query.url())
    }

    fn item_chips(&self) -> Vec<ItemChip> {
        let all = ItemChip {
            href: self.items_query(&ItemChoice::default()),
            word: "all".to_owned(),
            count: self.item_counts.iter().map(|(.., count)| count).sum(),
            on: self.item_filter.state.is_none() && self.item_filter.verdict.is_none(),
        };
        let chips = self.item_counts.iter().map(|(state, verdict, count)| {
            let choice = ItemChoice { state: Some(*state), verdict: verdict.clone(), after: None };
            ItemChip {
                href: self.items_query(&choice),
                word: verdict.clone().unwrap_or_else(|| state.to_string()),
                count: *count,
                on: (self.item_filter.state, &self.item_filter.verdict) == (choice.state, &choice.verdict),
            }
        });
        std::iter::once(all).chain(chips).collect()
    }

    fn more_items_href(&self) -> Option<String> {
        let after = Some(self.more_items.clone()?);
        Some(self.items_query(&ItemChoice { after, ..self.item_filter.clone() }))
    }

    fn part_words(&self, part: &SubOperation) -> String {
        match (part.count, part.total) {
            (Some(count), Some(total)) => format!("{} of {}", words::count(count), words::count(total)),
            (Some(count), None) => words::count(count),
            (None, _) if part.value() <= 0.0 && self.state.is_live() => "not begun".to_owned(),
            (None, _) => String::new(),
        }
    }

    /// When the attempt began that runs now or was the last; a job that has to wait again shows none.
    fn begun(&self) -> Option<DateTime<Utc>> {
        self.started_at.filter(|_| parts::has_clock(self.state))
    }

    fn timeline(&self) -> Timeline {
        let life = Life {
            created: self.created_at,
            ended: self.ended_at,
            attempts: &self.attempts,
            parts: self.progress.parts(),
            messages: &self.messages,
        };
        Timeline::new(life, self.frame.now)
    }

    fn took(&self) -> Option<String> {
        self.begun().map(|started| parts::span(started, self.ended_at, self.frame.now))
    }

    /// When it may start, where that is still to come.
    fn starts_at(&self) -> Option<DateTime<Utc>> {
        self.run_at.filter(|at| *at > self.frame.now && matches!(self.state, State::Queued | State::Waiting))
    }

    fn count_of(&self, level: Level) -> i64 {
        self.message_counts.iter().find(|count| count.level == level).map_or(0, |count| count.kept)
    }

    fn all_messages(&self) -> i64 {
        self.message_counts.iter().map(|count| count.kept).sum()
    }

    /// How many of the messages that are looked at were dropped because there were too many.
    fn dropped_messages(&self) -> i64 {
        let shown = |count: &&LevelCount| self.level.is_none_or(|level| level == count.level);
        self.message_counts.iter().filter(shown).map(|count| count.dropped).sum()
    }
}
