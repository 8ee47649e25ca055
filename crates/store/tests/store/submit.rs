//! Submissions of one key.

use crate::world::{World, completed, issues};
use std::collections::HashSet;
use trawl_jobs::State;
use trawl_store::jobs;

async fn many_at_once_make_one_job(world: &World) {
    let area = world.area(1).await;
    let new = world.job(issues(), area);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..100 {
        let (db, new) = (world.db.clone(), new.clone());
        tasks.spawn(async move { db.write(move |conn| jobs::submit(conn, &new)).await.unwrap() });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.created).count(), 1);
    assert_eq!(answers.iter().map(|answer| answer.id).collect::<HashSet<_>>().len(), 1);
    assert_eq!(world.count("SELECT count(*) AS n FROM jobs").await, 1);
    world.assert_counters_are_exact().await;
}

async fn a_key_is_free_again_once_its_job_has_ended(world: &World) {
    let first = world.running(1).await;
    let area = world.area(1).await;
    assert_eq!(world.submit(world.job(issues(), area)).await, first.id().unwrap(), "a running job has its key");
    world.end(first.id().unwrap(), completed()).await;
    let second = world.submit(world.job(issues(), area)).await;
    assert_ne!(second, first.id().unwrap());
    assert_eq!(world.state(second).await, State::Queued);
}

async fn a_key_belongs_to_one_area(world: &World) {
    let (one, other) = (world.queued(1).await, world.queued(2).await);
    assert_ne!(one, other);
    let area = world.area(1).await;
    let held = world.read(move |conn| jobs::live_with_key(conn, &format!("issues:area:{area}"))).await;
    assert_eq!(held, Some(one));
}

/// The same answers, ranks and counters as one after the other.
async fn many_together_are_as_many_in_turn(world: &World) {
    let live = world.queued(3).await;
    let mut new = Vec::new();
    for area in [1, 2, 3, 1, 4] {
        new.push(world.job(issues(), world.area(area).await));
    }
    new[1].priority = Some(95);
    let of = new.clone();
    let answers = world.write(move |conn| jobs::submit_all(conn, &of)).await;
    assert_eq!(answers.iter().map(|answer| answer.created).collect::<Vec<_>>(), [true, true, false, false, true]);
    assert_eq!((answers[2].id, answers[3].id), (live, answers[0].id));
    let ranks = |jobs: &[trawl_store::jobs::Job]| jobs.iter().map(|job| job.rank).collect::<Vec<_>>();
    let mut together = Vec::new();
    for index in [0, 1, 4] {
        together.push(world.get(answers[index].id).await);
    }
    let alone = World::like(world).await;
    alone.queued(3).await;
    let mut in_turn = Vec::new();
    for (index, area) in [(0, 1), (1, 2), (4, 4)] {
        let mut one = alone.job(issues(), alone.area(area).await);
        one.priority = new[index].priority;
        in_turn.push(alone.get(alone.submit(one).await).await);
    }
    assert_eq!(ranks(&together), ranks(&in_turn));
    assert_eq!(together[1].lane(), trawl_jobs::Lane::Priority);
    let none = world.write(|conn| jobs::submit_all(conn, &[])).await;
    assert!(none.is_empty());
    world.assert_counters_are_exact().await;
}

crate::on_both!(
    many_at_once_make_one_job,
    a_key_is_free_again_once_its_job_has_ended,
    a_key_belongs_to_one_area,
    many_together_are_as_many_in_turn,
);
