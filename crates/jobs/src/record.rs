//! Mirrored objects on their way from a worker to the database.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

macro_rules! record_kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What kind of GitLab object a record mirrors.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum RecordKind {
            $($(#[$doc])* $variant,)*
        }

        impl RecordKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word that is stored and shown.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
        }
    };
}

record_kinds! {
    /// A group, in detail.
    Group = "group",
    /// A project, in detail.
    Project = "project",
    /// An issue.
    Issue = "issue",
    /// A merge request.
    MergeRequest = "merge_request",
    /// A comment or system note on an issue or merge request.
    Note = "note",
    /// A label of a project.
    Label = "label",
    /// A milestone of a project.
    Milestone = "milestone",
    /// Somebody's membership in a group or project itself, not in one above it.
    Member = "member",
    /// A branch, as of its head.
    Branch = "branch",
    /// A tag.
    Tag = "tag",
    /// A release.
    Release = "release",
    /// A commit that a branch or tag of the project leads to.
    Commit = "commit",
    /// A CI pipeline.
    Pipeline = "pipeline",
    /// A job of a CI pipeline.
    PipelineJob = "pipeline_job",
    /// Something that was brought to an environment.
    Deployment = "deployment",
    /// Where a project is brought to.
    Environment = "environment",
    /// A pipeline that runs by the clock.
    PipelineSchedule = "pipeline_schedule",
    /// A snippet of a project.
    Snippet = "snippet",
    /// A page of a project's wiki.
    WikiPage = "wiki_page",
    /// A version of a package.
    Package = "package",
    /// A container image with all its tags.
    ContainerRepository = "container_repository",
    /// An issue board.
    Board = "board",
    /// An iteration of a group.
    Iteration = "iteration",
    /// An epic of a group.
    Epic = "epic",
    /// Time that somebody has logged on an issue or merge request.
    Timelog = "timelog",
    /// What the tests of a CI pipeline came to.
    TestReport = "test_report",
    /// A weakness that a scanner has found in a project.
    Vulnerability = "vulnerability",
    /// A file that was put into a text of a project, by name.
    Attachment = "attachment",
}

/// Who of those that see a group or project sees objects of a kind there, as GitLab has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Audience {
    /// All of them.
    Everybody,
    /// Reporters and above; everybody where the project itself is open to everybody.
    Code,
    /// Developers and above.
    Developers,
    /// Maintainers and above.
    Maintainers,
}

impl Audience {
    /// Those that are not for everybody.
    pub const RESTRICTED: [Self; 3] = [Self::Code, Self::Developers, Self::Maintainers];

    /// GitLab's access level that is needed; none for everybody.
    #[must_use]
    pub const fn level(self) -> Option<i32> {
        match self {
            Self::Everybody => None,
            Self::Code => Some(20),
            Self::Developers => Some(30),
            Self::Maintainers => Some(40),
        }
    }
}

impl RecordKind {
    /// Several of them, in words.
    #[must_use]
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Group => "groups",
            Self::Project => "projects",
            Self::Issue => "issues",
            Self::MergeRequest => "merge requests",
            Self::Note => "notes",
            Self::Label => "labels",
            Self::Milestone => "milestones",
            Self::Member => "members",
            Self::Branch => "branches",
            Self::Tag => "tags",
            Self::Release => "releases",
            Self::Commit => "commits",
            Self::Pipeline => "pipelines",
            Self::PipelineJob => "pipeline jobs",
            Self::Deployment => "deployments",
            Self::Environment => "environments",
            Self::PipelineSchedule => "pipeline schedules",
            Self::Snippet => "snippets",
            Self::WikiPage => "wiki pages",
            Self::Package => "packages",
            Self::ContainerRepository => "container repositories",
            Self::Board => "boards",
            Self::Iteration => "iterations",
            Self::Epic => "epics",
            Self::Timelog => "timelogs",
            Self::TestReport => "test reports",
            Self::Vulnerability => "vulnerabilities",
            Self::Attachment => "attachments",
        }
    }

    /// Name of the view and of the files that hold them: several of them, as one word.
    #[must_use]
    pub fn table(self) -> String {
        self.plural().replace(' ', "_")
    }

    /// Who sees it. The code and what is made of it is not for guests of a private project.
    #[must_use]
    pub const fn audience(self) -> Audience {
        match self {
            Self::Branch
            | Self::Tag
            | Self::Commit
            | Self::Pipeline
            | Self::PipelineJob
            | Self::TestReport
            | Self::Deployment
            | Self::Environment
            | Self::PipelineSchedule
            | Self::Package
            | Self::ContainerRepository => Audience::Code,
            Self::Vulnerability => Audience::Developers,
            Self::Attachment => Audience::Maintainers,
            _ => Audience::Everybody,
        }
    }

    /// Whether a forge may well be without any.
    #[must_use]
    pub const fn is_optional(self) -> bool {
        !matches!(self, Self::Group | Self::Project | Self::Issue | Self::MergeRequest | Self::Note)
    }

    /// Whether GitLab says when such an object changed last; where it does not, the newest sight of it counts.
    #[must_use]
    pub const fn is_dated(self) -> bool {
        !matches!(
            self,
            Self::Label
                | Self::Member
                | Self::Branch
                | Self::Tag
                | Self::Release
                | Self::Environment
                | Self::PipelineSchedule
                | Self::WikiPage
                | Self::Package
                | Self::ContainerRepository
                | Self::Board
                | Self::Timelog
                | Self::Attachment
        )
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RecordKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| format!("unknown record kind {text:?}"))
    }
}

/// One GitLab object. It belongs to the instance and area of the job that reports it; its identity is
/// (instance, kind, `gitlab_id`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What it is.
    pub kind: RecordKind,
    /// GitLab's numeric id, or a number made from the area and the name of what has none, such as a branch.
    pub gitlab_id: i64,
    /// Number within the project, for issues and merge requests.
    pub iid: Option<i64>,
    /// The object that it hangs on: the issue or merge request of a note.
    pub parent: Option<(RecordKind, i64)>,
    /// Title or name; empty for notes.
    pub title: String,
    /// GitLab's word for its state, such as `opened`.
    pub state: Option<String>,
    /// Username of the author.
    pub author: Option<String>,
    /// Times as GitLab tells them.
    pub created_at: Option<DateTime<Utc>>,
    /// Last change; an older one never replaces a newer one.
    pub updated_at: Option<DateTime<Utc>>,
    /// Closed.
    pub closed_at: Option<DateTime<Utc>>,
    /// Merged.
    pub merged_at: Option<DateTime<Utc>>,
    /// Address in GitLab's own UI.
    pub web_url: Option<String>,
    /// Readable by members with Reporter access only: confidential issues, internal notes, and notes on
    /// confidential issues.
    pub confidential: bool,
    /// Everything else, as a JSON object.
    pub payload: String,
}

impl Record {
    /// The same under this title.
    #[must_use]
    pub fn titled(self, title: String) -> Self {
        Self { title, ..self }
    }
}
