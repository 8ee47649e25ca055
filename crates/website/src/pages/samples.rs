//! Pages as tests see them: usual ones, and the same with every text made hostile.
#![expect(clippy::unnecessary_wraps, reason = "a text for an optional field is made in one place")]

mod jobs;
mod mirror;

use super::*;
use chrono::{DateTime, TimeDelta, Utc};
use trawl_jobs::{JobId, State};
use trawl_protocol::message::{ProcessInfo, ProcessState};

/// What every text of a hostile page ends with.
pub(super) const HOSTILE: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";

/// Makes pages. Every text from outside passes through [`Self::say`].
pub(super) struct Samples(pub(super) bool);

impl Samples {
    fn say(&self, text: &str) -> String {
        if self.0 { format!("{text}{HOSTILE}") } else { text.to_owned() }
    }

    fn some(&self, text: &str) -> Option<String> {
        Some(self.say(text))
    }

    fn web(&self, path: &str) -> Option<String> {
        Some(if self.0 { format!("javascript:alert('{path}')") } else { format!("https://gitlab.example.com/{path}") })
    }

    pub(super) fn now() -> DateTime<Utc> {
        "2026-11-22T14:05:00Z".parse().unwrap()
    }

    fn ago(seconds: i64) -> DateTime<Utc> {
        Self::now() - TimeDelta::seconds(seconds)
    }

    pub(super) fn id(number: u8) -> JobId {
        format!("019394f0-{number:04}-7000-8000-0123456789ab").parse().unwrap()
    }

    pub(super) fn frame(&self) -> Frame {
        Frame {
            user_name: self.say("maria"),
            is_admin: true,
            csrf: self.say("token"),
            lamp: Lamp::AllUp(3),
            now: Self::now(),
            seen: 0,
        }
    }

    pub(super) fn accounts(&self) -> Accounts {
        let account = |id, token| LinkedAccount {
            id,
            instance_url: self.say("https://gitlab.example.com"),
            username: self.some("maria"),
            token,
            groups: 24,
            projects: 214,
            expires_at: (id == 1).then(|| Self::ago(-400_000)),
            renews: id == 3,
            scopes: self.some("read_api sudo"),
            waiting_jobs: 14,
            linked_at: Self::ago(400_000),
        };
        let refused = TokenState::Refused { since: Self::ago(1200), reason: self.some("The token expired.") };
        Accounts {
            frame: self.frame(),
            linked: self.some("Linked maria."),
            accounts: vec![account(1, TokenState::Works), account(2, refused), account(3, TokenState::NotChecked)],
            sign_ins: vec![(1, self.say("https://gitlab.example.com"))],
            form: LinkForm {
                instance_url: self.say("https://gitlab.example.com"),
                instance_error: self.some("Nothing answers at this address."),
                token_error: self.some("GitLab refuses this token. Check that it has not expired."),
                error: self.some("This account is linked already."),
            },
        }
    }

    pub(super) fn schedules(&self) -> Schedules {
        let row = |id, every_seconds, cron: Option<&str>| ScheduleRow {
            id,
            name: self.say("docs, each night"),
            kind: "link_scan".to_owned(),
            about: self.say("https://docs.example.com/"),
            every_seconds,
            cron: cron.and_then(|cron| self.some(cron)),
            enabled: id == 1,
            next: (id == 1).then(|| Self::now() + chrono::TimeDelta::hours(5)),
            later: vec![Self::now() + chrono::TimeDelta::hours(29)],
            last: Some(Self::ago(70_000)),
            last_job: (id == 1).then(|| Self::id(3)),
        };
        Schedules { frame: self.frame(), rows: vec![row(1, None, Some("30 2 * * *")), row(2, Some(3600), None)] }
    }

    pub(super) fn admin(&self) -> Admin {
        let process = |name: &str, state, pid| ProcessInfo {
            name: self.say(name),
            state,
            pid,
            since_ms: Self::ago(3724).timestamp_millis(),
            restarts: 2,
            detail: self.some("ended with status 101"),
            last_end: self.some("ended with status 101"),
        };
        Admin {
            frame: self.frame(),
            processes: vec![
                process("website", ProcessState::Running, Some(4711)),
                process("crawler-1", ProcessState::Backoff, None),
                process("crawler-2", ProcessState::Failed, None),
            ],
            pauses: vec![PauseRow {
                what: self.say("every issues job"),
                scope: "kind",
                subject: self.say("issues"),
                reason: self.say("GitLab is being upgraded"),
                by: self.some("maria"),
                since: Self::ago(900),
            }],
            accounts: vec![(1, self.say("maria @ gitlab.example.com"))],
            redirect_uri: self.say("https://trawl.example.com/auth/gitlab/callback"),
            applications: vec![ApplicationRow {
                instance: 1,
                instance_url: self.say("https://gitlab.example.com"),
                client_id: self.say("6a1c"),
                confidential: true,
                since: Self::ago(90_000),
            }],
            webhooks: vec![WebhookRow {
                instance: 1,
                instance_url: self.say("https://gitlab.example.com"),
                url: self.say("https://trawl.example.com/hooks/gitlab/1"),
                last_event: Some(Self::ago(40)),
            }],
            instances: vec![self.say("https://gitlab.example.com")],
            new_secret: Some(NewSecret {
                url: self.say("https://trawl.example.com/hooks/gitlab/1"),
                secret: self.say("5ec4e7"),
            }),
            database: DatabaseFacts {
                backend: self.say("SQLite"),
                version: self.say("3.50.4"),
                size_bytes: Some(48_700_000),
            },
        }
    }

    pub(super) fn setup(&self) -> Setup {
        Setup {
            token: self.say("abc"),
            csrf: self.say("token"),
            username: self.say("maria"),
            username_error: self.some("This name is taken."),
            password_error: self.some("The password is too short: 10 characters at least."),
            repeat_error: self.some("The two passwords differ."),
        }
    }

    pub(super) fn sign_in(&self) -> SignIn {
        SignIn {
            csrf: self.say("token"),
            username: self.say("maria"),
            error: self.some("The username or the password is wrong."),
            next: self.some("/jobs"),
            hint: self.some("The set-up link is in the terminal."),
        }
    }

    pub(super) fn error(&self) -> ErrorPage {
        ErrorPage {
            title: self.say("There is nothing here"),
            sentence: self.say("The address may be mistyped."),
            next: Some(NextStep { href: self.say("/jobs"), label: self.say("Show jobs") }),
            ..ErrorPage::of(404)
        }
    }

    /// Every page by its name.
    pub(super) fn all(&self) -> Vec<(&'static str, String)> {
        let html = |page: &dyn askama::DynTemplate| page.dyn_render().unwrap();
        let found = Explore { q: self.say("gate"), ..self.explore() };
        vec![
            ("overview", html(&self.overview())),
            ("jobs", html(&self.jobs())),
            ("job", html(&self.job(State::Running))),
            ("job-failed", html(&self.job(State::Failed))),
            ("explore", html(&self.explore())),
            ("explore-found", html(&found)),
            ("group", html(&self.group())),
            ("project", html(&self.project())),
            ("charts", html(&self.charts())),
            ("search", html(&self.search())),
            ("resource", html(&self.resource())),
            ("accounts", html(&self.accounts())),
            ("schedules", html(&self.schedules())),
            ("admin", html(&self.admin())),
            ("setup", html(&self.setup())),
            ("sign-in", html(&self.sign_in())),
            ("error", html(&self.error())),
        ]
    }
}
