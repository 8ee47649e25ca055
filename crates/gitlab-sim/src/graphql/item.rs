//! What issues and merge requests have in common.

use std::sync::Arc;

use async_graphql::{Result, SimpleObject};

use super::{
    View,
    connection::{LabelConnection, Page, PageArgs},
    int,
    label::{Label, Milestone},
};
use crate::forge::model::{Item, Kind};

impl View {
    /// The web address of an issue or merge request.
    pub(crate) fn address(&self, item: &Item) -> String {
        format!("{}{}", self.base, self.path(item))
    }

    pub(crate) fn path(&self, item: &Item) -> String {
        let project = &self.world.projects[item.project].full_path;
        let kind = match item.kind {
            Kind::Issue => "issues",
            Kind::MergeRequest => "merge_requests",
        };
        format!("/{project}/-/{kind}/{}", item.iid)
    }

    pub(crate) fn labels(&self, item: &Item, args: &PageArgs) -> Result<LabelConnection> {
        let all = &self.world.projects[item.project].labels;
        let labels = item.labels.iter().map(|&at| Label(Arc::clone(&all[at])));
        Ok(LabelConnection(Page::listed(labels, args)?))
    }

    pub(crate) fn milestone(&self, item: &Item) -> Option<Milestone> {
        let project = &self.world.projects[item.project];
        let one = &project.milestones[item.milestone?];
        Some(Milestone(Arc::clone(one), project.full_path.clone()))
    }
}

/// How many of the boxes in a description are ticked.
#[derive(SimpleObject)]
pub(crate) struct TaskCompletionStatus {
    count: i32,
    completed_count: i32,
}

impl TaskCompletionStatus {
    pub(crate) fn of(description: &str) -> Self {
        let (done, open) = (description.matches("- [x] ").count(), description.matches("- [ ] ").count());
        Self { count: int(done + open), completed_count: int(done) }
    }
}

/// An `Object` with the fields that issues and merge requests share, and with those given.
macro_rules! item_object {
    ($name:ident, $gid:literal, $sign:literal; $($more:tt)*) => {
        #[Object]
        impl $name {
            async fn id(&self) -> ID {
                ID(gid($gid, self.0.id))
            }

            async fn iid(&self) -> String {
                self.0.iid.to_string()
            }

            async fn title(&self) -> &str {
                &self.0.title
            }

            async fn description(&self) -> Option<&str> {
                Some(&self.0.description)
            }

            async fn labels(
                &self,
                ctx: &Context<'_>,
                after: Option<String>,
                before: Option<String>,
                first: Option<i32>,
                last: Option<i32>,
            ) -> Result<Option<LabelConnection>> {
                let args = PageArgs::new(after, before, first, last);
                view(ctx).labels(&self.0, &args).map(Some)
            }

            async fn notes(
                &self,
                ctx: &Context<'_>,
                filter: Option<NotesFilterType>,
                after: Option<String>,
                before: Option<String>,
                first: Option<i32>,
                last: Option<i32>,
            ) -> Result<NoteConnection> {
                let args = PageArgs::new(after, before, first, last);
                note::page(view(ctx), &self.0, filter, &args)
            }

            async fn milestone(&self, ctx: &Context<'_>) -> Option<Milestone> {
                view(ctx).milestone(&self.0)
            }

            async fn created_at(&self) -> Time {
                Time(self.0.created)
            }

            async fn updated_at(&self) -> Time {
                Time(self.0.updated)
            }

            async fn closed_at(&self) -> Option<Time> {
                self.0.closed.map(Time)
            }

            async fn web_path(&self, ctx: &Context<'_>) -> String {
                view(ctx).path(&self.0)
            }

            async fn reference(&self, ctx: &Context<'_>, full: Option<bool>) -> String {
                let project = &view(ctx).world.projects[self.0.project].full_path;
                let above = if full == Some(true) { project } else { "" };
                format!("{above}{}{}", $sign, self.0.iid)
            }

            async fn task_completion_status(&self) -> TaskCompletionStatus {
                TaskCompletionStatus::of(&self.0.description)
            }

            async fn discussion_locked(&self) -> bool {
                self.0.locked
            }

            async fn time_estimate(&self) -> i32 {
                self.0.estimate_s
            }

            async fn total_time_spent(&self) -> i32 {
                self.0.spent_s
            }

            async fn timelogs(
                &self,
                after: Option<String>,
                before: Option<String>,
                first: Option<i32>,
                last: Option<i32>,
            ) -> Result<TimelogConnection> {
                let args = PageArgs::new(after, before, first, last);
                Ok(TimelogConnection(Page::listed(time_spent(&self.0).into_iter().map(Timelog), &args)?))
            }

            async fn upvotes(&self) -> i32 {
                self.0.upvotes
            }

            async fn downvotes(&self) -> i32 {
                self.0.downvotes
            }

            $($more)*
        }
    };
}
pub(crate) use item_object;
