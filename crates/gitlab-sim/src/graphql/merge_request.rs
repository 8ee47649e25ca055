//! Merge requests.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::TimeDelta;

use super::{
    connection::{
        LabelConnection, MergeRequestAssigneeConnection, MergeRequestReviewerConnection, NoteConnection, Page,
        PageArgs, TimelogConnection, UserCoreConnection,
    },
    diff::DiffRefs,
    int,
    item::{TaskCompletionStatus, item_object},
    label::Milestone,
    note,
    person::{MergeRequestAssignee, MergeRequestAuthor, MergeRequestReviewer, UserCore},
    project::Project,
    scalars::{Time, gid},
    sorts::{MergeRequestState, NotesFilterType},
    timelog::Timelog,
    view,
};
use crate::forge::{
    extras::time_spent,
    model::{Item, Merge, State},
};

pub(crate) struct MergeRequest(pub(crate) Arc<Item>);

impl MergeRequest {
    /// Every merge request has one; only the type allows that it has none.
    fn merge(&self) -> Option<&Merge> {
        self.0.merge.as_deref()
    }
}

#[derive(SimpleObject)]
pub(crate) struct DiffStatsSummary {
    additions: i32,
    deletions: i32,
    changes: i32,
    file_count: i32,
}

item_object!(MergeRequest, "MergeRequest", '!';
    async fn state(&self) -> MergeRequestState {
        match self.0.state {
            State::Opened => MergeRequestState::Opened,
            State::Closed => MergeRequestState::Closed,
            State::Merged => MergeRequestState::Merged,
        }
    }

    async fn author(&self) -> Option<MergeRequestAuthor> {
        Some(MergeRequestAuthor(self.0.author))
    }

    async fn assignees(
        &self,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Result<Option<MergeRequestAssigneeConnection>> {
        let args = PageArgs::new(after, before, first, last);
        let people = self.0.assignees.iter().copied().map(MergeRequestAssignee);
        Ok(Some(MergeRequestAssigneeConnection(Page::listed(people, &args)?)))
    }

    async fn reviewers(
        &self,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Result<Option<MergeRequestReviewerConnection>> {
        let args = PageArgs::new(after, before, first, last);
        let people = self.merge().into_iter().flat_map(|merge| &merge.reviewers).copied();
        let page = Page::listed(people.map(MergeRequestReviewer), &args)?;
        Ok(Some(MergeRequestReviewerConnection(page)))
    }

    async fn approved_by(
        &self,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Result<Option<UserCoreConnection>> {
        let args = PageArgs::new(after, before, first, last);
        let people = self.merge().into_iter().flat_map(|merge| &merge.approved_by).copied();
        Ok(Some(UserCoreConnection(Page::listed(people.map(UserCore), &args)?)))
    }

    async fn approved(&self) -> bool {
        self.merge().is_some_and(|merge| !merge.approved_by.is_empty())
    }

    async fn web_url(&self, ctx: &Context<'_>) -> Option<String> {
        Some(view(ctx).address(&self.0))
    }

    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        Project::seen(view(ctx), self.0.project).ok_or_else(|| "not yours to see".into())
    }

    async fn project_id(&self, ctx: &Context<'_>) -> i32 {
        int(view(ctx).world.projects[self.0.project].id)
    }

    async fn source_project_id(&self, ctx: &Context<'_>) -> Option<i32> {
        Some(int(view(ctx).world.projects[self.0.project].id))
    }

    async fn target_project_id(&self, ctx: &Context<'_>) -> i32 {
        int(view(ctx).world.projects[self.0.project].id)
    }

    async fn draft(&self) -> bool {
        self.merge().is_some_and(|merge| merge.draft)
    }

    async fn source_branch(&self) -> &str {
        self.merge().map_or("", |merge| &merge.source_branch)
    }

    async fn target_branch(&self) -> &str {
        self.merge().map_or("", |merge| merge.target_branch)
    }

    async fn merged_at(&self) -> Option<Time> {
        self.merge()?.merged.map(Time)
    }

    async fn merge_user(&self) -> Option<UserCore> {
        self.merge()?.merged_by.map(UserCore)
    }

    async fn diff_head_sha(&self) -> Option<&str> {
        Some(&self.merge()?.head_sha)
    }

    async fn diff_refs(&self) -> Option<DiffRefs> {
        Some(DiffRefs::of(&self.merge()?.head_sha))
    }

    async fn prepared_at(&self) -> Option<Time> {
        Some(Time(self.0.created + TimeDelta::seconds(2)))
    }

    async fn merge_commit_sha(&self) -> Option<&str> {
        self.merge()?.commit_sha.as_deref()
    }

    async fn commit_count(&self) -> Option<i32> {
        Some(self.merge()?.commits)
    }

    async fn squash(&self) -> bool {
        self.merge().is_some_and(|merge| merge.squash)
    }

    async fn diff_stats_summary(&self) -> Option<DiffStatsSummary> {
        let merge = self.merge()?;
        Some(DiffStatsSummary {
            additions: merge.additions,
            deletions: merge.deletions,
            changes: merge.additions + merge.deletions,
            file_count: merge.files,
        })
    }

    async fn user_notes_count(&self, ctx: &Context<'_>) -> Option<i32> {
        let view = view(ctx);
        Some(int(view.world.visible_notes(view.reader, &self.0).filter(|note| !note.system).count()))
    }
);
