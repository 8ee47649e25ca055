//! `/explore/project/{id}`: one project with what is mirrored of it.

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
    /// Mirrored objects of each kind.
    pub counts: Vec<(Tab, i64)>,
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

/// What a project's page lists: one kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tab(RecordKind);

/// One object in a list.
#[derive(Debug, Clone)]
pub struct ResourceRow {
    /// Our id.
    pub id: i64,
    /// Number within the project, where it has one.
    pub iid: Option<i64>,
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
    /// Last change in GitLab, or where it does not tell, when it was made.
    pub at: Option<DateTime<Utc>>,
    /// Address in GitLab's own UI.
    pub web_url: Option<String>,
}

impl Default for Tab {
    fn default() -> Self {
        Self::ISSUES
    }
}

impl Tab {
    /// The default.
    pub const ISSUES: Self = Self(RecordKind::Issue);
    /// All of them, as they stand beside each other.
    pub const ALL: [Self; 22] = [
        Self::ISSUES,
        Self(RecordKind::MergeRequest),
        Self(RecordKind::Commit),
        Self(RecordKind::Pipeline),
        Self(RecordKind::PipelineJob),
        Self(RecordKind::TestReport),
        Self(RecordKind::Deployment),
        Self(RecordKind::Environment),
        Self(RecordKind::PipelineSchedule),
        Self(RecordKind::Branch),
        Self(RecordKind::Tag),
        Self(RecordKind::Release),
        Self(RecordKind::Milestone),
        Self(RecordKind::Label),
        Self(RecordKind::Board),
        Self(RecordKind::Package),
        Self(RecordKind::ContainerRepository),
        Self(RecordKind::Snippet),
        Self(RecordKind::WikiPage),
        Self(RecordKind::Vulnerability),
        Self(RecordKind::Attachment),
        Self(RecordKind::Member),
    ];

    /// Reads `tab` of the URL; what is not understood shows issues.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self::ALL.into_iter().find(|tab| tab.word() == text).unwrap_or(Self::ISSUES)
    }

    /// `tab` of the URL.
    #[must_use]
    pub fn as_str(self) -> Option<String> {
        (self != Self::ISSUES).then(|| self.word())
    }

    fn word(self) -> String {
        self.0.table()
    }

    /// What it lists.
    #[must_use]
    pub const fn kind(self) -> RecordKind {
        self.0
    }

    const fn noun(self) -> &'static str {
        self.0.plural()
    }

    /// What GitLab writes before a number; none where a number says nothing to people.
    const fn sigil(self) -> Option<&'static str> {
        match self.0 {
            RecordKind::Issue => Some("#"),
            RecordKind::MergeRequest => Some("!"),
            RecordKind::Milestone => Some("%"),
            RecordKind::Pipeline | RecordKind::TestReport => Some(""),
            _ => None,
        }
    }

    /// GitLab's words for the states that people filter by.
    const fn states(self) -> &'static [&'static str] {
        match self.0 {
            RecordKind::Issue => &["opened", "closed"],
            RecordKind::MergeRequest => &["opened", "merged", "closed"],
            RecordKind::Milestone => &["active", "closed"],
            RecordKind::Pipeline | RecordKind::PipelineJob => &["running", "success", "failed", "canceled"],
            RecordKind::Deployment => &["running", "success", "failed"],
            RecordKind::TestReport => &["success", "failed"],
            RecordKind::Vulnerability => &["detected", "confirmed", "resolved", "dismissed"],
            RecordKind::Environment => &["available", "stopped"],
            RecordKind::PipelineSchedule => &["active", "inactive"],
            _ => &[],
        }
    }

    /// Whether it has a page of its own here; the others lead to GitLab.
    const fn has_page(self) -> bool {
        matches!(self.0, RecordKind::Issue | RecordKind::MergeRequest)
    }

    /// What the title is.
    const fn what(self) -> &'static str {
        match self.0 {
            RecordKind::Issue
            | RecordKind::MergeRequest
            | RecordKind::Commit
            | RecordKind::Milestone
            | RecordKind::Vulnerability => "Title",
            RecordKind::Pipeline => "Branch or tag",
            RecordKind::TestReport => "Tests",
            RecordKind::Deployment => "Environment",
            _ => "Name",
        }
    }

    /// Whose it is; none where GitLab does not tell.
    const fn whose(self) -> Option<&'static str> {
        match self.0 {
            RecordKind::Pipeline
            | RecordKind::Milestone
            | RecordKind::Label
            | RecordKind::TestReport
            | RecordKind::Vulnerability => None,
            RecordKind::Member => Some("Username"),
            _ => Some("Author"),
        }
    }

    /// What the time in the list is.
    const fn when(self) -> &'static str {
        match self.0 {
            RecordKind::Commit | RecordKind::Branch => "Committed",
            RecordKind::Tag => "Tagged",
            RecordKind::Release => "Released",
            RecordKind::Attachment => "Added",
            RecordKind::Member => "Since",
            _ => "Updated",
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
            .with("tab", tab.as_str().as_deref())
            .with("state", state)
            .with("q", own.then_some(self.filter.q.as_str()))
    }

    /// Where the whole list is as a file.
    fn export_href(&self, ending: &str) -> String {
        let file = format!("/api/export/{}.{ending}", self.filter.tab.kind().table());
        Query::new(file).with("area", Some(self.id.to_string().as_str())).url()
    }

    fn tab_href(&self, tab: Tab) -> String {
        self.query(tab, None).url()
    }

    /// The tab without state and text.
    fn tab_all_href(&self) -> String {
        Query::new(format!("/explore/project/{}", self.id)).with("tab", self.filter.tab.as_str().as_deref()).url()
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

    /// Its page here, or in GitLab; none where there is neither.
    fn row_href(&self, row: &ResourceRow) -> Option<String> {
        if self.filter.tab.has_page() {
            return Some(format!("/explore/{}/{}", self.filter.tab.kind(), row.id));
        }
        link::external(row.web_url.as_deref()).map(str::to_owned)
    }

    /// Kinds of which there is something, and the two that people expect.
    fn tabs(&self) -> impl Iterator<Item = (Tab, i64)> + '_ {
        self.counts.iter().copied().filter(|(tab, count)| *count > 0 || tab.has_page() || *tab == self.filter.tab)
    }

    /// Whether rows have a state worth a column.
    fn has_states(&self) -> bool {
        !self.filter.tab.states().is_empty()
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
