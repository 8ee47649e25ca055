//! `/explore/group/{id}`: one group.

use super::{
    area::{AreaRow, Completeness, Crumb},
    frame::{Frame, Section},
    link, parts, words,
};
use askama::Template;
use chrono::{DateTime, Utc};
use trawl_jobs::{AreaKind, RecordKind};

/// One group with what hangs below it.
#[derive(Debug, Template)]
#[template(path = "group.html")]
pub struct GroupPage {
    /// What surrounds the page.
    pub frame: Frame,
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
    /// Address in GitLab's own UI.
    pub web_url: Option<String>,
    /// End of the last pass that ended well.
    pub synced_at: Option<DateTime<Utc>>,
    /// Whether everything is there.
    pub completeness: Completeness,
    /// What belongs to the group itself: how much of each kind there is.
    pub own: Vec<(RecordKind, i64)>,
    /// Groups directly below.
    pub subgroups: Vec<AreaRow>,
    /// Projects directly below.
    pub projects: Vec<AreaRow>,
}

impl GroupPage {
    const SECTION: Section = Section::Explore;
    const LIVE: &str = "area";

    fn title(&self) -> &str {
        &self.full_path
    }

    /// GitLab archives projects only.
    #[expect(clippy::unused_self, reason = "the template asks projects the same")]
    const fn is_archived(&self) -> bool {
        false
    }

    fn gitlab(&self) -> Option<&str> {
        link::external(self.web_url.as_deref())
    }
}
