//! Labels and milestones.

use async_graphql::{Enum, ID, Object};
use std::sync::Arc;

use super::scalars::{LabelId, Time, gid};
use crate::forge::model;

pub(crate) struct Label(pub(crate) Arc<model::Label>);

#[Object]
impl Label {
    async fn id(&self) -> LabelId {
        LabelId(gid("ProjectLabel", self.0.id))
    }

    async fn title(&self) -> &str {
        &self.0.title
    }

    async fn description(&self) -> Option<&str> {
        self.0.description
    }

    async fn color(&self) -> &str {
        self.0.color
    }

    async fn text_color(&self) -> &'static str {
        "#FFFFFF"
    }

    async fn archived(&self) -> bool {
        false
    }

    async fn created_at(&self) -> Time {
        Time(self.0.created)
    }

    async fn updated_at(&self) -> Time {
        Time(self.0.created)
    }
}

#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(rename_items = "lowercase")]
pub(crate) enum MilestoneStateEnum {
    Active,
    Closed,
}

/// A milestone, and the full path of its project.
pub(crate) struct Milestone(pub(crate) Arc<model::Milestone>, pub(crate) String);

#[Object]
impl Milestone {
    async fn id(&self) -> ID {
        ID(gid("Milestone", self.0.id))
    }

    async fn iid(&self) -> ID {
        ID(self.0.iid.to_string())
    }

    async fn title(&self) -> &str {
        &self.0.title
    }

    async fn description(&self) -> Option<&str> {
        None
    }

    async fn state(&self) -> MilestoneStateEnum {
        if self.0.closed { MilestoneStateEnum::Closed } else { MilestoneStateEnum::Active }
    }

    async fn expired(&self) -> bool {
        self.0.expired
    }

    async fn start_date(&self) -> Option<Time> {
        Some(Time(self.0.start))
    }

    async fn due_date(&self) -> Option<Time> {
        Some(Time(self.0.due))
    }

    async fn created_at(&self) -> Time {
        Time(self.0.created)
    }

    async fn updated_at(&self) -> Time {
        Time(self.0.updated)
    }

    async fn web_path(&self) -> String {
        format!("/{}/-/milestones/{}", self.1, self.0.iid)
    }
}
