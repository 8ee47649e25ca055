//! Who may still write about a job.

use crate::world::{World, completed, failed};
use trawl_jobs::{ErrorClass, JobId, Lease, Outcome, Progress};
use trawl_store::{
    StoreError, attempts,
    jobs::Job,
    leases::{self, Standing},
    now,
};

async fn standing(world: &World, worker: &'static str, lease: Lease, seq: i64) -> Standing {
    world.write(move |conn| leases::standing(conn, worker, lease, seq)).await
}

async fn only_the_holder_of_the_newest_lease_is_heard(world: &World) {
    let job = world.running(1).await;
    let id = job.id().unwrap();
    let old = job.lease().unwrap();
    assert!(matches!(standing(world, "w", old, 1).await, Standing::Fresh(_)));
    assert_eq!(standing(world, "other", old, 1).await, Standing::Gone);
    assert_eq!(standing(world, "w", Lease { job: JobId::new(), token: 1 }, 1).await, Standing::Gone);

    world.end(id, Outcome::HandedBack).await;
    assert_eq!(standing(world, "w", old, 1).await, Standing::Gone, "nobody holds it");
    let again = world.reclaim(id).await;
    assert_eq!(standing(world, "w", old, 1).await, Standing::Gone, "the same worker, under an older lease");
    assert!(matches!(standing(world, "w", again.lease().unwrap(), 1).await, Standing::Fresh(_)));

    world.abort(id).await;
    assert!(matches!(standing(world, "w", again.lease().unwrap(), 1).await, Standing::Fresh(_)), "aborting is held");
    world.end(id, completed()).await;
    assert_eq!(standing(world, "w", again.lease().unwrap(), 1).await, Standing::Gone);
}

async fn what_was_decided_on_an_older_row_is_refused(world: &World) {
    let stale = world.running(1).await;
    let id = stale.id().unwrap();
    world.end(id, Outcome::HandedBack).await;
    let current = world.reclaim(id).await;
    let late = stale.clone();
    let ended = world.db.write(move |conn| leases::end(conn, &late, &completed(), &crate::world::AT_ONCE, 0.0)).await;
    assert!(matches!(ended, Err(StoreError::NotFound)), "{ended:?}");
    let mut whole = Progress::new(&[("a", 1.0)]);
    whole.set("a", 1.0);
    let advanced = world.db.write(move |conn| leases::advance(conn, &stale, 5, Some(&whole), Some("{}"))).await;
    assert!(matches!(advanced, Err(StoreError::NotFound)), "{advanced:?}");
    assert_eq!(world.get(id).await, current);
}

async fn a_report_counts_once_and_progress_never_goes_back(world: &World) {
    let job = world.running(1).await;
    let lease = job.lease().unwrap();
    let advance = |job: Job, seq: i64, done: f64, cursor: Option<&'static str>| {
        let mut progress = Progress::new(&[("a", 1.0)]);
        progress.set("a", done);
        world.write(move |conn| leases::advance(conn, &job, seq, Some(&progress), cursor))
    };
    advance(job.clone(), 1, 0.5, Some("[1]")).await;
    assert_eq!(standing(world, "w", lease, 1).await, Standing::Seen);
    let Standing::Fresh(job) = standing(world, "w", lease, 2).await else { panic!("the next report is new") };
    assert_eq!((job.progress, job.cursor.as_deref()), (0.5, Some("[1]")));
    advance(*job, 2, 0.2, None).await;
    let job = world.get(lease.job).await;
    assert_eq!((job.progress, job.report_seq, job.cursor.as_deref()), (0.5, 2, Some("[1]")));
    advance(job, 3, 1.0, None).await;
    let progress = world.get(lease.job).await.progress;
    assert!(progress > 0.9 && progress < 1.0, "whole only at the end, not {progress}");
    world.end(lease.job, completed()).await;
    let job = world.get(lease.job).await;
    assert!((job.progress - 1.0).abs() < f64::EPSILON, "{}", job.progress);
}

async fn a_new_lease_counts_its_reports_anew_and_goes_on_from_the_cursor(world: &World) {
    let job = world.running(1).await;
    let id = job.id().unwrap();
    world.write(move |conn| leases::advance(conn, &job, 7, None, Some("[7]"))).await;
    world.end(id, failed(ErrorClass::Transient)).await;
    let job = world.reclaim(id).await;
    assert_eq!((job.report_seq, job.cursor.as_deref(), job.lease_token), (0, Some("[7]"), 2));
    let log = world.read(move |conn| attempts::list(conn, id, 10)).await;
    let log: Vec<_> = log.iter().map(|attempt| (attempt.lease_token, attempt.outcome.as_deref())).collect();
    assert_eq!(log, [(2, None), (1, Some("failed"))]);
}

async fn silence_is_noticed_and_a_heartbeat_breaks_it(world: &World) {
    let job = world.running(1).await;
    let lease = job.lease().unwrap();
    let silent = |before| world.read(move |conn| leases::stale(conn, before));
    assert_eq!(silent(now() - chrono::TimeDelta::hours(1)).await, []);
    let claimed = now();
    assert_eq!(silent(claimed).await, std::slice::from_ref(&job));
    let beat = |worker: &'static str| world.write(move |conn| leases::heartbeat(conn, worker, &[lease]));
    assert_eq!(beat("other").await, 0, "another worker's heartbeat says nothing");
    assert_eq!(silent(claimed).await.len(), 1);
    assert_eq!(beat("w").await, 1);
    assert_eq!(silent(claimed).await, []);
    assert_eq!(world.read(|conn| leases::held_by(conn, "w")).await.len(), 1);
    assert_eq!(world.read(|conn| leases::held_by(conn, "other")).await, []);
    assert_eq!(world.read(leases::leased).await.len(), 1);
}

crate::on_both!(
    only_the_holder_of_the_newest_lease_is_heard,
    what_was_decided_on_an_older_row_is_refused,
    a_report_counts_once_and_progress_never_goes_back,
    a_new_lease_counts_its_reports_anew_and_goes_on_from_the_cursor,
    silence_is_noticed_and_a_heartbeat_breaks_it,
);
