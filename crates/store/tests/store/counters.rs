//! Figures that are kept, against what counting gives.

use crate::{
    resources::{issue, put},
    world::{World, completed, execute, failed},
};
use chrono::{TimeDelta, Utc};
use trawl_jobs::{ErrorClass, State};
use trawl_store::counters;

async fn jobs_in_every_state_are_counted(world: &World) {
    let done = world.running(1).await.id().unwrap();
    world.end(done, completed()).await;
    let parked = world.running(2).await.id().unwrap();
    world.end(parked, failed(ErrorClass::Credentials)).await;
    world.running(3).await;
    world.queued(4).await;
    let user = world.user;
    let counted = world.read(move |conn| counters::jobs(conn, Some(user))).await;
    let one = |state| ("issues".to_owned(), state, 1);
    assert_eq!(counted, [State::Queued, State::Waiting, State::Running, State::Completed].map(one));
    world.assert_counters_are_exact().await;
}

async fn rows_that_go_with_others_are_counted_out(world: &World) {
    world.running(1).await;
    world.queued(2).await;
    let (area, other) = (world.area(1).await, world.area(2).await);
    for id in 0..3 {
        put(world, area, issue(id, 0)).await;
    }
    put(world, other, issue(9, 0)).await;
    world.write(move |conn| execute(conn, &format!("DELETE FROM areas WHERE id = {area}"))).await;
    world.assert_counters_are_exact().await;
    assert_eq!(world.count("SELECT count(*) AS n FROM jobs").await, 1);
    assert_eq!(world.count("SELECT CAST(sum(n) AS BIGINT) AS n FROM resource_counters").await, 1);

    let user = world.user;
    world.write(move |conn| execute(conn, &format!("DELETE FROM users WHERE id = {user}"))).await;
    world.assert_counters_are_exact().await;
    let total = world.count("SELECT CAST(sum(n) AS BIGINT) AS n FROM job_counters WHERE user_id = 0").await;
    assert_eq!(total, 1, "the job outlives who asked for it, and counts as nobody's");
}

async fn objects_that_move_or_go_are_counted_where_they_are(world: &World) {
    let (here, there) = (world.area(1).await, world.area(2).await);
    for id in 0..3 {
        put(world, here, issue(id, 0)).await;
    }
    put(world, there, issue(1, 5)).await;
    world.write(|conn| execute(conn, "UPDATE resources SET deleted_at = written_at WHERE gitlab_id = 2")).await;
    world.assert_counters_are_exact().await;
    let counted = world.read(counters::resources).await;
    assert_eq!((counted[&here]["issue"], counted[&there]["issue"]), (1, 1));
    put(world, here, issue(2, 7)).await;
    assert_eq!(world.read(counters::resources).await[&here]["issue"], 2, "GitLab has it again");
    world.assert_counters_are_exact().await;
    world.write(|conn| execute(conn, "DELETE FROM resources")).await;
    world.assert_counters_are_exact().await;
}

async fn throughput_is_summed_by_the_minute(world: &World) {
    let minute = chrono::DateTime::<Utc>::from_timestamp(1_800_000_000, 0).unwrap();
    world
        .write(move |conn| {
            counters::ingested(conn, minute + TimeDelta::seconds(1), 5)?;
            counters::ingested(conn, minute + TimeDelta::seconds(59), 7)?;
            counters::ingested(conn, minute + TimeDelta::seconds(60), 1)
        })
        .await;
    let since = |time| world.read(move |conn| counters::throughput(conn, time));
    assert_eq!(since(minute).await, [(minute, 12), (minute + TimeDelta::minutes(1), 1)]);
    assert_eq!(since(minute + TimeDelta::seconds(1)).await.len(), 1);
}

crate::on_both!(
    jobs_in_every_state_are_counted,
    rows_that_go_with_others_are_counted_out,
    objects_that_move_or_go_are_counted_where_they_are,
    throughput_is_summed_by_the_minute,
);
