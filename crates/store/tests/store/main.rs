//! The store on both databases: each scenario runs on a fresh SQLite file and on a fresh PostgreSQL database.

#![expect(clippy::unwrap_used, reason = "tests")]

mod areas;
mod charts;
mod claims;
mod counters;
mod endings;
mod fencing;
mod items;
mod migrations;
mod model;
mod nodes;
mod pauses;
mod people;
#[path = "../support/postgres.rs"]
mod postgres;
mod pruning;
mod resources;
mod schedules;
mod search;
mod submit;
mod waiting;
mod world;
mod writing;

/// One test for each scenario on SQLite; one for all of a module on PostgreSQL, since each test may be a process and each
/// process has a server of its own.
macro_rules! on_both {
    ($($scenario:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test]
            async fn $scenario() {
                super::$scenario(&crate::world::World::sqlite().await).await;
            })+
        }

        #[tokio::test]
        async fn on_postgres() {
            $(if let Some(world) = crate::world::World::postgres().await {
                $scenario(&world).await;
            })+
        }
    };
}
pub(crate) use on_both;
