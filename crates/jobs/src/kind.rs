//! The closed list of job kinds. A kind's options are a plain serde struct; what they mean for dedupe and priority
//! stands here, what they do stands in the crawler, one file a kind.

pub use crate::bulk::{BULK_ACTION, BulkAction, BulkVerb};
pub use crate::drill::{Drill, DrillEnd};
pub use crate::lists::*;
use crate::{AccountId, AreaId, AreaKind, UserId};
use serde::{Deserialize, Serialize};
use url::Url;

/// What a job is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// An account as such.
    Account(AccountId),
    /// An area, whichever account reads it.
    Area(AreaId),
    /// What a person wants for themself; the options say what.
    User(UserId),
}

/// What a kind is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// A linked account.
    Account,
    /// A group or project, whichever of them it is.
    Area(AreaKind),
    /// Whatever its options name; it needs no GitLab.
    Options,
}

/// Finds the groups and projects that an account can reach.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct AuthorizationScope {}

/// Reads a group's details and what hangs below it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Group {}

/// Reads a project's details.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Project {}

/// Longest URL that is scanned, in bytes.
pub const MAX_URL: usize = 2048;

/// Finds the links of a web page, and of the pages that it leads to, and checks each of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LinkScan {
    /// The page to begin with.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uri", max_length = 2048))]
    pub url: Url,
    /// How many links to follow from the first page; 0: only its own links are checked.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(maximum = 100))]
    pub depth: u32,
    /// Follow links to the same host only. Others are checked all the same.
    #[serde(default = "yes")]
    pub same_host: bool,
    /// Pages to read at most.
    #[serde(default = "default_max_pages")]
    #[cfg_attr(feature = "openapi", schema(minimum = 1, maximum = 10_000))]
    pub max_pages: u32,
    /// Read only pages that fit one of these patterns (`*` stands for anything); empty: all. What they link to is checked
    /// all the same.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 25))]
    pub include: Vec<String>,
    /// Neither read nor check what fits one of these patterns.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(max_items = 25))]
    pub exclude: Vec<String>,
    /// Check links to other hosts as well.
    #[serde(default = "yes")]
    pub check_external: bool,
    /// Check that the place after `#` exists.
    #[serde(default)]
    pub fragments: bool,
}

const fn yes() -> bool {
    true
}

const fn default_max_pages() -> u32 {
    100
}

impl LinkScan {
    /// Scans one page with the defaults.
    #[must_use]
    pub fn of(url: Url) -> Self {
        Self {
            url,
            depth: 0,
            same_host: yes(),
            max_pages: default_max_pages(),
            include: Vec::new(),
            exclude: Vec::new(),
            check_external: yes(),
            fragments: false,
        }
    }

    fn problem(&self) -> Option<String> {
        if !matches!(self.url.scheme(), "http" | "https") {
            return Some("url must begin with http:// or https://".to_owned());
        }
        if !self.url.username().is_empty() || self.url.password().is_some() {
            return Some("url must not contain a username or password".to_owned());
        }
        if self.url.as_str().len() > MAX_URL {
            return Some(format!("url must not be longer than {MAX_URL} bytes"));
        }
        if !(1..=10_000).contains(&self.max_pages) {
            return Some("max_pages must be between 1 and 10000".to_owned());
        }
        if self.depth > 100 {
            return Some("depth must not be above 100".to_owned());
        }
        let patterns = || self.include.iter().chain(&self.exclude);
        if patterns().count() > 50 || patterns().any(|pattern| pattern.len() > 500) {
            return Some("give at most 50 patterns of at most 500 bytes".to_owned());
        }
        None
    }
}

macro_rules! kinds {
    ($($variant:ident = $name:literal, about $about:expr, priority $priority:literal;)*) => {
        /// A job's kind together with its options.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum JobSpec {
            $(#[doc = concat!("`", $name, "`")] $variant($variant),)*
        }

        impl JobSpec {
            /// Every kind's name, in the order of their priority.
            pub const KINDS: &[&str] = &[$($name),*];

            /// The name that is stored, sent and shown.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name),* }
            }

            /// Priority where nobody asks for another one; higher runs first.
            #[must_use]
            pub const fn default_priority(&self) -> i32 {
                match self { $(Self::$variant(_) => $priority),* }
            }

            /// What jobs of this kind are about.
            #[must_use]
            pub const fn about(&self) -> About {
                use About::{Account, Area, Options};
                match self { $(Self::$variant(_) => $about),* }
            }

            /// What the options of each kind look like, under the names of their types, for the API's document.
            #[cfg(feature = "openapi")]
            #[must_use]
            pub fn schemas() -> Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)> {
                use utoipa::{PartialSchema as _, ToSchema as _};
                vec![$(($variant::name().into_owned(), $variant::schema())),*]
            }

            /// The options as JSON.
            #[must_use]
            pub fn payload(&self) -> String {
                match self { $(Self::$variant(options) => serde_json::to_string(options)),* }
                    .expect("plain structs of plain fields always serialize")
            }

            /// Reads a kind and its options back.
            ///
            /// # Errors
            /// [`UnknownKind`] says which of the two is not understood.
            pub fn parse(kind: &str, payload: &str) -> Result<Self, UnknownKind> {
                let bad = |source| UnknownKind::Options { kind: kind.to_owned(), source };
                match kind {
                    $($name => serde_json::from_str(payload).map(Self::$variant).map_err(bad),)*
                    other => Err(UnknownKind::Kind(other.to_owned())),
                }
            }
        }
    };
}

kinds! {
    AuthorizationScope = "authorization_scope", about Account, priority 100;
    Group = "group", about Area(AreaKind::Group), priority 80;
    Project = "project", about Area(AreaKind::Project), priority 80;
    Members = "members", about Area(AreaKind::Project), priority 80;
    GroupMembers = "group_members", about Area(AreaKind::Group), priority 80;
    Issues = "issues", about Area(AreaKind::Project), priority 60;
    MergeRequests = "merge_requests", about Area(AreaKind::Project), priority 60;
    Labels = "labels", about Area(AreaKind::Project), priority 60;
    Milestones = "milestones", about Area(AreaKind::Project), priority 60;
    Releases = "releases", about Area(AreaKind::Project), priority 60;
    Branches = "branches", about Area(AreaKind::Project), priority 40;
    Tags = "tags", about Area(AreaKind::Project), priority 40;
    Commits = "commits", about Area(AreaKind::Project), priority 40;
    Pipelines = "pipelines", about Area(AreaKind::Project), priority 40;
    GroupLabels = "group_labels", about Area(AreaKind::Group), priority 60;
    GroupMilestones = "group_milestones", about Area(AreaKind::Group), priority 60;
    Boards = "boards", about Area(AreaKind::Project), priority 60;
    Iterations = "iterations", about Area(AreaKind::Group), priority 60;
    Epics = "epics", about Area(AreaKind::Group), priority 60;
    PipelineJobs = "pipeline_jobs", about Area(AreaKind::Project), priority 40;
    Deployments = "deployments", about Area(AreaKind::Project), priority 40;
    Environments = "environments", about Area(AreaKind::Project), priority 40;
    PipelineSchedules = "pipeline_schedules", about Area(AreaKind::Project), priority 40;
    Packages = "packages", about Area(AreaKind::Project), priority 40;
    ContainerRepositories = "container_repositories", about Area(AreaKind::Project), priority 40;
    Snippets = "snippets", about Area(AreaKind::Project), priority 40;
    WikiPages = "wiki_pages", about Area(AreaKind::Project), priority 40;
    TestReports = "test_reports", about Area(AreaKind::Project), priority 20;
    Vulnerabilities = "vulnerabilities", about Area(AreaKind::Project), priority 20;
    Attachments = "attachments", about Area(AreaKind::Project), priority 20;
    LinkScan = "link_scan", about Options, priority 50;
    BulkAction = "bulk_action", about Options, priority 95;
    Drill = "drill", about Options, priority 50;
}

impl JobSpec {
    /// Whether the website runs it itself: all that it touches is in the database.
    #[must_use]
    pub const fn runs_in_website(&self) -> bool {
        matches!(self, Self::BulkAction(_))
    }

    /// The same, asked to read everything again; none where a pass of this kind never reads anything else.
    #[must_use]
    pub fn in_full(&self) -> Option<Self> {
        Some(match self {
            Self::Issues(_) => Self::Issues(Issues { full: true, sweep: false }),
            Self::MergeRequests(_) => Self::MergeRequests(MergeRequests { full: true, sweep: false }),
            Self::Commits(_) => Self::Commits(Commits { full: true }),
            Self::Pipelines(_) => Self::Pipelines(Pipelines { full: true }),
            Self::PipelineJobs(_) => Self::PipelineJobs(PipelineJobs { full: true }),
            Self::TestReports(_) => Self::TestReports(TestReports { full: true }),
            Self::Deployments(_) => Self::Deployments(Deployments { full: true }),
            Self::Epics(_) => Self::Epics(Epics { full: true }),
            _ => return None,
        })
    }

    /// The same, asked to look everything over besides; none where that is no less than reading everything.
    #[must_use]
    pub const fn with_sweep(&self) -> Option<Self> {
        Some(match self {
            Self::Issues(_) => Self::Issues(Issues { full: false, sweep: true }),
            Self::MergeRequests(_) => Self::MergeRequests(MergeRequests { full: false, sweep: true }),
            _ => return None,
        })
    }

    /// Whether a pass with these options is about everything, and not only about what has changed.
    #[must_use]
    pub fn is_about_everything(&self) -> bool {
        self.in_full().is_none_or(|full| full == *self) || self.with_sweep().is_some_and(|sweep| sweep == *self)
    }

    /// Names of the kinds that crawlers run.
    pub fn crawler_kinds() -> impl Iterator<Item = &'static str> {
        Self::KINDS.iter().copied().filter(|kind| *kind != BULK_ACTION)
    }

    /// The key of which at most one live job exists. It names the subject and never the account that happens to
    /// read it, so that two people's accounts share one job for a shared project.
    #[must_use]
    pub fn dedupe_key(&self, subject: Subject) -> String {
        match subject {
            Subject::Account(account) => format!("{}:account:{account}", self.kind()),
            Subject::Area(area) => format!("{}:area:{area}", self.kind()),
            Subject::User(user) => format!("{}:user:{user}:{}", self.kind(), self.aim()),
        }
    }

    /// What the options of a kind that is about them name, such as a URL; empty where they name nothing.
    #[must_use]
    pub fn aim(&self) -> String {
        match self {
            Self::LinkScan(scan) => {
                let mut page = scan.url.clone();
                page.set_fragment(None);
                page.into()
            }
            Self::BulkAction(bulk) => bulk.words(),
            Self::Drill(drill) => drill.name.clone(),
            // It is about its account or area.
            _ => String::new(),
        }
    }

    /// Why a person's options cannot be taken, in words; they are understood, but out of bounds.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        match self {
            Self::LinkScan(scan) => scan.problem(),
            Self::BulkAction(bulk) => bulk.problem(),
            Self::Drill(drill) => drill.problem(),
            _ => None,
        }
    }
}

/// A kind or its options that this build does not know.
#[derive(Debug, thiserror::Error)]
pub enum UnknownKind {
    /// No such kind.
    #[error("unknown job kind {0:?}; known are {known}", known = JobSpec::KINDS.join(", "))]
    Kind(String),
    /// The kind exists, its options do not fit.
    #[error("bad options for a job of kind {kind}: {source}")]
    Options {
        /// The kind.
        kind: String,
        /// What is wrong with them.
        source: serde_json::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_read_back() {
        for kind in JobSpec::KINDS {
            let payload = match *kind {
                "link_scan" => r#"{"url":"https://example.com"}"#,
                BULK_ACTION => r#"{"action":"abort"}"#,
                _ => "{}",
            };
            let spec = JobSpec::parse(kind, payload).unwrap();
            assert_eq!((spec.kind(), spec.problem()), (*kind, None));
            assert_eq!(JobSpec::parse(kind, &spec.payload()).unwrap(), spec);
        }
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let unknown = JobSpec::parse("frobnicate", "{}").unwrap_err().to_string();
        assert!(unknown.starts_with("unknown job kind \"frobnicate\"; known are authorization_scope, "), "{unknown}");
        let bad = JobSpec::parse("issues", r#"{"fulll":true}"#).unwrap_err().to_string();
        assert!(bad.contains("issues") && bad.contains("fulll"), "{bad}");
    }

    #[test]
    fn what_reads_changes_can_read_everything() {
        let issues = JobSpec::Issues(Issues::default());
        assert_eq!(issues.in_full().unwrap().payload(), r#"{"full":true}"#);
        assert_eq!(issues.with_sweep().unwrap().payload(), r#"{"sweep":true}"#);
        assert_eq!(JobSpec::Labels(Labels {}).in_full(), None, "it always does");
        let all = [issues.in_full(), issues.with_sweep(), Some(JobSpec::Labels(Labels {}))];
        assert!(all.into_iter().flatten().all(|spec| spec.is_about_everything()) && !issues.is_about_everything());
    }

    #[test]
    fn the_key_names_the_subject_alone() {
        let spec = JobSpec::Issues(Issues { full: true, sweep: false });
        assert_eq!(spec.dedupe_key(Subject::Area(AreaId(7))), "issues:area:7");
        let scan = JobSpec::LinkScan(LinkScan::of("https://Example.com#top".parse().unwrap()));
        assert_eq!(scan.dedupe_key(Subject::User(UserId(7))), "link_scan:user:7:https://example.com/");
        let bulk = r#"{"action":"retry","states":["failed"],"kind":"issues","area":3,"q":"timeout"}"#;
        let bulk = JobSpec::parse(BULK_ACTION, bulk).unwrap();
        assert_eq!(bulk.aim(), "retry failed jobs of the kind issues about area 3 with “timeout”");
    }

    #[test]
    fn options_out_of_bounds_are_refused_in_words() {
        for (kind, payload, word) in [
            ("link_scan", r#"{"url":"ftp://example.com"}"#, "http"),
            ("link_scan", r#"{"url":"https://me:secret@example.com"}"#, "password"),
            ("link_scan", r#"{"url":"https://example.com","max_pages":0}"#, "max_pages"),
            ("link_scan", r#"{"url":"https://example.com","depth":1000}"#, "depth"),
            ("drill", r#"{"steps":1000000}"#, "steps"),
            ("bulk_action", r#"{"action":"abort","kind":"frobnicate"}"#, "no kind"),
        ] {
            let problem = JobSpec::parse(kind, payload).unwrap().problem().unwrap();
            assert!(problem.contains(word), "{problem}");
        }
    }
}
