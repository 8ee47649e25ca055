//! People, in the five types that GitLab has for them.

use async_graphql::{Context, Enum, Object, Result};

use super::{
    access::{self, GroupMember, ProjectMember},
    connection::{GroupConnection, GroupMemberConnection, Page, PageArgs, ProjectMemberConnection},
    group, int,
    scalars::{Time, UserId, gid},
    view,
};

#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(rename_items = "snake_case")]
pub(crate) enum UserState {
    Active,
    Blocked,
}

macro_rules! person {
    ($name:ident $($more:tt)*) => {
        /// By index.
        pub(crate) struct $name(pub(crate) usize);

        #[Object]
        impl $name {
            async fn id(&self, ctx: &Context<'_>) -> UserId {
                UserId(gid("User", view(ctx).world.people[self.0].id))
            }

            async fn username<'a>(&self, ctx: &Context<'a>) -> &'a str {
                &view(ctx).world.people[self.0].username
            }

            async fn name<'a>(&self, ctx: &Context<'a>) -> &'a str {
                &view(ctx).world.people[self.0].name
            }

            async fn web_url(&self, ctx: &Context<'_>) -> String {
                let view = view(ctx);
                format!("{}/{}", view.base, view.world.people[self.0].username)
            }

            async fn web_path(&self, ctx: &Context<'_>) -> String {
                format!("/{}", view(ctx).world.people[self.0].username)
            }

            async fn avatar_url(&self) -> Option<String> {
                None
            }

            async fn public_email(&self) -> Option<String> {
                Some(String::new())
            }

            async fn bot(&self, ctx: &Context<'_>) -> bool {
                view(ctx).world.people[self.0].bot
            }

            async fn human(&self, ctx: &Context<'_>) -> Option<bool> {
                Some(!view(ctx).world.people[self.0].bot)
            }

            async fn active(&self, ctx: &Context<'_>) -> Option<bool> {
                Some(!view(ctx).world.people[self.0].blocked)
            }

            async fn state(&self, ctx: &Context<'_>) -> UserState {
                if view(ctx).world.people[self.0].blocked {
                    UserState::Blocked
                } else {
                    UserState::Active
                }
            }

            async fn created_at(&self, ctx: &Context<'_>) -> Option<Time> {
                Some(Time(view(ctx).world.people[self.0].created))
            }

            $($more)*
        }
    };
}

person!(UserCore);
person!(MergeRequestAuthor);
person!(MergeRequestAssignee);
person!(MergeRequestReviewer);
person!(CurrentUser
    async fn group_count(&self, ctx: &Context<'_>) -> Option<i32> {
        Some(int(group::member_groups(view(ctx)).count()))
    }

    #[expect(clippy::too_many_arguments, reason = "the arguments of GitLab's field")]
    async fn groups(
        &self,
        ctx: &Context<'_>,
        search: Option<String>,
        sort: Option<super::sorts::GroupSort>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Result<Option<GroupConnection>> {
        let view = view(ctx);
        let groups = group::member_groups(view).filter(|&at| group::found(view, at, search.as_deref()));
        let sort = sort.map_or("name_asc", super::sorts::GroupSort::text);
        let args = PageArgs::new(after, before, first, last);
        Ok(Some(GroupConnection(group::page(view, groups, sort, &args)?)))
    }

    async fn group_memberships(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Result<Option<GroupMemberConnection>> {
        let members: Vec<GroupMember> = access::group_members(&view(ctx).world, self.0);
        let args = PageArgs::new(after, before, first, last);
        Ok(Some(GroupMemberConnection(Page::listed(members, &args)?)))
    }

    async fn project_memberships(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Result<Option<ProjectMemberConnection>> {
        let members: Vec<ProjectMember> = access::project_members(&view(ctx).world, self.0);
        let args = PageArgs::new(after, before, first, last);
        Ok(Some(ProjectMemberConnection(Page::listed(members, &args)?)))
    }
);
