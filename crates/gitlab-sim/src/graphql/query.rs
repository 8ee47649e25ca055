//! The root of all queries.

use async_graphql::{Context, ID, Object, Result, SimpleObject};

use super::{
    connection::{GroupConnection, PageArgs, ProjectConnection},
    group::{self, Group, named},
    issue::Issue,
    merge_request::MergeRequest,
    person::{CurrentUser, UserCore},
    project::{self, Project},
    scalars::{IssueId, MergeRequestId, UserId, number},
    view,
};
use crate::forge::model::{Item, Kind};

/// The version that the simulator says it is.
pub(crate) const VERSION: &str = "18.7.1-ee";
pub(crate) const REVISION: &str = "5a1f0c3e9d7";

pub(crate) struct Query;

#[derive(SimpleObject)]
struct Metadata {
    version: &'static str,
    revision: &'static str,
    enterprise: bool,
}

#[derive(SimpleObject)]
struct QueryComplexity {
    score: Option<i32>,
    limit: Option<i32>,
}

#[Object]
#[expect(clippy::too_many_arguments, reason = "the arguments of GitLab's fields")]
impl Query {
    async fn metadata(&self, ctx: &Context<'_>) -> Option<Metadata> {
        view(ctx).reader.0.map(|_| Metadata { version: VERSION, revision: REVISION, enterprise: true })
    }

    async fn current_user(&self, ctx: &Context<'_>) -> Option<CurrentUser> {
        view(ctx).reader.0.map(CurrentUser)
    }

    async fn query_complexity(&self, ctx: &Context<'_>) -> Option<QueryComplexity> {
        let view = view(ctx);
        Some(QueryComplexity { score: Some(view.score), limit: Some(view.limit) })
    }

    async fn user(&self, ctx: &Context<'_>, id: Option<UserId>, username: Option<String>) -> Option<UserCore> {
        let id = id.and_then(|id| number("User", &id.0));
        let people = &view(ctx).world.people;
        let at = people.iter().position(|one| Some(one.id) == id || Some(&one.username) == username.as_ref())?;
        Some(UserCore(at))
    }

    async fn projects(
        &self,
        ctx: &Context<'_>,
        membership: Option<bool>,
        search: Option<String>,
        sort: Option<String>,
        ids: Option<Vec<ID>>,
        full_paths: Option<Vec<String>>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Result<Option<ProjectConnection>> {
        let view = view(ctx);
        let wanted = (0..view.world.projects.len()).filter(|&at| {
            let one = &view.world.projects[at];
            view.world.sees_project(view.reader, at)
                && (membership != Some(true) || view.world.project_level(view.reader, at) > 0)
                && project::found(one, search.as_deref())
                && named("Project", ids.as_deref(), one.id)
                && full_paths.as_ref().is_none_or(|paths| paths.contains(&one.full_path))
        });
        let sort = sort.unwrap_or_else(|| "id_desc".to_owned());
        let args = PageArgs::new(after, before, first, last);
        Ok(Some(ProjectConnection(project::page(view, wanted, &sort, &args)?)))
    }

    async fn groups(
        &self,
        ctx: &Context<'_>,
        all_available: Option<bool>,
        top_level_only: Option<bool>,
        search: Option<String>,
        sort: Option<String>,
        ids: Option<Vec<ID>>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Result<Option<GroupConnection>> {
        let view = view(ctx);
        let wanted = (0..view.world.groups.len()).filter(|&at| {
            let one = &view.world.groups[at];
            view.world.sees_group(view.reader, at)
                && (all_available != Some(false) || view.world.group_level(view.reader, at) > 0)
                && (top_level_only != Some(true) || one.parent.is_none())
                && group::found(view, at, search.as_deref())
                && named("Group", ids.as_deref(), one.id)
        });
        let sort = sort.unwrap_or_else(|| "name_asc".to_owned());
        let args = PageArgs::new(after, before, first, last);
        Ok(Some(GroupConnection(group::page(view, wanted, &sort, &args)?)))
    }

    async fn group(&self, ctx: &Context<'_>, full_path: ID) -> Option<Group> {
        let view = view(ctx);
        let groups = &view.world.groups;
        let at = groups.iter().position(|one| one.full_path.eq_ignore_ascii_case(&full_path))?;
        Group::seen(view, at)
    }

    async fn project(&self, ctx: &Context<'_>, full_path: ID) -> Option<Project> {
        let view = view(ctx);
        let projects = &view.world.projects;
        let at = projects.iter().position(|one| one.full_path.eq_ignore_ascii_case(&full_path))?;
        Project::seen(view, at)
    }

    async fn issue(&self, ctx: &Context<'_>, id: IssueId) -> Option<Issue> {
        by_id(ctx, Kind::Issue, number("Issue", &id.0)).map(Issue)
    }

    async fn merge_request(&self, ctx: &Context<'_>, id: MergeRequestId) -> Option<MergeRequest> {
        by_id(ctx, Kind::MergeRequest, number("MergeRequest", &id.0)).map(MergeRequest)
    }
}

fn by_id(ctx: &Context<'_>, kind: Kind, id: Option<u64>) -> Option<std::sync::Arc<Item>> {
    let view = view(ctx);
    (0..view.world.projects.len())
        .flat_map(|at| view.world.visible_items(view.reader, at, kind))
        .find(|item| Some(item.id) == id)
        .cloned()
}
