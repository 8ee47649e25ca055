//! `/explore/project/{id}`: one project with its issues and merge requests.

use super::{
    area::{Completeness, Crumb},
    frame::{Frame, Section},
    link::{self, Query},
    parts, words,
};
use askama::Template;
use chrono::{DateTime, Utc};
use trawl_jobs::RecordKind;

/// One project.
#[derive(Debug, Template)]
#[template(path = "project.html")]
pub struct ProjectPage {
    /// What surrounds the page.
    pub frame: Frame,
    /// Our id.
    pub id: i64,
    /// Display name.
    pub name: String,
    /// Full path.
    pub full_path: String,
    /// Groups above, outermost first.
    pub ancestors: Vec<Crumb>,
    /// Description as GitLab has it.
    pub description: Option<String>,
    /// `public`, `internal` or `private`.
    pub visibility: Option<String>,
    /// Archived in GitLab: mirrored once, not refreshed.
    pub archived: bool,
    /// Address in GitLab's own UI.
    pub web_url: Option<String>,
    /// End of the last pass that ended well.
    pub synced_at: Option<DateTime<Utc>>,
    /// Whether everything is there.
    pub completeness: Completeness,
    /// Mirrored issues in all.
    pub issues: i64,
    /// Mirrored merge requests in all.
    pub merge_requests: i64,
    /// What is listed.
    pub filter: ResourceFilter,
    /// Last change first.
    pub rows: Vec<ResourceRow>,
    /// Key of the next page (`before`), where older ones exist.
    pub older: Option<String>,
    /// Key of the page before (`after`), where newer ones exist.
    pub newer: Option<String>,
}

/// The part of the URL that says what is listed; the page key is not part of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ResourceFilter {
    /// `tab`.
    pub tab: Tab,
    /// `state`: GitLab's word (`opened`, `closed`, `merged`); none for all.
    pub state: Option<String>,
    /// `q`: text in the title, or a number.
    pub q: String,
}

/// What a project's page lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tab {
    /// `issues`; the default.
    #[default]
    Issues,
    /// `merge_requests`.
    MergeRequests,
}

/// One issue or merge request in a list.
#[derive(Debug, Clone)]
pub struct ResourceRow {
    /// Our id.
    pub id: i64,
    /// Number within the project.
    pub iid: i64,
    /// Title.
    pub title: String,
    /// Username of the author.
    pub author: Option<String>,
    /// GitLab's word.
    pub state: String,
    /// Labels by name.
    pub labels: Vec<String>,
    /// Readable by members with Reporter access only.
    pub confidential: bool,
    /// Last change in GitLab.
    pub updated_at: Option<DateTime<Utc>>,
}

impl Tab {
    /// Reads `tab` of the URL; what is not understood shows issues.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text == "merge_requests" { Self::MergeRequests } else { Self::Issues }
    }

    /// `tab` of the URL.
    #[must_use]
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Issues => None,
            Self::MergeRequests => Some("merge_requests"),
        }
    }

    /// What it lists.
    #[must_use]
    pub const fn kind(self) -> RecordKind {
        match self {
            Self::Issues => RecordKind::Issue,
            Self::MergeRequests => RecordKind::MergeRequest,
        }
    }

    const fn noun(self) -> &'static str {
        match self {
            Self::Issues => "issues",
            Self::MergeRequests => "merge requests",
        }
    }

    /// What GitLab writes before a number.
    const fn sigil(self) -> char {
        match self {
            Self::Issues => '#',
            Self::MergeRequests => '!',
        }
    }

    const fn states(self) -> &'static [&'static str] {
        match self {
            Self::Issues => &["opened", "closed"],
            Self::MergeRequests => &["opened", "merged", "closed"],
        }
    }
}

/// A link that changes the filter.
#[derive(Debug)]
struct Chip {
    href: String,
    word: &'static str,
    on: bool,
}

impl ProjectPage {
    const SECTION: Section = Section::Explore;
    const LIVE: &str = "area job";

    fn title(&self) -> &str {
        &self.full_path
    }

    const fn is_archived(&self) -> bool {
        self.archived
    }

    fn gitlab(&self) -> Option<&str> {
        link::external(self.web_url.as_deref())
    }

    fn query(&self, tab: Tab, state: Option<&str>) -> Query {
        let own = tab == self.filter.tab;
        Query::new(format!("/explore/project/{}", self.id))
            .with("tab", tab.as_str())
            .with("state", state)
            .with("q", own.then_some(self.filter.q.as_str()))
    }

    fn tab_href(&self, tab: Tab) -> String {
        self.query(tab, None).url()
    }

    /// The tab without state and text.
    fn tab_all_href(&self) -> String {
        Query::new(format!("/explore/project/{}", self.id)).with("tab", self.filter.tab.as_str()).url()
    }

    fn chips(&self) -> Vec<Chip> {
        let states = self.filter.tab.states().iter().copied().map(Some);
        let chip = |state: Option<&'static str>| Chip {
            href: self.query(self.filter.tab, state).url(),
            word: match state {
                None => "all",
                Some("opened") => "open",
                Some(state) => state,
            },
            on: self.filter.state.as_deref() == state,
        };
        std::iter::once(None).chain(states).map(chip).collect()
    }

    fn row_href(&self, row: &ResourceRow) -> String {
        format!("/explore/{}/{}", self.filter.tab.kind(), row.id)
    }

    fn older_href(&self) -> Option<String> {
        Some(self.query(self.filter.tab, self.filter.state.as_deref()).with("before", Some(self.older.as_ref()?)).url())
    }

    fn newer_href(&self) -> Option<String> {
        Some(self.query(self.filter.tab, self.filter.state.as_deref()).with("after", Some(self.newer.as_ref()?)).url())
    }

    fn filtered(&self) -> bool {
        self.filter.state.is_some() || !self.filter.q.is_empty()
    }
}
