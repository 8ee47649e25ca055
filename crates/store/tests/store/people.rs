//! What people do to jobs, and what they may see: abort, retry, lists, messages, sessions.

use crate::world::{World, completed, failed, issues};
use chrono::TimeDelta;
use trawl_jobs::{ErrorClass, JobId, JobSpec, Level, State, kind};
use trawl_store::{
    StoreError,
    jobs::{self, Abort, JobFilter, JobLine},
    messages, now, sessions, users,
};

async fn an_abort_stops_what_waits_and_asks_what_runs(world: &World) {
    let job = world.running(1).await;
    let (id, lease) = (job.id().unwrap(), job.lease().unwrap());
    let queued = world.queued(2).await;
    assert_eq!(world.abort(queued).await, Abort::Stopped);
    assert_eq!(world.state(queued).await, State::Aborted);
    for _ in 0..2 {
        assert_eq!(world.abort(id).await, Abort::Tell("w".to_owned(), lease), "asking twice is harmless");
        assert_eq!(world.state(id).await, State::Aborting);
    }
    let refused = world.db.write(move |conn| jobs::abort(conn, queued)).await;
    assert!(matches!(refused, Err(StoreError::Illegal(_))), "{refused:?}");
    let unknown = world.db.write(|conn| jobs::abort(conn, JobId::new())).await;
    assert!(matches!(unknown, Err(StoreError::NotFound)), "{unknown:?}");
    world.assert_counters_are_exact().await;
}

async fn a_retry_begins_the_attempts_anew(world: &World) {
    let id = world.running(1).await.id().unwrap();
    world.end(id, failed(ErrorClass::Permanent)).await;
    world.write(move |conn| jobs::retry(conn, id)).await;
    let job = world.get(id).await;
    assert_eq!((job.state().unwrap(), job.attempt, job.error.as_deref()), (State::Queued, 0, None));
    assert!(job.finished_at().is_none());
    let again = world.reclaim(id).await;
    assert_eq!((again.attempt, again.lease_token), (1, 2), "old leases stay void");
    world.end(id, completed()).await;
    let refused = world.db.write(move |conn| jobs::retry(conn, id)).await;
    assert!(matches!(refused, Err(StoreError::Illegal(_))), "{refused:?}");
}

async fn a_retry_yields_to_a_live_job_of_the_same_key(world: &World) {
    let id = world.running(1).await.id().unwrap();
    world.end(id, failed(ErrorClass::Permanent)).await;
    let other = world.queued(1).await;
    let refused = world.db.write(move |conn| jobs::retry(conn, id)).await.unwrap_err();
    assert!(refused.is_duplicate(), "{refused}");
    assert_eq!((world.state(id).await, world.state(other).await), (State::Failed, State::Queued));
    world.assert_counters_are_exact().await;
}

async fn pages_of_jobs_show_each_once(world: &World) {
    let area = world.area(1).await;
    let mut all = Vec::new();
    for _ in 0..11 {
        let id = world.submit(world.job(issues(), area)).await;
        all.push(id);
        world.abort(id).await;
    }
    let page = |before: Option<JobId>, after: Option<JobId>| {
        let filter = JobFilter { user: Some(world.user), before, after, ..JobFilter::default() };
        world.read(move |conn| Ok(jobs::list(conn, &filter, 4)?.lines))
    };
    let ids = |lines: &[JobLine]| lines.iter().map(|(job, _)| job.id().unwrap()).collect::<Vec<_>>();
    let (mut down, mut last) = (Vec::new(), None);
    loop {
        let lines = page(last, None).await;
        let Some((job, path)) = lines.last() else { break };
        assert_eq!(path.as_deref(), Some("group/project-001"));
        last = Some(job.id().unwrap());
        down.extend(ids(&lines));
    }
    let newest_first: Vec<_> = all.iter().rev().copied().collect();
    assert_eq!(down, newest_first);
    let (mut up, mut first) = (vec![all[0]], all[0]);
    loop {
        let lines = page(None, Some(first)).await;
        let Some((job, _)) = lines.first() else { break };
        first = job.id().unwrap();
        up.splice(0..0, ids(&lines));
    }
    assert_eq!(up, newest_first);
}

async fn a_search_takes_text_literally_and_ignores_case(world: &World) {
    let id = world.queued(1).await;
    let strangers = world.write(|conn| users::create(conn, "eve", "hash", false)).await;
    let find = |text: &str, user| {
        let filter = JobFilter { user: Some(user), text: Some(text.to_owned()), ..JobFilter::default() };
        world.read(move |conn| Ok(jobs::list(conn, &filter, 10)?.lines))
    };
    for text in ["project-001", "PROJECT-", "Issue"] {
        assert_eq!(find(text, world.user).await.len(), 1, "{text}");
    }
    for text in ["project_001", "%", "\\", "merge"] {
        assert_eq!(find(text, world.user).await.len(), 0, "{text}");
    }
    assert_eq!(find("issue", strangers).await.len(), 0);
    let filter = JobFilter { states: vec![State::Queued], kind: Some("issues".to_owned()), ..JobFilter::default() };
    let found = world.read(move |conn| Ok(jobs::list(conn, &filter, 10)?.lines)).await;
    assert_eq!(found[0].0.id().unwrap(), id);
    let filter = JobFilter { states: vec![State::Running, State::Failed], ..JobFilter::default() };
    assert_eq!(world.read(move |conn| Ok(jobs::list(conn, &filter, 10)?.lines)).await, []);
}

async fn a_search_looks_at_a_bounded_number_of_jobs(world: &World) {
    let rare = world.queued(1).await;
    let user = world.user;
    let drill = |name: String| {
        let spec = JobSpec::Drill(kind::Drill { name, ..kind::Drill::default() });
        let subject = trawl_jobs::Subject::User(user);
        jobs::NewJob { subject, instance: None, account: None, ..world.job(spec, trawl_jobs::AreaId(0)) }
    };
    let many: Vec<_> = (0..5200).map(|n| drill(format!("drill {n}"))).collect();
    world
        .write(move |conn| {
            many.iter().try_for_each(|new| jobs::submit(conn, new).map(drop))?;
            Ok(())
        })
        .await;
    for states in [vec![], vec![State::Queued], vec![State::Queued, State::Completed]] {
        let mut filter = JobFilter { kind: Some("issues".to_owned()), states, ..JobFilter::default() };
        let first = filter.clone();
        let page = world.read(move |conn| jobs::list(conn, &first, 10)).await;
        assert!(page.lines.is_empty(), "it is further back");
        filter.before = page.searched_to;
        let page = world.read(move |conn| jobs::list(conn, &filter, 10)).await;
        assert_eq!(page.lines[0].0.id().unwrap(), rare);
        assert_eq!(page.searched_to, None);
    }
    let newer = JobFilter { after: Some(rare), text: Some("\"drill 5100\"".to_owned()), ..JobFilter::default() };
    let mut again = newer.clone();
    let page = world.read(move |conn| jobs::list(conn, &newer, 10)).await;
    assert!(page.lines.is_empty());
    again.after = page.searched_to;
    assert_eq!(world.read(move |conn| jobs::list(conn, &again, 10)).await.lines.len(), 1);
}

async fn the_first_and_the_last_messages_of_a_level_stay(world: &World) {
    let id = world.queued(1).await;
    world
        .write(move |conn| {
            messages::add(conn, id, Level::Error, now(), "the only error\0")?;
            for n in 0..1005 {
                messages::add(conn, id, Level::Info, now(), &format!("line {n}"))?;
            }
            Ok(())
        })
        .await;
    let counts = world.read(move |conn| messages::count(conn, id)).await;
    let counts: Vec<_> = counts.iter().map(|count| (count.level, count.kept, count.dropped)).collect();
    assert_eq!(counts, [(Level::Info, 1000, 5), (Level::Warning, 0, 0), (Level::Error, 1, 0)]);
    let infos = world.read(move |conn| messages::list(conn, id, Some(Level::Info), None, 2000)).await;
    let text = |n: usize| infos[n].text.as_str();
    assert_eq!([text(0), text(99), text(100), text(999)], ["line 0", "line 99", "line 105", "line 1004"]);
    let all = world.read(move |conn| messages::list(conn, id, None, None, 2000)).await;
    assert_eq!((all.len(), all[0].text.as_str()), (1001, "the only error\u{fffd}"));
}

async fn a_session_ends_with_its_time(world: &World) {
    let user = world.user;
    world
        .write(move |conn| {
            sessions::create(conn, "valid", user, "csrf", now() + TimeDelta::hours(1))?;
            sessions::create(conn, "over", user, "csrf", now() - TimeDelta::seconds(1))
        })
        .await;
    let name = |hash: &'static str| async move {
        world.read(move |conn| sessions::find(conn, hash)).await.map(|(user, csrf)| (user.username, csrf))
    };
    assert_eq!(name("valid").await, Some(("ada".to_owned(), "csrf".to_owned())));
    assert_eq!(name("over").await, None);
    assert_eq!(name("unknown").await, None);
    assert_eq!(world.write(sessions::delete_expired).await, 1);
    world.write(|conn| sessions::delete(conn, "valid")).await;
    assert_eq!(name("valid").await, None);
}

crate::on_both!(
    an_abort_stops_what_waits_and_asks_what_runs,
    a_retry_begins_the_attempts_anew,
    a_retry_yields_to_a_live_job_of_the_same_key,
    pages_of_jobs_show_each_once,
    a_search_takes_text_literally_and_ignores_case,
    a_search_looks_at_a_bounded_number_of_jobs,
    the_first_and_the_last_messages_of_a_level_stay,
    a_session_ends_with_its_time,
);
