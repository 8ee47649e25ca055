//! Overview and jobs.

use super::Samples;
use crate::pages::*;
use chrono::TimeDelta;
use trawl_jobs::{ErrorClass, ItemState, Lane, Level, Progress, RecordKind, State, WaitReason};

impl Samples {
    pub(in crate::pages) fn overview(&self) -> Overview {
        let running = [
            ("infra/gateway", "merge_requests", 0.742, Some(312), Some(421), Some(38.2), Some(3)),
            ("docs/handbook", "issues", 0.22, Some(1204), Some(5470), Some(112.0), Some(38)),
            ("platform", "group", 0.5, None, None, None, None),
        ];
        let running = running.into_iter().zip(1..).map(|(job, number)| RunningJob {
            id: Self::id(number),
            kind: job.1.to_owned(),
            subject: self.say(job.0),
            progress: job.2,
            count: job.3,
            total: job.4,
            per_second: job.5,
            seconds_left: job.6,
        });
        let groups = [("Platform", 41, 41, Some(120)), ("Mobile", 9, 7, Some(540)), ("Archive", 3, 0, None)];
        let groups = groups.into_iter().zip(1..).map(|((name, projects, complete, ago), id)| GroupFreshness {
            refreshed: true,
            id: (id != 2).then_some(id),
            path: self.say(name),
            name: self.say(name),
            projects,
            complete,
            synced_at: ago.map(Self::ago),
            incomplete: ago.is_none().then(|| self.say("no access to issues")),
        });
        Overview {
            frame: self.frame(),
            linked_accounts: 2,
            running: running.collect(),
            running_total: 9,
            queued: 1204,
            waiting: 14,
            left: Some((790, 4120)),
            refused_accounts: vec![RefusedAccount {
                username: self.say("maria"),
                instance_url: self.say("https://gitlab.corp.example"),
                since: Self::ago(1200),
                waiting_jobs: 14,
            }],
            only_latest_failed: false,
            failed: vec![FailedJobs {
                message: self.say("GitLab answered 404: the project is gone, or the account may not see it any more."),
                ids: vec![Self::id(9), Self::id(8), Self::id(7)],
                at: Self::ago(4000),
                first: Self::ago(9000),
            }],
            parked: vec![WaitingJobs {
                reason: WaitReason::RateLimited,
                count: 2,
                until: Some(Self::now() + TimeDelta::seconds(90)),
            }],
            totals: RecordKind::ALL.iter().copied().zip([24, 214, 48_310, 21_407, 512_880]).collect(),
            groups: groups.collect(),
            throughput: (0..60).map(|minute| (minute * 37 % 23) * 12 + minute * 6).collect(),
        }
    }

    pub(in crate::pages) fn jobs(&self) -> Jobs {
        let kinds = ["merge_requests", "issues", "project", "group", "authorization_scope"];
        let rows = (1_u8..=14).map(|number| {
            let state = State::ALL[usize::from(number) % State::ALL.len()];
            let begun = !matches!(state, State::Queued);
            JobRow {
                id: Self::id(number),
                state,
                kind: kinds[usize::from(number) % kinds.len()].to_owned(),
                subject: self.say(["platform/infra/gateway", "docs/handbook", "mobile/app"][usize::from(number) % 3]),
                account: self.some("maria @ gitlab.example.com"),
                progress: if state == State::Completed { 1.0 } else { f64::from(number) / 20.0 },
                attempt: i32::from(begun),
                max_attempts: 5,
                priority: if number.is_multiple_of(5) { 100 } else { 60 },
                lane: Lane::of(if number.is_multiple_of(5) { 100 } else { 60 }, 90),
                created_at: Self::ago(i64::from(number) * 97),
                started_at: begun.then(|| Self::ago(i64::from(number) * 80)),
                ended_at: (!state.is_live()).then(|| Self::ago(i64::from(number) * 20)),
                note: (state == State::Failed).then(|| self.say("GitLab answered 404: no such project")),
            }
        });
        Jobs {
            frame: self.frame(),
            filter: JobFilter {
                state: StateFilter::Active,
                kind: self.some("issues"),
                lane: Some(Lane::Normal),
                q: self.say("gate"),
            },
            notice: self.some("2 jobs were stopped."),
            counts: State::ALL.into_iter().zip([1204, 14, 9, 1, 48_211, 3, 2]).collect(),
            rows: rows.collect(),
            older: Some(Self::id(14)),
            newer: None,
            searched_to: Some(Self::ago(90_000)),
        }
    }

    pub(in crate::pages) fn job(&self, state: State) -> JobPage {
        let mut progress = Progress::new(&[]);
        for (name, count, total) in
            [("list merge requests", 421, Some(421)), ("notes_over_20", 173, Some(421)), ("people", 0, None)]
        {
            let name = self.say(name);
            progress.add(&[&name], 1.0);
            if count > 0 {
                progress.set_counts(&[&name], count, total, Self::ago(90));
            }
        }
        progress.set(&["people", &self.say("maria")], 0.5, Self::ago(40));
        let message = |id: u8, level, text: &str| JobMessage {
            id: id.into(),
            level,
            at: Self::ago(i64::from(id)),
            text: self.say(text),
        };
        let related = |number, state| RelatedJob {
            id: Self::id(number),
            kind: "project".to_owned(),
            subject: self.say("platform/infra/gateway"),
            state,
        };
        JobPage {
            frame: self.frame(),
            id: Self::id(1),
            kind: "merge_requests".to_owned(),
            subject: self.say("platform/infra/gateway"),
            subject_href: Some("/explore/project/7".to_owned()),
            account: self.some("maria @ gitlab.example.com"),
            state,
            note: (state == State::Failed).then(|| self.say("GitLab answered 404: no such project.")),
            attempt: 2,
            max_attempts: 5,
            worker: self.some("crawler-1"),
            priority: 60,
            lane: Lane::Normal,
            created_at: Self::ago(200),
            run_at: None,
            started_at: Some(Self::ago(97)),
            ended_at: (!state.is_live()).then(Self::now),
            progress,
            per_second: Some(38.0),
            seconds_left: Some(3),
            messages: vec![
                message(80, Level::Info, "goes on after the checkpoint at page 3"),
                message(60, Level::Warning, "page size halved to 25 after a timeout of 30 s"),
                message(30, Level::Error, "merge request !77 was skipped: its notes cannot be read"),
            ],
            message_counts: Level::ALL.map(|level| LevelCount { level, kept: 12, dropped: 3 }).to_vec(),
            level: None,
            attempts: vec![
                Attempt {
                    number: 1,
                    started_at: Self::ago(190),
                    ended_at: Some(Self::ago(120)),
                    worker: self.say("crawler-2"),
                    outcome: self.some("failed"),
                    error_class: Some(ErrorClass::Crashed),
                    error: self.some("the worker was lost"),
                },
                Attempt {
                    number: 2,
                    started_at: Self::ago(97),
                    ended_at: None,
                    worker: self.say("crawler-1"),
                    outcome: None,
                    error_class: None,
                    error: None,
                },
            ],
            items: vec![
                ItemRow {
                    name: self.say("https://example.com/guide"),
                    state: ItemState::Failed,
                    verdict: self.some("dead"),
                    note: self.some("404 Not Found"),
                    found_on: self.some("https://example.com/guide"),
                },
                ItemRow {
                    name: self.say("https://example.com/"),
                    state: ItemState::Done,
                    verdict: self.some("alive"),
                    note: None,
                    found_on: None,
                },
            ],
            item_counts: vec![
                (ItemState::Done, self.some("alive"), 211),
                (ItemState::Failed, self.some("dead"), 3),
                (ItemState::Skipped, None, 1),
            ],
            item_filter: ItemChoice::default(),
            more_items: self.some("https://example.com/"),
            payload: self.say("{\"full\":true}"),
            result: self.some("{\"merge_requests\":421,\"notes\":3100}"),
            cursor: self.some("{\"after\":\"eyJpZCI6IjQyIn0\"}"),
            parent: Some(related(2, State::Completed)),
            children: vec![related(3, State::Queued)],
        }
    }
}
