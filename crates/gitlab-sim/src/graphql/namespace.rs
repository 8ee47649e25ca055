//! The namespace of a project: its group under another type.

use async_graphql::{ID, SimpleObject};

use super::{View, scalars::gid};

#[derive(SimpleObject)]
pub(crate) struct Namespace {
    id: ID,
    name: String,
    path: String,
    full_name: String,
    full_path: ID,
    description: Option<String>,
    visibility: Option<&'static str>,
}

impl Namespace {
    pub(crate) fn of(view: &View, group: usize) -> Self {
        let group = &view.world.groups[group];
        Self {
            id: ID(gid("Group", group.id)),
            name: group.name.clone(),
            path: group.path.clone(),
            full_name: group.full_name.clone(),
            full_path: ID(group.full_path.clone()),
            description: Some(group.description.clone()),
            visibility: Some(group.visibility.as_str()),
        }
    }
}
