//! What a sweep sees of issues and merge requests: enough to tell whether a mirror has them as they are.

use chrono::{DateTime, Utc};

use super::{NotesOf, text};
use crate::global_id::{id, iid, time};
use crate::wire::documents::{IssueSightings, MergeRequestSightings, issue_sightings, merge_request_sightings};
use crate::wire::{next, page};
use crate::{Client, Cursor, Error, Page};

/// GitLab's own maximum.
pub const SIGHTINGS_PER_PAGE: u32 = 100;

/// An issue or merge request that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighted {
    /// GitLab's id.
    pub id: i64,
    /// Number within the project.
    pub iid: i64,
    /// The project that it belongs to, where GitLab says so.
    pub project_id: Option<i64>,
    /// When it was changed last. Not moved by a comment that is deleted.
    pub updated_at: DateTime<Utc>,
    /// People's comments on it, where GitLab says so.
    pub user_notes_count: Option<i64>,
}

impl Client {
    /// A page of a project's issues or merge requests by number and time alone, longest unchanged first. Without a total
    /// where there is no such list.
    pub async fn sightings(
        &self,
        of: NotesOf,
        project_path: &str,
        after: Option<&Cursor>,
        first: u32,
    ) -> Result<Page<Sighted>, Error> {
        let (path, after) = (project_path.to_owned(), text(after));
        let first = first.clamp(1, SIGHTINGS_PER_PAGE).into();
        macro_rules! sightings {
            ($operation:ty, $module:ident, $list:ident, $project_id:expr, $count:expr) => {{
                let project = self.run::<$operation>($module::Variables { path, first, after }).await?.project;
                let Some(list) = project.ok_or(Error::NotFound)?.$list else { return Ok(Page::default()) };
                let next = next(list.page_info.has_next_page, list.page_info.end_cursor)?;
                Ok(page(list.nodes, next, Some(list.count), |node| {
                    Ok(Sighted {
                        id: id(&node.id)?,
                        iid: iid(&node.iid)?,
                        project_id: $project_id(node.project_id),
                        updated_at: time(&node.updated_at)?,
                        user_notes_count: $count(node.user_notes_count),
                    })
                }))
            }};
        }
        match of {
            NotesOf::Issues => sightings!(IssueSightings, issue_sightings, issues, std::convert::identity, Some),
            NotesOf::MergeRequests => {
                sightings!(MergeRequestSightings, merge_request_sightings, merge_requests, Some, std::convert::identity)
            }
        }
    }
}
