//! Memberships and access levels.

use async_graphql::{Context, Enum, ID, Object, SimpleObject};

use super::{
    group::Group,
    person::UserCore,
    project::Project,
    scalars::{Time, gid},
    view,
};
use crate::forge::model::{Level, Member, World};

#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AccessLevelEnum {
    NoAccess,
    Guest,
    Reporter,
    Developer,
    Maintainer,
    Owner,
}

#[derive(SimpleObject)]
pub(crate) struct AccessLevel {
    integer_value: Option<i32>,
    string_value: Option<AccessLevelEnum>,
    human_access: Option<&'static str>,
}

impl From<Level> for AccessLevel {
    fn from(level: Level) -> Self {
        let (name, human) = match level {
            50.. => (AccessLevelEnum::Owner, Some("Owner")),
            40.. => (AccessLevelEnum::Maintainer, Some("Maintainer")),
            30.. => (AccessLevelEnum::Developer, Some("Developer")),
            20.. => (AccessLevelEnum::Reporter, Some("Reporter")),
            10.. => (AccessLevelEnum::Guest, Some("Guest")),
            _ => (AccessLevelEnum::NoAccess, None),
        };
        Self { integer_value: Some(level), string_value: Some(name), human_access: human }
    }
}

macro_rules! membership {
    ($name:ident, $gid:literal, $place:ident: $node:ident) => {
        /// A membership, and the index of what it is in.
        pub(crate) struct $name(Member, usize);

        #[Object]
        impl $name {
            async fn id(&self) -> ID {
                ID(gid($gid, self.0.id))
            }

            async fn access_level(&self) -> Option<AccessLevel> {
                Some(self.0.level.into())
            }

            async fn user(&self) -> Option<UserCore> {
                Some(UserCore(self.0.person))
            }

            async fn created_at(&self) -> Option<Time> {
                Some(Time(self.0.created))
            }

            async fn updated_at(&self) -> Option<Time> {
                Some(Time(self.0.created))
            }

            async fn expires_at(&self) -> Option<Time> {
                None
            }

            async fn $place(&self, ctx: &Context<'_>) -> Option<$node> {
                $node::seen(view(ctx), self.1)
            }
        }
    };
}

membership!(GroupMember, "GroupMember", group: Group);
membership!(ProjectMember, "ProjectMember", project: Project);

/// The direct memberships of a person.
pub(crate) fn group_members(world: &World, person: usize) -> Vec<GroupMember> {
    world
        .groups
        .iter()
        .enumerate()
        .flat_map(|(at, group)| group.members.iter().map(move |one| GroupMember(*one, at)))
        .filter(|one| one.0.person == person)
        .collect()
}

pub(crate) fn project_members(world: &World, person: usize) -> Vec<ProjectMember> {
    world
        .projects
        .iter()
        .enumerate()
        .flat_map(|(at, project)| project.members.iter().map(move |one| ProjectMember(*one, at)))
        .filter(|one| one.0.person == person)
        .collect()
}
