//! The words about jobs.

use crate::{Boot, ProcessId, Role};
use serde::{Deserialize, Serialize};
use trawl_jobs::{AccountId, AreaRef, Lease, Progress, Report};

/// What website and crawlers say to each other. The supervisor passes it on unread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Message {
    /// Website to crawler: run this.
    StartJob(Box<StartJob>),
    /// Website to crawler: stop running this.
    StopJob(StopJob),
    /// Website to crawler, after either of them was restarted: which leases do you hold? Names the life that asks, since
    /// an answer may reach the next one.
    AskHoldings(Boot),
    /// The answer to the life that asked, complete.
    Holdings(Boot, Vec<Lease>),
    /// Crawler to website: what happened to a job.
    JobUpdate(Box<Report>),
    /// Crawler to website, as a signal: it is alive, and with it all that it holds.
    Heartbeat {
        /// How much of its window towards the website is taken by what is not acknowledged, in percent.
        window_percent: u8,
    },
}

/// Everything a worker needs to run a job, and nothing secret.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StartJob {
    /// The right to report about it.
    pub lease: Lease,
    /// Kind of job, one of [`trawl_jobs::JobSpec::KINDS`].
    pub kind: String,
    /// The kind's options as JSON.
    pub payload: String,
    /// Base URL of the GitLab instance, for kinds that need one.
    pub instance_url: Option<String>,
    /// Accounts whose token may be used, best first. An unlinked account is not among them.
    pub accounts: Vec<AccountId>,
    /// The group or project, for kinds that are about one.
    pub area: Option<AreaRef>,
    /// Where an earlier attempt left off.
    pub cursor: Option<String>,
    /// How far an earlier attempt was.
    pub progress: Progress,
    /// Everything before this time has been seen by an earlier pass. Microseconds since 1970, UTC.
    pub watermark_us: Option<i64>,
    /// Numbers within the project of what a sweep has missed: to be read whatever its time.
    pub missed: Vec<i64>,
    /// How many requests other crawlers may have under way at the same time, perhaps with the same tokens.
    pub elsewhere: u16,
}

/// Stop running a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopJob {
    /// A person asked: end it soon and report [`trawl_jobs::Outcome::Aborted`].
    Abort(Lease),
    /// The lease is gone: end it at once and report nothing.
    Drop(Lease),
}

/// A process that has been admitted to the bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Its address.
    pub id: ProcessId,
    /// Its life. Another life under the same address has lost everything that the earlier one held in memory.
    pub boot: Boot,
    /// What it does.
    pub role: Role,
    /// Number of its connection, new for each. None: it is alive, but cannot be reached for the moment. A process
    /// that is dead is not listed at all.
    pub connection: Option<u32>,
    /// How many jobs it runs at once; 0 for a website.
    pub capacity: u16,
    /// The kinds of job that it can run.
    pub kinds: Vec<String>,
    /// Base URL of the one instance whose credentials it brought along; none: it is given credentials.
    pub own_instance: Option<String>,
}

/// Where a supervised process stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessState {
    /// Not started because it waits for something; the detail says what.
    Waiting,
    /// Started, not ready yet.
    Starting,
    /// Ready.
    Running,
    /// Ended; started again after a pause.
    Backoff,
    /// Ended too often; stays down until somebody starts it.
    Failed,
    /// Asked to end.
    Stopping,
    /// Down because somebody wanted it.
    Stopped,
}

impl ProcessState {
    /// The word that is shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Backoff => "backoff",
            Self::Failed => "failed",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }
}

/// A row of the process table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessInfo {
    /// Name, such as `crawler-1`.
    pub name: String,
    /// Where it stands.
    pub state: ProcessState,
    /// Process id of the operating system, while it lives.
    pub pid: Option<u32>,
    /// When this state began. Milliseconds since 1970, UTC.
    pub since_ms: i64,
    /// How often it was started again since the supervisor started.
    pub restarts: u32,
    /// What it waits for, or why it is down, in words.
    pub detail: Option<String>,
    /// Why it was started again last, in words.
    pub last_end: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{decode, encode};
    use chrono::{DateTime, Utc};
    use proptest::{collection::vec, option, prelude::*};
    use trawl_jobs::{
        AreaKind, Change, ErrorClass, FoundArea, Item, ItemState, JobError, JobId, Level, Outcome, Record, RecordKind,
        Sighting, WholeList,
    };

    fn lease() -> impl Strategy<Value = Lease> {
        any::<i64>().prop_map(|token| Lease { job: JobId::new(), token })
    }

    fn time() -> impl Strategy<Value = DateTime<Utc>> {
        (0..4_000_000_000_000_000_i64).prop_map(|micros| DateTime::from_timestamp_micros(micros).unwrap())
    }

    fn record() -> impl Strategy<Value = Record> {
        let kinds = proptest::sample::select(RecordKind::ALL);
        let parent = option::of((kinds.clone(), any::<i64>()));
        (kinds, any::<i64>(), option::of(any::<i64>()), parent, any::<String>(), option::of(time()), any::<bool>())
            .prop_map(|(kind, gitlab_id, iid, parent, text, at, confidential)| Record {
                kind,
                gitlab_id,
                iid,
                parent,
                title: text.clone(),
                state: iid.map(|_| text.clone()),
                author: None,
                created_at: at,
                updated_at: at,
                closed_at: None,
                merged_at: at,
                web_url: Some(text.clone()),
                confidential,
                payload: text,
            })
    }

    fn area() -> impl Strategy<Value = FoundArea> {
        (any::<bool>(), any::<i64>(), any::<String>(), option::of(any::<i32>())).prop_map(
            |(group, gitlab_id, text, access_level)| FoundArea {
                kind: if group { AreaKind::Group } else { AreaKind::Project },
                gitlab_id,
                full_path: text.clone(),
                name: text,
                web_url: None,
                visibility: None,
                archived: group,
                issues_enabled: !group,
                merge_requests_enabled: group,
                access_level,
            },
        )
    }

    fn change() -> impl Strategy<Value = Change> {
        let levels = proptest::sample::select(Level::ALL.to_vec());
        let failed = (any::<String>(), option::of(any::<u64>())).prop_map(|(message, retry_after_ms)| {
            Outcome::Failed(JobError { class: ErrorClass::RateLimited, message, retry_after_ms })
        });
        let completed = (any::<String>(), option::of(time()), option::of(any::<String>())).prop_map(
            |(result, watermark, incomplete)| {
                let kind = RecordKind::Label;
                let whole = WholeList { kind, seen: incomplete.as_ref().map(|_| 3), sure: true };
                Outcome::Completed { result, watermark, incomplete, whole: vec![whole], readers: vec![AccountId(7)] }
            },
        );
        let outcome = prop_oneof![failed, completed, Just(Outcome::Aborted), Just(Outcome::HandedBack)];
        prop_oneof![
            (any::<String>(), 0.0..1.0_f64, time()).prop_map(|(name, done, at)| {
                let mut progress = Progress::new(&[(&name, 0.5)]);
                progress.set(&[&name], done, at);
                progress.set_counts(&["more", "inner"], 3, None, at);
                Change::Progress(progress)
            }),
            (levels, time(), any::<String>()).prop_map(|(level, at, text)| Change::Message { level, at, text }),
            vec(area(), 0..4).prop_map(Change::Discovered),
            vec(record(), 0..4).prop_map(Change::Records),
            vec(any::<i64>(), 0..4).prop_map(|of| Change::Children {
                kind: RecordKind::Note,
                parent: RecordKind::Issue,
                of,
                readers: vec![AccountId(7)]
            }),
            vec((any::<i64>(), time(), option::of(any::<i64>())), 0..4).prop_map(|seen| {
                let sighting = |(n, updated_at, comments)| Sighting { gitlab_id: n, iid: n, updated_at, comments };
                Change::Sightings(RecordKind::MergeRequest, seen.into_iter().map(sighting).collect())
            }),
            (any::<String>(), option::of(any::<String>()))
                .prop_map(|(name, note)| { Change::Items(vec![Item { note, ..Item::new(name, ItemState::Failed) }]) }),
            any::<String>().prop_map(Change::Cursor),
            outcome.prop_map(Change::Finished),
        ]
    }

    fn start() -> impl Strategy<Value = StartJob> {
        (lease(), any::<String>(), vec(any::<i64>(), 0..4), option::of(any::<String>()), option::of(any::<i64>()))
            .prop_map(|(lease, text, accounts, cursor, watermark_us)| StartJob {
                lease,
                kind: text.clone(),
                payload: text.clone(),
                instance_url: cursor.clone(),
                accounts: accounts.into_iter().map(AccountId).collect(),
                area: cursor.as_ref().map(|_| AreaRef { kind: AreaKind::Project, gitlab_id: 7, full_path: text }),
                cursor,
                progress: Progress::new(&[("all", 1.0)]),
                watermark_us,
                missed: vec![1, 7],
                elsewhere: 3,
            })
    }

    fn message() -> impl Strategy<Value = Message> {
        let report = (lease(), any::<i64>(), vec(change(), 0..6))
            .prop_map(|(lease, seq, changes)| Message::JobUpdate(Box::new(Report { lease, seq, changes })));
        prop_oneof![
            start().prop_map(|start| Message::StartJob(Box::new(start))),
            lease().prop_map(|lease| Message::StopJob(StopJob::Abort(lease))),
            lease().prop_map(|lease| Message::StopJob(StopJob::Drop(lease))),
            any::<u32>().prop_map(|boot| Message::AskHoldings(Boot(boot))),
            (any::<u32>(), vec(lease(), 0..5)).prop_map(|(boot, leases)| Message::Holdings(Boot(boot), leases)),
            report,
            (0..=100_u8).prop_map(|window_percent| Message::Heartbeat { window_percent }),
        ]
    }

    proptest! {
        #[test]
        fn every_message_is_read_back(message in message()) {
            prop_assert_eq!(decode::<Message>(&encode(&message).unwrap()).unwrap(), message);
        }

        /// A part of a message is an error; damaged bytes are another message or an error, and nothing worse.
        #[test]
        fn a_damaged_message_does_no_harm(message in message(), at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
            let whole = encode(&message).unwrap();
            prop_assert!(decode::<Message>(&whole[..cut.index(whole.len())]).is_err(), "a part is not the whole");
            let mut damaged = whole.to_vec();
            damaged[at.index(whole.len())] = byte;
            if let Ok(other) = decode::<Message>(&damaged) {
                prop_assert!(encode(&other).is_ok());
            }
        }
    }
}
