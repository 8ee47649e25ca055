//! Projects.

use async_graphql::{Context, ID, Object, Result};

use super::{
    View,
    access::AccessLevel,
    connection::{
        IssueConnection, Key, LabelConnection, MergeRequestConnection, MilestoneConnection, Page, PageArgs,
        PipelineConnection, Row, VulnerabilityConnection,
    },
    filter::{Filter, Span},
    group::Group,
    int,
    issue::Issue,
    label::{Label, Milestone},
    merge_request::MergeRequest,
    namespace::Namespace,
    pipeline,
    scalars::{Time, gid},
    sorts::{IssuableState, IssueSort, MergeRequestSort, MergeRequestState},
    view,
    vulnerability::{Vulnerability, VulnerabilitySort},
};
use crate::forge::{
    extras,
    model::{self, Kind, State},
};

/// By index.
pub(crate) struct Project(usize);

impl Project {
    pub(crate) fn seen(view: &View, at: usize) -> Option<Self> {
        view.world.sees_project(view.reader, at).then_some(Self(at))
    }

    fn it<'a>(&self, ctx: &Context<'a>) -> &'a model::Project {
        &view(ctx).world.projects[self.0]
    }

    fn open(&self, ctx: &Context<'_>, kind: Kind) -> i32 {
        let view = view(ctx);
        let items = view.world.visible_items(view.reader, self.0, kind);
        int(items.filter(|item| item.state == State::Opened).count())
    }
}

pub(crate) fn found(project: &model::Project, search: Option<&str>) -> bool {
    search.is_none_or(|text| {
        let text = text.to_lowercase();
        project.name.to_lowercase().contains(&text) || project.full_path.contains(&text)
    })
}

/// A page of projects by a sort of the form `updated_desc`.
pub(crate) fn page(
    view: &View,
    projects: impl Iterator<Item = usize>,
    sort: &str,
    args: &PageArgs,
) -> Result<Page<Project>> {
    let (by, way) = sort.rsplit_once('_').unwrap_or((sort, "asc"));
    let rows = projects
        .map(|at| {
            let one = &view.world.projects[at];
            let key = match by {
                "name" => Key::Text(one.name.to_lowercase()),
                "path" => Key::Text(one.path.clone()),
                "created" | "created_at" => Key::Number(one.created.timestamp_micros()),
                "updated" | "updated_at" => Key::Number(one.updated.timestamp_micros()),
                "latest_activity" | "last_activity" => Key::Number(one.last_activity.timestamp_micros()),
                "stars" => Key::Number(one.stars.into()),
                _ => Key::Number(0),
            };
            Row { key, id: one.id, node: Project(at) }
        })
        .collect();
    Page::cut(rows, way.eq_ignore_ascii_case("desc"), args)
}

#[Object]
#[expect(clippy::too_many_arguments, reason = "the arguments of GitLab's fields")]
impl Project {
    async fn id(&self, ctx: &Context<'_>) -> ID {
        ID(gid("Project", self.it(ctx).id))
    }

    async fn name<'a>(&self, ctx: &Context<'a>) -> &'a str {
        &self.it(ctx).name
    }

    async fn path<'a>(&self, ctx: &Context<'a>) -> &'a str {
        &self.it(ctx).path
    }

    async fn full_path(&self, ctx: &Context<'_>) -> ID {
        ID(self.it(ctx).full_path.clone())
    }

    async fn name_with_namespace<'a>(&self, ctx: &Context<'a>) -> &'a str {
        &self.it(ctx).name_with_namespace
    }

    async fn description<'a>(&self, ctx: &Context<'a>) -> Option<&'a str> {
        Some(&self.it(ctx).description)
    }

    async fn visibility(&self, ctx: &Context<'_>) -> Option<&'static str> {
        Some(self.it(ctx).visibility.as_str())
    }

    async fn web_url(&self, ctx: &Context<'_>) -> Option<String> {
        Some(format!("{}/{}", view(ctx).base, self.it(ctx).full_path))
    }

    async fn avatar_url(&self) -> Option<String> {
        None
    }

    async fn created_at(&self, ctx: &Context<'_>) -> Option<Time> {
        Some(Time(self.it(ctx).created))
    }

    async fn updated_at(&self, ctx: &Context<'_>) -> Option<Time> {
        Some(Time(self.it(ctx).updated))
    }

    async fn last_activity_at(&self, ctx: &Context<'_>) -> Option<Time> {
        Some(Time(self.it(ctx).last_activity))
    }

    async fn archived(&self, ctx: &Context<'_>) -> Option<bool> {
        Some(self.it(ctx).archived)
    }

    async fn group(&self, ctx: &Context<'_>) -> Option<Group> {
        Group::seen(view(ctx), self.it(ctx).group)
    }

    async fn namespace(&self, ctx: &Context<'_>) -> Option<Namespace> {
        let view = view(ctx);
        Group::seen(view, self.it(ctx).group)?;
        Some(Namespace::of(view, self.it(ctx).group))
    }

    async fn issues_enabled(&self, ctx: &Context<'_>) -> Option<bool> {
        Some(self.it(ctx).issues_enabled)
    }

    async fn merge_requests_enabled(&self, ctx: &Context<'_>) -> Option<bool> {
        Some(self.it(ctx).merge_requests_enabled)
    }

    async fn star_count(&self, ctx: &Context<'_>) -> i32 {
        self.it(ctx).stars
    }

    async fn forks_count(&self) -> i32 {
        0
    }

    async fn topics(&self, ctx: &Context<'_>) -> Option<Vec<&'static str>> {
        Some(self.it(ctx).topics.clone())
    }

    async fn max_access_level(&self, ctx: &Context<'_>) -> AccessLevel {
        let view = view(ctx);
        view.world.project_level(view.reader, self.0).into()
    }

    async fn open_issues_count(&self, ctx: &Context<'_>) -> Option<i32> {
        Some(self.open(ctx, Kind::Issue))
    }

    async fn open_merge_requests_count(&self, ctx: &Context<'_>) -> Option<i32> {
        Some(self.open(ctx, Kind::MergeRequest))
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
        let labels = self.it(ctx).labels.iter().cloned().map(Label);
        Ok(Some(LabelConnection(Page::listed(labels, &args)?)))
    }

    async fn milestones(
        &self,
        ctx: &Context<'_>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Result<Option<MilestoneConnection>> {
        let args = PageArgs::new(after, before, first, last);
        let it = self.it(ctx);
        let milestones = it.milestones.iter().map(|one| Milestone(one.clone(), it.full_path.clone()));
        Ok(Some(MilestoneConnection(Page::listed(milestones, &args)?)))
    }

    async fn pipelines(
        &self,
        ctx: &Context<'_>,
        updated_after: Option<Time>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Result<Option<PipelineConnection>> {
        let (view, args) = (view(ctx), PageArgs::new(after, before, first, last));
        if !view.world.reads_pipelines(view.reader, self.0) {
            return Ok(None);
        }
        Ok(Some(PipelineConnection(pipeline::page(view, self.0, updated_after, &args)?)))
    }

    async fn vulnerabilities(
        &self,
        ctx: &Context<'_>,
        sort: Option<VulnerabilitySort>,
        after: Option<String>,
        before: Option<String>,
        first: Option<i32>,
        last: Option<i32>,
    ) -> Result<Option<VulnerabilityConnection>> {
        let (view, args) = (view(ctx), PageArgs::new(after, before, first, last));
        if !view.world.reads_weaknesses(view.reader, self.0) {
            return Ok(None);
        }
        let it = self.it(ctx);
        let rows = extras::vulnerabilities(&view.world, self.0).into_iter().map(|(id, title)| {
            let web_url = format!("{}/{}/-/security/vulnerabilities/{id}", view.base, it.full_path);
            Row { key: Key::Number(0), id, node: Vulnerability { id, title, detected: it.created, web_url } }
        });
        let page = Page::cut(rows.collect(), sort == Some(VulnerabilitySort::DetectedDesc), &args)?;
        Ok(Some(VulnerabilityConnection(page)))
    }

    async fn issue(&self, ctx: &Context<'_>, iid: Option<String>) -> Option<Issue> {
        let view = view(ctx);
        let mut items = view.world.visible_items(view.reader, self.0, Kind::Issue);
        items.find(|item| Some(item.iid.to_string()) == iid).cloned().map(Issue)
    }

    async fn merge_request(&self, ctx: &Context<'_>, iid: String) -> Option<MergeRequest> {
        let view = view(ctx);
        let mut items = view.world.visible_items(view.reader, self.0, Kind::MergeRequest);
        items.find(|item| item.iid.to_string() == iid).cloned().map(MergeRequest)
    }

    async fn issues(
        &self,
        ctx: &Context<'_>,
        iid: Option<String>,
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
            iids: iids.or(iid.map(|one| vec![one])),
            search,
            author: author_username,
            updated: Span { after: updated_after, before: updated_before },
            created: Span { after: created_after, before: created_before },
            order: sort.map(Into::into).unwrap_or_default(),
        };
        let args = PageArgs::new(after, before, first, last);
        let fits = |one| state.is_none_or(|state| state.fits(one));
        let page = filter.page(view(ctx), Kind::Issue, &[self.0], fits, &args, Issue)?;
        Ok(Some(IssueConnection(page)))
    }

    async fn merge_requests(
        &self,
        ctx: &Context<'_>,
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
        let args = PageArgs::new(after, before, first, last);
        let fits = |one| state.is_none_or(|state| state.fits(one));
        let page = filter.page(view(ctx), Kind::MergeRequest, &[self.0], fits, &args, MergeRequest)?;
        Ok(Some(MergeRequestConnection(page)))
    }
}
