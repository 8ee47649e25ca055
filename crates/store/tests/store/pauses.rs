//! What nobody is to start for now.

use crate::world::World;
use trawl_jobs::{Lane, State};
use trawl_store::pauses::{self, Scope};

async fn a_paused_job_waits_and_burns_nothing(world: &World) {
    let user = world.user;
    let kind = || Scope::Kind("issues".to_owned());
    let before = world.queued(1).await;
    world.write(move |conn| pauses::begin(conn, &kind(), "an upgrade", user)).await;
    assert_eq!(world.write(move |conn| pauses::park(conn, &kind())).await, 1);
    assert_eq!(world.write(move |conn| pauses::park(conn, &kind())).await, 0);
    // One that comes later is parked when it would be claimed.
    let later = world.queued(2).await;
    let claims = world.claim("w", 5, 5).await;
    assert!(claims.claimed.is_empty() && claims.put_aside.len() == 1, "{claims:?}");
    for id in [before, later] {
        let job = world.get(id).await;
        assert_eq!((job.state().unwrap(), job.wait_reason.as_deref()), (State::Waiting, Some("paused")));
        assert_eq!((job.attempt, job.worker), (0, None));
    }
    assert_eq!(world.count("SELECT count(*) AS n FROM attempts").await, 0);
    assert_eq!(world.write(pauses::wake).await, 0, "it is still paused");
    let pause = world.read(pauses::list).await.remove(0);
    assert_eq!((pause.scope, pause.reason.as_str(), pause.by.as_deref()), (kind(), "an upgrade", Some("ada")));
    world.write(move |conn| pauses::end(conn, &kind())).await;
    assert_eq!(world.write(pauses::wake).await, 2);
    assert_eq!(world.claim("w", 5, 5).await.claimed.len(), 2);
    assert!(world.db.write(move |conn| pauses::end(conn, &kind())).await.is_err(), "there is none any more");
    world.assert_counters_are_exact().await;
}

async fn what_another_pause_covers_waits_on(world: &World) {
    let (user, account) = (world.user, world.account);
    let scopes = move || [Scope::Lane(Lane::Normal), Scope::Account(account.0)];
    let id = world.queued(1).await;
    world.write(move |conn| scopes().iter().try_for_each(|scope| pauses::begin(conn, scope, "why", user))).await;
    assert!(world.claim("w", 5, 5).await.claimed.is_empty());
    let [lane, account] = scopes();
    world.write(move |conn| pauses::end(conn, &lane)).await;
    assert_eq!(world.write(pauses::wake).await, 0);
    world.write(move |conn| pauses::end(conn, &account)).await;
    assert_eq!(world.write(pauses::wake).await, 1);
    assert_eq!(world.state(id).await, State::Queued);
}

crate::on_both!(a_paused_job_waits_and_burns_nothing, what_another_pause_covers_waits_on);
