//! Groups and projects.

use super::documents::{group_by_path, groups, project_by_path, projects};
use crate::global_id::{id, optional_time};
use crate::model::{Group, Project};

macro_rules! group_from {
    ($($document:ident),+) => {$(
        impl TryFrom<$document::GroupFields> for Group {
            type Error = String;

            fn try_from(wire: $document::GroupFields) -> Result<Self, String> {
                let say = |why: String| format!("group {}: {why}", wire.full_path);
                let (parent_id, parent_path) = wire.parent.map(|parent| (parent.id, parent.full_path)).unzip();
                Ok(Self {
                    id: id(wire.id.as_deref().unwrap_or_default()).map_err(say)?,
                    parent_id: parent_id.flatten().map(|text| id(&text)).transpose().map_err(say)?,
                    parent_path,
                    created_at: optional_time(wire.created_at.as_deref()).map_err(say)?,
                    updated_at: optional_time(wire.updated_at.as_deref()).map_err(say)?,
                    name: wire.name.unwrap_or_else(|| wire.path.clone()),
                    path: wire.path,
                    full_path: wire.full_path,
                    full_name: wire.full_name,
                    description: wire.description,
                    visibility: wire.visibility,
                    web_url: wire.web_url,
                    avatar_url: wire.avatar_url,
                    archived: wire.archived,
                })
            }
        }
    )+};
}

group_from!(group_by_path, groups);

macro_rules! project_from {
    ($($document:ident),+) => {$(
        impl TryFrom<$document::ProjectFields> for Project {
            type Error = String;

            fn try_from(wire: $document::ProjectFields) -> Result<Self, String> {
                let say = |why: String| format!("project {}: {why}", wire.full_path);
                let (namespace_id, namespace_path) =
                    wire.namespace.map(|namespace| (namespace.id, namespace.full_path)).unzip();
                // The path says it as well.
                let namespace_path =
                    namespace_path.or_else(|| Some(wire.full_path.rsplit_once('/')?.0.to_owned()));
                Ok(Self {
                    id: id(&wire.id).map_err(say)?,
                    namespace_id: namespace_id.map(|text| id(&text)).transpose().map_err(say)?,
                    namespace_path,
                    created_at: optional_time(wire.created_at.as_deref()).map_err(say)?,
                    updated_at: optional_time(wire.updated_at.as_deref()).map_err(say)?,
                    last_activity_at: optional_time(wire.last_activity_at.as_deref()).map_err(say)?,
                    full_path: wire.full_path,
                    path: wire.path,
                    name: wire.name,
                    name_with_namespace: wire.name_with_namespace,
                    description: wire.description,
                    visibility: wire.visibility,
                    web_url: wire.web_url,
                    avatar_url: wire.avatar_url,
                    archived: wire.archived.unwrap_or_default(),
                    topics: wire.topics.unwrap_or_default(),
                    star_count: wire.star_count,
                    forks_count: wire.forks_count,
                    issues_enabled: wire.issues_enabled.unwrap_or_default(),
                    merge_requests_enabled: wire.merge_requests_enabled.unwrap_or_default(),
                    access_level: wire.max_access_level.integer_value,
                })
            }
        }
    )+};
}

project_from!(project_by_path, projects);
