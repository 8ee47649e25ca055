//! Jobs that come again and again.

use crate::world::{World, execute};
use chrono::TimeDelta;
use trawl_jobs::schedule::Rhythm;
use trawl_store::{
    now,
    schedules::{self, NewSchedule, Schedule},
};

fn nightly(world: &World, name: &str) -> NewSchedule {
    NewSchedule {
        name: name.to_owned(),
        kind: "drill".to_owned(),
        payload: "{}".to_owned(),
        priority: None,
        user: world.user,
        account: None,
        area: None,
        rhythm: Rhythm::every(60).unwrap(),
    }
}

async fn only(world: &World) -> Schedule {
    world.read(|conn| schedules::list(conn, None)).await.remove(0)
}

async fn missed_runs_are_one(world: &World) {
    let new = nightly(world, "nightly");
    let id = world.write(move |conn| schedules::create(conn, &new)).await;
    assert!(world.read(schedules::due).await.is_empty(), "its first time is still to come");
    let long_ago = "UPDATE schedules SET next_run_at = '2020-01-01 00:00:00'";
    world.write(move |conn| execute(conn, long_ago)).await;
    let due = world.read(schedules::due).await;
    assert_eq!(due.iter().map(|schedule| schedule.id).collect::<Vec<_>>(), [id]);
    assert!(due[0].is_due());
    let before = now();
    world.write(move |conn| schedules::has_run(conn, &due[0], None)).await;
    assert!(world.read(schedules::due).await.is_empty(), "years of missed runs are made up for once");
    let schedule = only(world).await;
    let next = schedule.next_run_at().unwrap();
    assert!(next >= before + TimeDelta::seconds(60) && !schedule.is_due(), "{next}");
    assert!(schedule.last_run_at().unwrap() >= before && schedule.last_job().is_none());
}

async fn one_that_is_switched_off_is_never_due(world: &World) {
    let new = nightly(world, "nightly");
    world.write(move |conn| schedules::create(conn, &new)).await;
    let schedule = only(world).await;
    world.write(move |conn| schedules::set_enabled(conn, &schedule, false)).await;
    let off = only(world).await;
    assert_eq!((off.enabled, off.next_run_at()), (false, None));
    world.write(move |conn| schedules::set_enabled(conn, &off, true)).await;
    let on = only(world).await;
    assert!(on.next_run_at().is_some());
    let again = nightly(world, "nightly");
    let refused = world.db.write(move |conn| schedules::create(conn, &again)).await.unwrap_err();
    assert!(refused.is_duplicate(), "{refused}");
    world.write(move |conn| schedules::delete(conn, on.id)).await;
    assert!(world.read(|conn| schedules::list(conn, None)).await.is_empty());
}

crate::on_both!(missed_runs_are_one, one_that_is_switched_off_is_never_due);
