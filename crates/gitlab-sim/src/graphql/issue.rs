//! Issues.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};

use super::{
    connection::{LabelConnection, NoteConnection, Page, PageArgs, TimelogConnection, UserCoreConnection},
    int,
    item::{TaskCompletionStatus, item_object},
    label::Milestone,
    note,
    person::UserCore,
    scalars::{Time, gid},
    sorts::{IssueState, IssueType, NotesFilterType},
    timelog::Timelog,
    view,
};
use crate::forge::{
    extras::time_spent,
    model::{Item, State},
};

pub(crate) struct Issue(pub(crate) Arc<Item>);

item_object!(Issue, "Issue", '#';
    async fn state(&self) -> IssueState {
        if self.0.state == State::Opened { IssueState::Opened } else { IssueState::Closed }
    }

    #[graphql(name = "type")]
    async fn kind(&self) -> Option<IssueType> {
        Some(if self.0.task { IssueType::Task } else { IssueType::Issue })
    }

    async fn author(&self) -> UserCore {
        UserCore(self.0.author)
    }

    async fn assignees(
        &self,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Result<Option<UserCoreConnection>> {
        let args = PageArgs::new(after, before, first, last);
        let people = self.0.assignees.iter().copied().map(UserCore);
        Ok(Some(UserCoreConnection(Page::listed(people, &args)?)))
    }

    async fn web_url(&self, ctx: &Context<'_>) -> String {
        view(ctx).address(&self.0)
    }

    async fn project_id(&self, ctx: &Context<'_>) -> Option<i32> {
        Some(int(view(ctx).world.projects[self.0.project].id))
    }

    async fn confidential(&self) -> bool {
        self.0.confidential
    }

    async fn due_date(&self) -> Option<Time> {
        self.0.due.map(Time)
    }

    async fn weight(&self) -> Option<i32> {
        self.0.weight
    }

    async fn user_notes_count(&self, ctx: &Context<'_>) -> i32 {
        let view = view(ctx);
        int(view.world.visible_notes(view.reader, &self.0).filter(|note| !note.system).count())
    }
);
