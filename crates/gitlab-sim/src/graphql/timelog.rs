//! Time that people have logged.

use async_graphql::{ID, Object};

use super::{
    person::UserCore,
    scalars::{Time, gid},
};
use crate::forge::extras::Spent;

pub(crate) struct Timelog(pub(crate) Spent);

#[Object]
impl Timelog {
    async fn id(&self) -> ID {
        ID(gid("Timelog", self.0.id))
    }

    async fn time_spent(&self) -> i32 {
        self.0.seconds
    }

    async fn spent_at(&self) -> Option<Time> {
        Some(Time(self.0.at))
    }

    async fn summary(&self) -> Option<&str> {
        self.0.summary.as_deref()
    }

    async fn user(&self) -> UserCore {
        UserCore(self.0.person)
    }
}
