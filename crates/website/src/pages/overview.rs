//! `/`: is it running, is it fresh, does anything need me?

use super::{
    chart::Bars,
    frame::{Frame, Section},
    link::Query,
    parts, words,
};
use askama::Template;
use chrono::{DateTime, Utc};
use trawl_jobs::{JobId, RecordKind, WaitReason};

/// The overview.
#[derive(Debug, Template)]
#[template(path = "overview.html")]
pub struct Overview {
    /// What surrounds the page.
    pub frame: Frame,
    /// How many accounts the user has linked; 0 shows how to begin.
    pub linked_accounts: i64,
    /// Jobs that run now, most interesting first; at most about six.
    pub running: Vec<RunningJob>,
    /// All jobs that run now, the listed ones included.
    pub running_total: i64,
    /// Jobs that are ready to run.
    pub queued: i64,
    /// Jobs that are parked.
    pub waiting: i64,
    /// Seconds and requests until what is queued and runs is done.
    pub left: Option<(i64, i64)>,
    /// Accounts whose token GitLab refuses.
    pub refused_accounts: Vec<RefusedAccount>,
    /// Jobs that failed in the last 24 hours, by their error.
    pub failed: Vec<FailedJobs>,
    /// There are more failures than were looked at.
    pub only_latest_failed: bool,
    /// Parked jobs by reason.
    pub parked: Vec<WaitingJobs>,
    /// Mirrored objects by kind.
    pub totals: Vec<(RecordKind, i64)>,
    /// Groups at the top; every project counts in exactly one of them.
    pub groups: Vec<GroupFreshness>,
    /// Objects written in each of the last 60 minutes, oldest first.
    pub throughput: Vec<i64>,
}

/// A job that runs now.
#[derive(Debug, Clone)]
pub struct RunningJob {
    /// The job.
    pub id: JobId,
    /// Its kind as stored, such as `merge_requests`.
    pub kind: String,
    /// Path of the area, or the account, that it is about.
    pub subject: String,
    /// 0 to 1.
    pub progress: f64,
    /// Things done, where they can be counted.
    pub count: Option<u64>,
    /// Things to do in all, where known.
    pub total: Option<u64>,
    /// Things per second of late.
    pub per_second: Option<f64>,
    /// Time until it ends, where it can be told.
    pub seconds_left: Option<i64>,
}

/// An account whose token GitLab refuses.
#[derive(Debug, Clone)]
pub struct RefusedAccount {
    /// Username in GitLab.
    pub username: String,
    /// Base URL of the instance.
    pub instance_url: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// How many jobs wait for a new token.
    pub waiting_jobs: i64,
}

/// Jobs that failed for the same reason.
#[derive(Debug, Clone)]
pub struct FailedJobs {
    /// The error of the latest of them, in words.
    pub message: String,
    /// All of them, the latest first.
    pub ids: Vec<JobId>,
    /// When the latest ended.
    pub at: DateTime<Utc>,
    /// When the first of them ended.
    pub first: DateTime<Utc>,
}

impl FailedJobs {
    /// How many.
    #[must_use]
    pub fn count(&self) -> i64 {
        words::len(&self.ids)
    }
}

/// Jobs that are parked for the same reason.
#[derive(Debug, Clone)]
pub struct WaitingJobs {
    /// Why.
    pub reason: WaitReason,
    /// How many.
    pub count: i64,
    /// When the first of them wakes by itself.
    pub until: Option<DateTime<Utc>>,
}

/// How fresh a group is that has no other above it that the user may see; or what is in a namespace of which the
/// user may see single projects alone.
#[derive(Debug, Clone)]
pub struct GroupFreshness {
    /// Our id of the group; none for a namespace.
    pub id: Option<i64>,
    /// Full path.
    pub path: String,
    /// Display name; the path of a namespace.
    pub name: String,
    /// Projects below it, at any depth.
    pub projects: i64,
    /// How many of them are complete.
    pub complete: i64,
    /// Whether there is a project in it that is not archived: others are mirrored once.
    pub refreshed: bool,
    /// The oldest last pass among its projects: nothing in the group that is refreshed is staler.
    pub synced_at: Option<DateTime<Utc>>,
    /// What is left out, in words.
    pub incomplete: Option<String>,
}

impl Overview {
    const SECTION: Section = Section::Overview;
    const LIVE: &str = "job area account process";
    /// Kinds of failures that are spelled out; the list of failed jobs has all.
    const FAILURES_SHOWN: usize = 3;

    fn title(&self) -> String {
        match self.failed_in_all() + words::len(&self.refused_accounts) {
            0 => "Overview".to_owned(),
            count => format!("Overview ({count})"),
        }
    }

    fn more_running(&self) -> i64 {
        self.running_total - words::len(&self.running)
    }

    /// Whether something asks for a person, or is about to.
    fn calm(&self) -> bool {
        self.refused_accounts.is_empty() && self.failed.is_empty() && self.parked.is_empty()
    }

    /// Whether there is anything to tell of jobs.
    fn has_jobs(&self) -> bool {
        self.running_total + self.queued + self.waiting > 0 || !self.calm()
    }

    fn projects(&self) -> (i64, i64) {
        self.groups.iter().fold((0, 0), |(complete, all), group| (complete + group.complete, all + group.projects))
    }

    /// The stalest of the groups that are kept fresh; none while one of them has not been read.
    fn oldest(&self) -> Option<DateTime<Utc>> {
        // None sorts first.
        self.groups.iter().filter(|group| group.refreshed).map(|group| group.synced_at).min().flatten()
    }

    /// Whether something that is kept fresh has not been read yet.
    fn first_pass(&self) -> bool {
        self.groups.iter().any(|group| group.projects > 0 && group.synced_at.is_none())
    }

    fn failed_in_all(&self) -> i64 {
        self.failed.iter().map(FailedJobs::count).sum()
    }

    fn bars(&self) -> Bars {
        Bars::new(&self.throughput)
    }

    fn written(&self) -> i64 {
        self.throughput.iter().sum()
    }
}

impl GroupFreshness {
    /// Whether all that is in it is archived: it is read once.
    const fn archived(&self) -> bool {
        self.projects > 0 && !self.refreshed
    }
}

impl RunningJob {
    /// Count, rate and time left, as far as they are known.
    fn figures(&self) -> String {
        let count = match (self.count, self.total) {
            (Some(count), Some(total)) => Some(format!("{} of {}", words::count(count), words::count(total))),
            (Some(count), None) => Some(words::count(count)),
            (None, _) => None,
        };
        let rate = self.per_second.map(words::rate);
        let left = self.seconds_left.map(|seconds| format!("about {} left", words::rough(seconds)));
        [count, rate, left].into_iter().flatten().collect::<Vec<_>>().join(" · ")
    }
}
