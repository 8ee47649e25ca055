//! Groups.

use async_graphql::{Context, ID, Object, Result};

use super::{
    View,
    access::AccessLevel,
    connection::{
        GroupConnection, IssueConnection, Key, MergeRequestConnection, Page, PageArgs, ProjectConnection, Row,
    },
    filter::{Filter, Span},
    int,
    issue::Issue,
    merge_request::MergeRequest,
    project,
    scalars::{Time, gid, number},
    sorts::{GroupSort, IssuableState, IssueSort, MergeRequestSort, MergeRequestState},
    view,
};
use crate::forge::model::{self, Kind};

/// By index.
pub(crate) struct Group(usize);

impl Group {
    pub(crate) fn seen(view: &View, at: usize) -> Option<Self> {
        view.world.sees_group(view.reader, at).then_some(Self(at))
    }

    fn it<'a>(&self, ctx: &Context<'a>) -> &'a model::Group {
        &view(ctx).world.groups[self.0]
    }

    /// Indexes of the projects in this group, or in it and below.
    fn projects_in(&self, view: &View, deep: bool) -> Vec<usize> {
        (0..view.world.projects.len())
            .filter(|&at| {
                let group = view.world.projects[at].group;
                group == self.0 || (deep && view.world.lineage(group).any(|above| above == self.0))
            })
            .filter(|&at| view.world.sees_project(view.reader, at))
            .collect()
    }

    /// Those whose items a list of the group's items has: without archived ones, unless asked for.
    fn working(&self, view: &View, deep: Option<bool>, archived: Option<bool>) -> Vec<usize> {
        let mut projects = self.projects_in(view, deep == Some(true));
        projects.retain(|&at| archived == Some(true) || !view.world.projects[at].archived);
        projects
    }
}

/// The groups that the reader is a member of, directly or through one above.
pub(crate) fn member_groups(view: &View) -> impl Iterator<Item = usize> + '_ {
    (0..view.world.groups.len()).filter(|&at| view.world.group_level(view.reader, at) > 0)
}

pub(crate) fn found(view: &View, at: usize, search: Option<&str>) -> bool {
    let group = &view.world.groups[at];
    search.is_none_or(|text| {
        let text = text.to_lowercase();
        group.name.to_lowercase().contains(&text) || group.full_path.contains(&text)
    })
}

/// A page of groups by a sort of the form `name_asc`.
pub(crate) fn page(
    view: &View,
    groups: impl Iterator<Item = usize>,
    sort: &str,
    args: &PageArgs,
) -> Result<Page<Group>> {
    let (by, way) = sort.rsplit_once('_').unwrap_or((sort, "asc"));
    let rows = groups
        .map(|at| {
            let group = &view.world.groups[at];
            let key = match by {
                "name" => Key::Text(group.name.to_lowercase()),
                "path" => Key::Text(group.path.clone()),
                "created" | "created_at" => Key::Number(group.created.timestamp_micros()),
                "updated" | "updated_at" => Key::Number(group.updated.timestamp_micros()),
                _ => Key::Number(0),
            };
            Row { key, id: group.id, node: Group(at) }
        })
        .collect();
    Page::cut(rows, way.eq_ignore_ascii_case("desc"), args)
}

/// Whether a list of global ids names this one.
pub(crate) fn named(kind: &str, ids: Option<&[ID]>, id: u64) -> bool {
    ids.is_none_or(|ids| ids.iter().any(|one| number(kind, one) == Some(id)))
}

#[Object]
#[expect(clippy::too_many_arguments, reason = "the arguments of GitLab's fields")]
impl Group {
    async fn id(&self, ctx: &Context<'_>) -> Option<ID> {
        Some(ID(gid("Group", self.it(ctx).id)))
    }

    async fn name<'a>(&self, ctx: &Context<'a>) -> Option<&'a str> {
        Some(&self.it(ctx).name)
    }

    async fn path<'a>(&self, ctx: &Context<'a>) -> &'a str {
        &self.it(ctx).path
    }

    async fn full_path(&self, ctx: &Context<'_>) -> ID {
        ID(self.it(ctx).full_path.clone())
    }

    async fn full_name<'a>(&self, ctx: &Context<'a>) -> Option<&'a str> {
        Some(&self.it(ctx).full_name)
    }

    async fn description<'a>(&self, ctx: &Context<'a>) -> Option<&'a str> {
        Some(&self.it(ctx).description)
    }

    async fn visibility(&self, ctx: &Context<'_>) -> Option<&'static str> {
        Some(self.it(ctx).visibility.as_str())
    }

    async fn web_url(&self, ctx: &Context<'_>) -> String {
        format!("{}/groups/{}", view(ctx).base, self.it(ctx).full_path)
    }

    async fn avatar_url(&self) -> Option<String> {
        None
    }

    async fn archived(&self) -> Option<bool> {
        Some(false)
    }

    async fn created_at(&self, ctx: &Context<'_>) -> Option<Time> {
        Some(Time(self.it(ctx).created))
    }

    async fn updated_at(&self, ctx: &Context<'_>) -> Option<Time> {
        Some(Time(self.it(ctx).updated))
    }

    async fn max_access_level(&self, ctx: &Context<'_>) -> AccessLevel {
        let view = view(ctx);
        view.world.group_level(view.reader, self.0).into()
    }

    async fn parent(&self, ctx: &Context<'_>) -> Option<Group> {
        Group::seen(view(ctx), self.it(ctx).parent?)
    }

    async fn projects_count(&self, ctx: &Context<'_>) -> i32 {
        int(self.projects_in(view(ctx), false).len())
    }

    async fn projects(
        &self,
        ctx: &Context<'_>,
        include_subgroups: Option<bool>,
        include_archived: Option<bool>,
        search: Option<String>,
        ids: Option<Vec<ID>>,
        with_issues_enabled: Option<bool>,
        with_merge_requests_enabled: Option<bool>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Result<ProjectConnection> {
        let view = view(ctx);
        let inside = self.projects_in(view, include_subgroups == Some(true));
        let wanted = inside.into_iter().filter(|&at| {
            let one = &view.world.projects[at];
            (include_archived != Some(false) || !one.archived)
                && project::found(one, search.as_deref())
                && named("Project", ids.as_deref(), one.id)
                && with_issues_enabled.is_none_or(|on| on == one.issues_enabled)
                && with_merge_requests_enabled.is_none_or(|on| on == one.merge_requests_enabled)
        });
        let args = PageArgs::new(after, before, first, last);
        Ok(ProjectConnection(project::page(view, wanted, "id_desc", &args)?))
    }

    async fn descendant_groups(
        &self,
        ctx: &Context<'_>,
        include_parent_descendants: Option<bool>,
        search: Option<String>,
        ids: Option<Vec<ID>>,
        sort: Option<GroupSort>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Result<Option<GroupConnection>> {
        let view = view(ctx);
        let deep = include_parent_descendants != Some(false);
        let below = (0..view.world.groups.len()).filter(|&at| {
            let parent = view.world.groups[at].parent;
            at != self.0
                && (parent == Some(self.0) || (deep && view.world.lineage(at).any(|above| above == self.0)))
                && view.world.sees_group(view.reader, at)
                && found(view, at, search.as_deref())
                && named("Group", ids.as_deref(), view.world.groups[at].id)
        });
        let sort = sort.map_or("name_asc", GroupSort::text);
        let args = PageArgs::new(after, before, first, last);
        Ok(Some(GroupConnection(page(view, below, sort, &args)?)))
    }

    async fn issues(
        &self,
        ctx: &Context<'_>,
        include_subgroups: Option<bool>,
        include_archived: Option<bool>,
        iids: Option<Vec<String>>,
        state: Option<IssuableState>,
        sort: Option<IssueSort>,
        search: Option<String>,
        author_username: Option<String>,
        updated_after: Option<Time>,
        updated_before: Option<Time>,
        created_after: Option<Time>,
        created_before: Option<Time>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Result<Option<IssueConnection>> {
        let filter = Filter {
            iids,
            search,
            author: author_username,
            updated: Span { after: updated_after, before: updated_before },
            created: Span { after: created_after, before: created_before },
            order: sort.map(Into::into).unwrap_or_default(),
        };
        let view = view(ctx);
        let projects = self.working(view, include_subgroups, include_archived);
        let args = PageArgs::new(after, before, first, last);
        let fits = |one| state.is_none_or(|state| state.fits(one));
        let page = filter.page(view, Kind::Issue, &projects, fits, &args, Issue)?;
        Ok(Some(IssueConnection(page)))
    }

    async fn merge_requests(
        &self,
        ctx: &Context<'_>,
        include_subgroups: Option<bool>,
        include_archived: Option<bool>,
        iids: Option<Vec<String>>,
        state: Option<MergeRequestState>,
        sort: Option<MergeRequestSort>,
        search: Option<String>,
        author_username: Option<String>,
        updated_after: Option<Time>,
        updated_before: Option<Time>,
        created_after: Option<Time>,
        created_before: Option<Time>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Result<Option<MergeRequestConnection>> {
        let filter = Filter {
            iids,
            search,
            author: author_username,
            updated: Span { after: updated_after, before: updated_before },
            created: Span { after: created_after, before: created_before },
            order: sort.map(Into::into).unwrap_or_default(),
        };
        let view = view(ctx);
        let projects = self.working(view, include_subgroups, include_archived);
        let args = PageArgs::new(after, before, first, last);
        let fits = |one| state.is_none_or(|state| state.fits(one));
        let page = filter.page(view, Kind::MergeRequest, &projects, fits, &args, MergeRequest)?;
        Ok(Some(MergeRequestConnection(page)))
    }
}
