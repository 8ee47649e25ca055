//! Jobs that are parked.

use crate::world::{AT_ONCE, World, execute};
use trawl_jobs::{ErrorClass, JobError, Outcome, State, WaitReason};
use trawl_store::{jobs, leases};

async fn a_limited_job_sleeps_until_then(world: &World) {
    let mut job = world.running(1).await;
    let id = job.id().unwrap();
    let hour = JobError { retry_after_ms: Some(3_600_000), ..JobError::new(ErrorClass::RateLimited, "slow down") };
    world.write(move |conn| leases::end(conn, &mut job, None, &Outcome::Failed(hour), &AT_ONCE, 0.0)).await;
    assert_eq!(world.write(jobs::wake_due).await, 0);
    let until = world.get(id).await.run_at();
    let user = world.user;
    let waiting = world.read(move |conn| jobs::waiting(conn, Some(user))).await;
    let [waiting] = waiting[..] else { panic!("one group, not {waiting:?}") };
    assert_eq!(
        (waiting.reason, waiting.instance, waiting.count, waiting.until),
        (WaitReason::RateLimited, Some(world.instance), 1, Some(until))
    );
    // The hour is over.
    world.write(move |conn| execute(conn, &format!("UPDATE job_rows SET run_at = started_at WHERE id = '{id}'"))).await;
    assert_eq!(world.write(jobs::wake_due).await, 1);
    let job = world.get(id).await;
    assert_eq!((job.state().unwrap(), job.wait_reason.as_deref()), (State::Queued, None));
    world.assert_counters_are_exact().await;
    assert_eq!(world.reclaim(id).await.attempt, 1, "waiting burnt nothing");
}

async fn one_job_is_woken_alone(world: &World) {
    let mut parked = Vec::new();
    for area in 1..3 {
        let id = world.running(area).await.id().unwrap();
        world.end(id, crate::world::failed(ErrorClass::Credentials)).await;
        parked.push(id);
    }
    let mut job = world.get(parked[0]).await;
    world.write(move |conn| jobs::wake(conn, &mut job)).await;
    assert_eq!(world.state(parked[0]).await, State::Queued);
    assert_eq!(world.state(parked[1]).await, State::Waiting);
    let mut job = world.get(parked[0]).await;
    assert!(world.db.write(move |conn| jobs::wake(conn, &mut job)).await.is_err(), "it does not wait any more");
}

crate::on_both!(a_limited_job_sleeps_until_then, one_job_is_woken_alone);
