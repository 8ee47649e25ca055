//! `/explore/issue/{id}` and `/explore/merge_request/{id}`: one mirrored object with its notes.

use super::{
    area::Crumb,
    frame::{Frame, Section},
    link, parts, words,
};
use askama::Template;
use chrono::{DateTime, Utc};
use trawl_jobs::RecordKind;

/// One issue or merge request.
#[derive(Debug, Template)]
#[template(path = "resource.html")]
pub struct ResourcePage {
    /// What surrounds the page.
    pub frame: Frame,
    /// Issue or merge request.
    pub kind: RecordKind,
    /// Number within the project.
    pub iid: i64,
    /// Title.
    pub title: String,
    /// GitLab's word.
    pub state: String,
    /// Username of the author.
    pub author: Option<String>,
    /// Readable by members with Reporter access only.
    pub confidential: bool,
    /// Address in GitLab's own UI.
    pub web_url: Option<String>,
    /// Groups above the project, outermost first.
    pub ancestors: Vec<Crumb>,
    /// Its project.
    pub project: Crumb,
    /// Labels by name.
    pub labels: Vec<String>,
    /// Created in GitLab.
    pub created_at: Option<DateTime<Utc>>,
    /// Last change in GitLab.
    pub updated_at: Option<DateTime<Utc>>,
    /// Closed in GitLab.
    pub closed_at: Option<DateTime<Utc>>,
    /// Merged in GitLab.
    pub merged_at: Option<DateTime<Utc>>,
    /// When the mirror read it last.
    pub synced_at: Option<DateTime<Utc>>,
    /// Further fields, `(name, value)` in words, such as milestone, assignees, source branch; only those with a value.
    pub fields: Vec<(String, String)>,
    /// Markdown as GitLab has it, shown as it is written.
    pub description: String,
    /// Oldest first.
    pub notes: Vec<Note>,
    /// Whether more notes exist than are listed.
    pub more_notes: bool,
}

/// A comment or system note.
#[derive(Debug, Clone)]
pub struct Note {
    /// GitLab's id, for links to it.
    pub id: i64,
    /// Username of the author.
    pub author: Option<String>,
    /// When it was written.
    pub created_at: Option<DateTime<Utc>>,
    /// Markdown as GitLab has it.
    pub body: String,
    /// Written by GitLab itself: `changed the milestone to …`.
    pub system: bool,
    /// Readable by members with Reporter access only.
    pub internal: bool,
}

impl ResourcePage {
    const SECTION: Section = Section::Explore;
    const LIVE: &str = "";

    fn title(&self) -> String {
        format!("{} · {}{}", self.title, self.sigil(), self.iid)
    }

    fn gitlab(&self) -> Option<&str> {
        link::external(self.web_url.as_deref())
    }

    fn sigil(&self) -> char {
        if self.kind == RecordKind::MergeRequest { '!' } else { '#' }
    }

    fn noun(&self) -> &'static str {
        if self.kind == RecordKind::MergeRequest { "merge request" } else { "issue" }
    }

    /// Times that are known, in words.
    fn times(&self) -> Vec<(&'static str, DateTime<Utc>)> {
        let times = [
            ("Created", self.created_at),
            ("Updated", self.updated_at),
            ("Closed", self.closed_at),
            ("Merged", self.merged_at),
            ("Mirrored", self.synced_at),
        ];
        times.into_iter().filter_map(|(name, at)| Some((name, at?))).collect()
    }

    fn comments(&self) -> i64 {
        words::len(&self.notes) - self.notes.iter().map(|note| i64::from(note.system)).sum::<i64>()
    }

    fn project_href(&self) -> String {
        let tab = (self.kind == RecordKind::MergeRequest).then_some("merge_requests");
        link::Query::new(format!("/explore/project/{}", self.project.id)).with("tab", tab).url()
    }
}
