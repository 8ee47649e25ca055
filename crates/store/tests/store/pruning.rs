//! What ended long ago goes.

use crate::world::{World, completed, execute};
use chrono::TimeDelta;
use trawl_store::{jobs, now};

async fn old_and_surplus_jobs_go_and_live_ones_stay(world: &World) {
    let mut ended = Vec::new();
    for area in 1..=5 {
        let id = world.running(area).await.id().unwrap();
        world.end(id, completed()).await;
        ended.push(id);
    }
    let live = world.queued(9).await;
    let prune = |keep: i64| {
        let before = now() - TimeDelta::days(30);
        world.write(move |conn| jobs::prune(conn, before, keep, 10))
    };
    assert_eq!(prune(5).await, 0);
    let old = ended[3];
    let sql = format!("UPDATE job_rows SET finished_at = '2020-01-01 00:00:00' WHERE id = '{old}'");
    world.write(move |conn| execute(conn, &sql)).await;
    assert_eq!(prune(5).await, 1, "it ended long ago");
    assert_eq!(prune(3).await, 1, "the oldest of too many");
    let left = world.read(move |conn| jobs::states(conn, &ended, None)).await;
    assert_eq!(left.len(), 3);
    assert_eq!(world.get(live).await.id().unwrap(), live);
    assert_eq!(world.count("SELECT count(*) AS n FROM attempts").await, 3, "what hangs on a job goes with it");
    world.assert_counters_are_exact().await;
}

crate::on_both!(old_and_surplus_jobs_go_and_live_ones_stay);
