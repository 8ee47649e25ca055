//! `/schedules`: jobs that come again and again.

use super::{
    frame::{Frame, Section},
    parts, words,
};
use askama::Template;
use chrono::{DateTime, Utc};
use trawl_jobs::JobId;

/// The list of schedules.
#[derive(Debug, Template)]
#[template(path = "schedules.html")]
pub struct Schedules {
    /// What surrounds the page.
    pub frame: Frame,
    /// By name.
    pub rows: Vec<ScheduleRow>,
}

/// One schedule.
#[derive(Debug, Clone)]
pub struct ScheduleRow {
    /// Our id.
    pub id: i64,
    /// Name.
    pub name: String,
    /// Kind of its jobs.
    pub kind: String,
    /// What their options name, such as a URL; may be empty.
    pub about: String,
    /// Seconds between two runs.
    pub every_seconds: Option<i64>,
    /// Or a cron expression.
    pub cron: Option<String>,
    /// Whether it is on.
    pub enabled: bool,
    /// When it runs next.
    pub next: Option<DateTime<Utc>>,
    /// And after that.
    pub later: Vec<DateTime<Utc>>,
    /// When it ran last.
    pub last: Option<DateTime<Utc>>,
    /// What it submitted then.
    pub last_job: Option<JobId>,
}

impl Schedules {
    const SECTION: Section = Section::Jobs;
    const LIVE: &str = "job";
}

impl ScheduleRow {
    fn rhythm(&self) -> String {
        match (self.every_seconds, &self.cron) {
            (Some(seconds), _) => format!("every {}", words::rough(seconds)),
            (None, Some(cron)) => cron.clone(),
            (None, None) => String::new(),
        }
    }

    /// The runs after the next one, for whoever wonders whether the expression means what they think.
    fn later_words(&self) -> String {
        let later: Vec<String> = self.later.iter().map(|at| words::exact(*at)).collect();
        later.join("\n")
    }
}
