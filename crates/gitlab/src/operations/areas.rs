//! Groups and projects.

use super::{nonsense, text};
use crate::wire::documents::{
    GroupByPath, Groups, ProjectByPath, Projects, group_by_path, groups, project_by_path, projects,
};
use crate::wire::{next, page};
use crate::{Client, Cursor, Error, Group, Page, Project};
use serde::Deserialize;

#[derive(Deserialize)]
struct ProjectPlace {
    path_with_namespace: String,
}

#[derive(Deserialize)]
struct GroupPlace {
    full_path: String,
}

/// GitLab's own maximum.
const AREAS_PER_PAGE: i64 = 100;

impl Client {
    /// The groups that the token's owner is a member of, 100 at a time.
    pub async fn groups(&self, after: Option<&Cursor>) -> Result<Page<Group>, Error> {
        let variables = groups::Variables { first: AREAS_PER_PAGE, after: text(after) };
        let Some(list) = self.run::<Groups>(variables).await?.groups else {
            return Ok(Page::default());
        };
        let next = next(list.page_info.has_next_page, list.page_info.end_cursor)?;
        Ok(page(list.nodes, next, Some(list.count), Group::try_from))
    }

    /// The projects that the token's owner is a member of, 100 at a time.
    pub async fn projects(&self, after: Option<&Cursor>) -> Result<Page<Project>, Error> {
        let variables = projects::Variables { first: AREAS_PER_PAGE, after: text(after) };
        let Some(list) = self.run::<Projects>(variables).await?.projects else {
            return Ok(Page::default());
        };
        let next = next(list.page_info.has_next_page, list.page_info.end_cursor)?;
        Ok(page(list.nodes, next, Some(list.count), Project::try_from))
    }

    /// Where a project is now; it may have been renamed or transferred.
    pub async fn project_path(&self, id: i64) -> Result<String, Error> {
        Ok(self.one::<ProjectPlace>(&format!("projects/{id}")).await?.path_with_namespace)
    }

    /// Where a group is now.
    pub async fn group_path(&self, id: i64) -> Result<String, Error> {
        Ok(self.one::<GroupPlace>(&format!("groups/{id}")).await?.full_path)
    }

    /// One group; `None` when it is gone or hidden from the token's owner.
    pub async fn group(&self, full_path: &str) -> Result<Option<Group>, Error> {
        let variables = group_by_path::Variables { path: full_path.to_owned() };
        let data = self.run::<GroupByPath>(variables).await?;
        data.group.map(Group::try_from).transpose().map_err(nonsense)
    }

    /// One project; `None` when it is gone or hidden from the token's owner.
    pub async fn project(&self, full_path: &str) -> Result<Option<Project>, Error> {
        let variables = project_by_path::Variables { path: full_path.to_owned() };
        let data = self.run::<ProjectByPath>(variables).await?;
        data.project.map(Project::try_from).transpose().map_err(nonsense)
    }
}
