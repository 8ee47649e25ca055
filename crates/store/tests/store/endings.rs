//! Every way for a lease to end, from running and from aborting.

use crate::world::{AT_ONCE, World, completed, failed};
use trawl_jobs::{ErrorClass, JobId, Outcome, RetryPolicy, State};
use trawl_store::{StoreError, attempts, jobs::Job, leases, now};

async fn ended(world: &World, id: JobId) -> Job {
    let job = world.get(id).await;
    assert_eq!((job.worker.as_deref(), job.served_by), (None, None), "nobody holds what has ended");
    assert_eq!(job.finished_at().is_some(), !job.state().unwrap().is_live());
    let attempt = world.read(move |conn| attempts::list(conn, id, 1)).await.remove(0);
    assert!(attempt.ended_at().is_some() && attempt.outcome.is_some());
    world.assert_counters_are_exact().await;
    job
}

async fn from_running(world: &World) {
    use ErrorClass::{Credentials, Permanent, RateLimited, Transient};
    let cases = [
        (completed(), State::Completed, 1, None),
        (failed(Permanent), State::Failed, 1, None),
        (failed(Transient), State::Queued, 1, None),
        (failed(Credentials), State::Waiting, 0, Some("credentials")),
        (failed(RateLimited), State::Waiting, 0, Some("rate_limited")),
        (Outcome::HandedBack, State::Queued, 0, None),
        (Outcome::Aborted, State::Queued, 0, None),
    ];
    for (area, (outcome, state, attempt, reason)) in (1..).zip(cases) {
        let id = world.running(area).await.id().unwrap();
        assert_eq!(world.end(id, outcome.clone()).await, state, "{outcome:?}");
        let job = ended(world, id).await;
        assert_eq!(
            (job.state().unwrap(), job.attempt, job.wait_reason.as_deref()),
            (state, attempt, reason),
            "{outcome:?}"
        );
        assert_eq!(job.error.is_some(), matches!(outcome, Outcome::Failed(_)), "{outcome:?}");
        assert_eq!(job.result.as_deref(), (state == State::Completed).then_some("{}"));
        // Out of the way of the next case.
        if state.is_live() {
            world.abort(id).await;
        }
    }
}

async fn from_aborting_it_is_always_aborted(world: &World) {
    use ErrorClass::{Crashed, Credentials, Permanent, RateLimited, Transient};
    let classes = [Permanent, Transient, Credentials, RateLimited, Crashed];
    let outcomes = [completed(), Outcome::Aborted, Outcome::HandedBack].into_iter().chain(classes.map(failed));
    for (area, outcome) in (1..).zip(outcomes) {
        let id = world.running(area).await.id().unwrap();
        world.abort(id).await;
        assert_eq!(world.end(id, outcome.clone()).await, State::Aborted, "{outcome:?}");
        let job = ended(world, id).await;
        assert_eq!((job.state().unwrap(), job.wait_reason), (State::Aborted, None), "{outcome:?}");
    }
}

async fn attempts_are_bounded(world: &World) {
    let id = world.queued(1).await;
    for (attempt, state) in [(1, State::Queued), (2, State::Queued), (3, State::Failed)] {
        assert_eq!(world.reclaim(id).await.attempt, attempt);
        assert_eq!(world.end(id, failed(ErrorClass::Transient)).await, state);
        assert_eq!(ended(world, id).await.attempt, attempt);
    }
}

async fn handing_back_burns_nothing_however_often(world: &World) {
    let id = world.queued(1).await;
    for token in 1..=10 {
        let mut job = world.reclaim(id).await;
        assert_eq!((job.attempt, job.lease_token), (1, token));
        assert_eq!(world.write(move |conn| leases::give_back(conn, &mut job)).await, State::Queued);
    }
}

async fn crashes_are_counted_apart_and_the_third_is_the_last(world: &World) {
    let id = world.queued(1).await;
    world.reclaim(id).await;
    world.end(id, failed(ErrorClass::Transient)).await;
    for (crashes, state) in [(1, State::Queued), (2, State::Queued), (3, State::Failed)] {
        let mut job = world.reclaim(id).await;
        assert_eq!(job.attempt, 2, "a crash burns no attempt");
        assert_eq!(world.write(move |conn| leases::lost(conn, &mut job, "killed", &AT_ONCE)).await, state);
        let job = ended(world, id).await;
        assert_eq!((job.crashes, job.error_class.as_deref()), (crashes, Some("crashed")));
    }
}

async fn another_attempt_waits_for_its_time(world: &World) {
    let mut job = world.running(1).await;
    let id = job.id().unwrap();
    let policy = RetryPolicy::default();
    let before = now();
    let ended =
        world.write(move |conn| leases::end(conn, &mut job, None, &failed(ErrorClass::Transient), &policy, 1.0));
    assert_eq!(ended.await, State::Waiting);
    let job = world.get(id).await;
    assert_eq!((job.wait_reason.as_deref(), job.attempt), (Some("retry"), 1));
    let run_at = job.run_at();
    assert!(run_at >= before + policy.base, "{run_at} is sooner than {:?} from {before}", policy.base);
    assert!(world.claim("w", 5, 5).await.claimed.is_empty());
    assert_eq!(world.write(trawl_store::jobs::wake_due).await, 0, "not yet");
    world
        .write(move |conn| {
            crate::world::execute(conn, &format!("UPDATE job_rows SET run_at = started_at WHERE id = '{id}'"))
        })
        .await;
    assert_eq!(world.write(trawl_store::jobs::wake_due).await, 1);
    assert_eq!(world.reclaim(id).await.attempt, 2);
}

async fn what_is_not_leased_cannot_end(world: &World) {
    let id = world.queued(1).await;
    for outcome in [completed(), Outcome::HandedBack, failed(ErrorClass::Permanent), failed(ErrorClass::RateLimited)] {
        let mut job = world.get(id).await;
        let ended = world.db.write(move |conn| leases::end(conn, &mut job, None, &outcome, &AT_ONCE, 0.0)).await;
        assert!(matches!(ended, Err(StoreError::Illegal(_))), "{ended:?}");
    }
    assert_eq!(world.state(id).await, State::Queued);
}

/// The ends of several leases are one write: where one of them was decided on an older row, none is written.
async fn several_ends_are_written_together_or_not_at_all(world: &World) {
    let mut jobs = Vec::new();
    for area in 1..5 {
        jobs.push(world.running(area).await);
    }
    let stopped = jobs[2].id().unwrap();
    let outcomes = [completed(), failed(ErrorClass::Permanent), completed(), failed(ErrorClass::Transient)];
    let decided = |jobs: Vec<Job>| {
        let outcomes = outcomes.clone();
        move |conn: &mut trawl_store::Conn<'_>| {
            let mut jobs = jobs;
            let endings: Vec<_> = jobs
                .iter_mut()
                .zip(&outcomes)
                .map(|(job, outcome)| leases::Ending::decide(job, None, outcome, &AT_ONCE, 0.0))
                .collect::<Result<_, _>>()?;
            leases::write_endings(conn, &endings.iter().zip(&jobs).collect::<Vec<_>>())
        }
    };
    // A person stops one of them in between.
    world.write(move |conn| trawl_store::jobs::abort(conn, stopped)).await;
    let refused = world.db.write(decided(jobs.clone())).await;
    assert!(matches!(refused, Err(StoreError::NotFound)), "{refused:?}");
    for job in &jobs {
        assert!(world.state(job.id().unwrap()).await.is_leased(), "nothing is written");
    }
    world.assert_counters_are_exact().await;
    jobs[2] = world.get(stopped).await;
    world.write(decided(jobs.clone())).await;
    let mut states = Vec::new();
    for job in &jobs {
        let id = job.id().unwrap();
        states.push(world.state(id).await);
        let attempts = world.read(move |conn| attempts::list(conn, id, 9)).await;
        assert_eq!(attempts.len(), 1);
        let job = world.get(id).await;
        assert_eq!((attempts[0].worker.as_str(), attempts[0].error.as_ref()), ("w", job.error.as_ref()));
    }
    assert_eq!(states, [State::Completed, State::Failed, State::Aborted, State::Queued]);
    world.assert_counters_are_exact().await;
}

crate::on_both!(
    several_ends_are_written_together_or_not_at_all,
    from_running,
    from_aborting_it_is_always_aborted,
    attempts_are_bounded,
    handing_back_burns_nothing_however_often,
    crashes_are_counted_apart_and_the_third_is_the_last,
    another_attempt_waits_for_its_time,
    what_is_not_leased_cannot_end,
);
