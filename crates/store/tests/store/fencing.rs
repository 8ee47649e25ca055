//! Who may still write about a job.

use crate::world::{World, completed, execute, failed};
use trawl_jobs::{AreaId, ErrorClass, JobId, JobSpec, Lease, Outcome, Progress, State, Subject, kind};
use trawl_store::{
    StoreError, accounts, attempts,
    jobs::Job,
    leases::{self, Advance, Standing},
    now, workers,
};

async fn standing(world: &World, worker: &'static str, lease: Lease, seq: i64) -> Standing {
    world
        .read(move |conn| {
            let jobs = leases::load(conn, &[lease.job])?;
            leases::standing(jobs.get(&lease.job), worker, lease, seq)
        })
        .await
}

async fn advance(
    world: &World,
    mut job: Job,
    seq: i64,
    done: Option<f64>,
    cursor: Option<&'static str>,
) -> Result<(), StoreError> {
    let progress = done.map(|done| {
        let mut progress = Progress::new(&[("a", 1.0)]);
        progress.set(&["a"], done, trawl_store::now());
        progress
    });
    let said = move |conn: &mut trawl_store::Conn<'_>| {
        leases::advance(conn, &mut job, Advance { seq, progress: progress.as_ref(), cursor })
    };
    world.db.write(said).await
}

async fn only_the_holder_of_the_newest_lease_is_heard(world: &World) {
    let job = world.running(1).await;
    let id = job.id().unwrap();
    let old = job.lease().unwrap();
    assert!(standing(world, "w", old, 1).await == Standing::Fresh);
    assert_eq!(standing(world, "other", old, 1).await, Standing::Gone);
    assert_eq!(standing(world, "w", Lease { job: JobId::new(), token: 1 }, 1).await, Standing::Gone);

    world.end(id, Outcome::HandedBack).await;
    assert_eq!(standing(world, "w", old, 1).await, Standing::Gone, "nobody holds it");
    let again = world.reclaim(id).await;
    assert_eq!(standing(world, "w", old, 1).await, Standing::Gone, "the same worker, under an older lease");
    assert!(standing(world, "w", again.lease().unwrap(), 1).await == Standing::Fresh);

    world.abort(id).await;
    assert!(standing(world, "w", again.lease().unwrap(), 1).await == Standing::Fresh, "aborting is held");
    world.end(id, completed()).await;
    assert_eq!(standing(world, "w", again.lease().unwrap(), 1).await, Standing::Gone);
}

async fn what_was_decided_on_an_older_row_is_refused(world: &World) {
    let stale = world.running(1).await;
    let id = stale.id().unwrap();
    world.end(id, Outcome::HandedBack).await;
    let current = world.reclaim(id).await;
    let mut late = stale.clone();
    let ended =
        world.db.write(move |conn| leases::end(conn, &mut late, None, &completed(), &crate::world::AT_ONCE, 0.0)).await;
    assert!(matches!(ended, Err(StoreError::NotFound)), "{ended:?}");
    let advanced = advance(world, stale, 5, Some(1.0), Some("{}")).await;
    assert!(matches!(advanced, Err(StoreError::NotFound)), "{advanced:?}");
    assert_eq!(world.get(id).await, current);
}

async fn a_report_counts_once_and_progress_never_goes_back(world: &World) {
    let job = world.running(1).await;
    let lease = job.lease().unwrap();
    advance(world, job.clone(), 1, Some(0.5), Some("[1]")).await.unwrap();
    assert_eq!(standing(world, "w", lease, 1).await, Standing::Seen);
    assert_eq!(standing(world, "w", lease, 2).await, Standing::Fresh);
    assert_eq!(standing(world, "w", lease, 3).await, Standing::Broken, "one before it never came");
    let twice = advance(world, job, 1, Some(0.7), Some("[2]")).await;
    assert!(matches!(twice, Err(StoreError::NotFound)), "{twice:?}");
    let job = world.get(lease.job).await;
    assert_eq!((job.progress, job.cursor.as_deref()), (0.5, Some("[1]")));
    advance(world, job, 2, Some(0.2), None).await.unwrap();
    let job = world.get(lease.job).await;
    assert_eq!((job.progress, job.report_seq, job.cursor.as_deref()), (0.5, 2, Some("[1]")));
    advance(world, job, 3, Some(1.0), None).await.unwrap();
    let progress = world.get(lease.job).await.progress;
    assert!(progress > 0.9 && progress < 1.0, "whole only at the end, not {progress}");
    world.end(lease.job, completed()).await;
    let job = world.get(lease.job).await;
    assert!((job.progress - 1.0).abs() < f64::EPSILON, "{}", job.progress);
}

async fn a_new_lease_counts_its_reports_anew_and_goes_on_from_the_cursor(world: &World) {
    let job = world.running(1).await;
    let id = job.id().unwrap();
    advance(world, job, 7, None, Some("[7]")).await.unwrap();
    world.end(id, failed(ErrorClass::Transient)).await;
    let job = world.reclaim(id).await;
    assert_eq!((job.report_seq, job.cursor.as_deref(), job.lease_token), (0, Some("[7]"), 2));
    let log = world.read(move |conn| attempts::list(conn, id, 10)).await;
    let log: Vec<_> = log.iter().map(|attempt| (attempt.lease_token, attempt.outcome.as_deref())).collect();
    assert_eq!(log, [(2, None), (1, Some("failed"))], "the running one has no end");
}

async fn silence_is_noticed_and_a_sign_of_life_breaks_it(world: &World) {
    let hear = |worker: &str| {
        let names = [worker.to_owned()];
        world.write(move |conn| workers::heard(conn, &names))
    };
    hear("w").await;
    let job = world.running(1).await;
    let silent = |before| world.read(move |conn| leases::of_silent(conn, before));
    assert_eq!(silent(now() - chrono::TimeDelta::hours(1)).await, []);
    let later = now();
    assert_eq!(silent(later).await, std::slice::from_ref(&job));
    hear("other").await;
    assert_eq!(silent(later).await.len(), 1, "another worker's sign of life says nothing");
    hear("w").await;
    assert_eq!(silent(later).await, []);
    assert_eq!(world.read(|conn| leases::held_by(conn, "w")).await.len(), 1);
    assert_eq!(world.read(|conn| leases::held_by(conn, "other")).await, []);
    assert_eq!(world.read(leases::leased).await.len(), 1);
    assert_eq!(world.write(|conn| workers::forget(conn, now())).await, 1, "the one that holds nothing");
}

async fn a_worker_that_was_never_heard_of_is_silent(world: &World) {
    let job = world.running(1).await;
    assert_eq!(world.read(move |conn| leases::of_silent(conn, now())).await, [job]);
}

async fn a_lease_goes_with_its_job(world: &World) {
    let job = world.running(1).await;
    let area = job.area_id.unwrap();
    world.write(move |conn| execute(conn, &format!("DELETE FROM areas WHERE id = {area}"))).await;
    assert_eq!(world.count("SELECT count(*) AS n FROM leases").await, 0);
    assert_eq!(standing(world, "w", job.lease().unwrap(), 1).await, Standing::Gone);
    world.assert_counters_are_exact().await;
}

async fn the_claim_of_a_job_that_goes_with_its_account_is_never_given_again(world: &World) {
    let (user, account) = (world.user, world.account);
    let mut new = world.job(JobSpec::AuthorizationScope(kind::AuthorizationScope {}), AreaId(0));
    new.subject = Subject::Account(account);
    let id = world.submit(new).await;
    advance(world, world.reclaim(id).await, 1, None, None).await.unwrap();
    world.end(id, Outcome::HandedBack).await;
    let lease = world.reclaim(id).await.lease().unwrap();
    world.write(move |conn| accounts::unlink(conn, user, account)).await;
    let job = world.get(id).await;
    assert_eq!((job.state().unwrap(), job.worker.as_deref()), (State::Aborted, None));
    assert_eq!(job.lease().unwrap(), lease, "the next one is another");
    assert_eq!(standing(world, "w", lease, 1).await, Standing::Gone);
    world.assert_counters_are_exact().await;
}

crate::on_both!(
    a_lease_goes_with_its_job,
    the_claim_of_a_job_that_goes_with_its_account_is_never_given_again,
    only_the_holder_of_the_newest_lease_is_heard,
    what_was_decided_on_an_older_row_is_refused,
    a_report_counts_once_and_progress_never_goes_back,
    a_new_lease_counts_its_reports_anew_and_goes_on_from_the_cursor,
    silence_is_noticed_and_a_sign_of_life_breaks_it,
    a_worker_that_was_never_heard_of_is_silent,
);
