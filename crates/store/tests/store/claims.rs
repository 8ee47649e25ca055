//! Who is next.

use crate::{
    resources::{issue, put},
    world::{World, completed, execute, issues, link, project},
};
use chrono::TimeDelta;
use trawl_jobs::{AreaId, AreaKind, AreaRef, ErrorClass, JobId, JobSpec, Record, RecordKind, State, Subject, kind};
use trawl_store::{
    accounts::{self, AccountState},
    areas,
    claims::{self, ClaimRequest, Claims, Runner},
    counters, instances, jobs,
    sync::{self, Pass},
    users,
};

fn ids(claims: &Claims) -> Vec<JobId> {
    claims.claimed.iter().map(|claimed| claimed.job.id().unwrap()).collect()
}

async fn urgent_first_then_priority_then_age(world: &World) {
    let mut submitted = Vec::new();
    for (i, priority) in [60, 95, 60, 80, 90].into_iter().enumerate() {
        let area = world.area(i64::try_from(i).unwrap()).await;
        let mut new = world.job(issues(), area);
        new.priority = Some(priority);
        submitted.push(world.submit(new).await);
    }
    let [old, urgent, young, middle, threshold] = submitted.try_into().unwrap();
    // Two slots for anything, of which one for the normal lane.
    assert_eq!(ids(&world.claim("w", 2, 1).await), [urgent, threshold]);
    assert_eq!(ids(&world.claim("w", 2, 1).await), [middle]);
    assert_eq!(ids(&world.claim("w", 2, 0).await), []);
    assert_eq!(ids(&world.claim("w", 5, 5).await), [old, young]);
    assert_eq!(ids(&world.claim("w", 5, 5).await), []);
    world.assert_counters_are_exact().await;
}

async fn a_claim_says_what_the_worker_needs(world: &World) {
    let id = world.queued(7).await;
    let claims = world.claim("w", 1, 1).await;
    let claimed = &claims.claimed[0];
    assert_eq!(claimed.instance_url.as_deref(), Some("https://gitlab.example"));
    assert_eq!(claimed.accounts, [world.account]);
    assert_eq!(claimed.area.as_ref().unwrap().full_path, "group/project-007");
    let job = world.get(id).await;
    assert_eq!(job, claimed.job);
    assert_eq!((job.state().unwrap(), job.attempt, job.lease_token), (State::Running, 1, 1));
    assert_eq!((job.worker.as_deref(), job.served_by), (Some("w"), Some(world.account.0)));
}

async fn what_nobody_understands_fails(world: &World) {
    let (id, options) = (world.queued(1).await, world.queued(2).await);
    world
        .write(move |conn| {
            execute(conn, &format!("UPDATE job_rows SET kind = 'frobnicate' WHERE id = '{id}'"))?;
            execute(conn, &format!("UPDATE job_rows SET payload = '{{\"x\":1}}' WHERE id = '{options}'"))
        })
        .await;
    let claims = world.claim("w", 5, 5).await;
    assert!(claims.claimed.is_empty());
    assert_eq!(claims.put_aside.len(), 2);
    for id in [id, options] {
        let job = world.get(id).await;
        assert_eq!(job.state().unwrap(), State::Failed);
        assert_eq!(job.error_class.as_deref(), Some(ErrorClass::Permanent.as_str()));
        assert!(job.finished_at().is_some());
    }
    assert!(world.get(id).await.error.unwrap().contains("frobnicate"));
    world.assert_counters_are_exact().await;
}

async fn without_an_account_a_job_waits_until_one_is_linked(world: &World) {
    let (id, account, instance, user) = (world.queued(1).await, world.account, world.instance, world.user);
    let news = world.write(move |conn| accounts::set_state(conn, account, AccountState::Refused)).await;
    assert!(news);
    let claims = world.claim("w", 5, 5).await;
    assert!(claims.claimed.is_empty());
    let job = world.get(id).await;
    assert_eq!(
        (job.state().unwrap(), job.wait_reason.as_deref(), job.attempt),
        (State::Waiting, Some("credentials"), 0)
    );
    assert_eq!(world.write(jobs::wake_due).await, 0, "time alone does not help");
    let elsewhere = world.write(|conn| instances::ensure(conn, "https://other.example")).await;
    assert_eq!(world.write(move |conn| jobs::wake_for_credentials(conn, elsewhere)).await, 0);
    let woken = world.write(move |conn| {
        link(conn, user, instance, 1)?;
        jobs::wake_for_credentials(conn, instance)
    });
    assert_eq!(woken.await, 1);
    assert_eq!(ids(&world.claim("w", 5, 5).await), [id]);
    world.assert_counters_are_exact().await;
}

async fn a_worker_with_one_token_gets_jobs_of_that_instance(world: &World) {
    let user = world.user;
    // Older and more urgent than what the worker may have.
    for gitlab_id in 1..4 {
        world.queued(gitlab_id).await;
    }
    let mut new = world.job(issues(), AreaId(0));
    let (instance, area) = world
        .write(move |conn| {
            let instance = instances::ensure(conn, "https://other.example")?;
            let account = link(conn, user, instance, 1)?;
            Ok((instance, areas::discovered(conn, instance, account, &project(1, None))?))
        })
        .await;
    (new.instance, new.subject) = (Some(instance), Subject::Area(area));
    let id = world.submit(new).await;
    let request =
        ClaimRequest { worker: "w".to_owned(), any: 1, normal: 1, instance: Some(instance), runner: Runner::Crawler };
    assert_eq!(ids(&world.write(move |conn| claims::claim(conn, &request)).await), [id]);
}

async fn accounts_with_more_rights_serve_first(world: &World) {
    let area = world.area(1).await;
    let (user, instance, mine) = (world.user, world.instance, world.account);
    let (owner, unknown) = world
        .write(move |conn| {
            let (owner, unknown) = (link(conn, user, instance, 2)?, link(conn, user, instance, 3)?);
            areas::discovered(conn, instance, owner, &project(1, Some(50)))?;
            areas::discovered(conn, instance, unknown, &project(1, None))?;
            Ok((owner, unknown))
        })
        .await;
    let order = move |asked: Option<i64>| world.read(move |conn| accounts::serving(conn, area.0, asked));
    assert_eq!(order(None).await, [owner, mine, unknown]);
    assert_eq!(order(Some(unknown.0)).await, [owner, mine, unknown], "rights count more than who asked");
    let equal = world
        .write(move |conn| {
            let equal = link(conn, user, instance, 4)?;
            areas::discovered(conn, instance, equal, &project(1, Some(50)))?;
            Ok(equal)
        })
        .await;
    assert_eq!(order(Some(equal.0)).await, [equal, owner, mine, unknown], "among equals, who asked comes first");
    world.write(move |conn| accounts::unlink(conn, user, equal)).await;
    world.write(move |conn| accounts::set_state(conn, owner, AccountState::Refused)).await;
    assert_eq!(order(None).await, [mine, unknown]);
}

async fn accounts_take_turns(world: &World) {
    let (user, instance) = (world.user, world.instance);
    let other = world.write(move |conn| link(conn, user, instance, 2)).await;
    let mut submitted = Vec::new();
    for (number, account) in (0..).zip([[world.account; 6].as_slice(), &[other; 3]].concat()) {
        let area = world.area(number).await;
        let mut new = world.job(issues(), area);
        new.account = Some(account);
        submitted.push(world.submit(new).await);
        if number == 3 {
            // Two of the first account's have been served when the other one comes.
            assert_eq!(ids(&world.claim("w", 2, 2).await), submitted[..2]);
        }
    }
    let order: Vec<usize> = ids(&world.claim("w", 7, 7).await)
        .iter()
        .map(|id| submitted.iter().position(|other| other == id).unwrap())
        .collect();
    assert_eq!(order, [6, 2, 7, 3, 8, 4, 5]);
}

async fn who_stops_many_does_not_pay_for_them_later(world: &World) {
    let (user, instance) = (world.user, world.instance);
    let other = world.write(move |conn| link(conn, user, instance, 2)).await;
    let mut mistake = Vec::new();
    for number in 0..20 {
        mistake.push(world.queued(number).await);
    }
    for id in mistake.into_iter().rev() {
        world.abort(id).await;
    }
    let mut submitted = Vec::new();
    for (number, account) in (30..).zip([other, other, world.account]) {
        let area = world.area(number).await;
        let mut new = world.job(issues(), area);
        new.account = Some(account);
        submitted.push(world.submit(new).await);
    }
    let [first, second, mine] = submitted[..] else { unreachable!("three were submitted") };
    assert_eq!(ids(&world.claim("w", 3, 3).await), [first, mine, second]);
}

async fn what_needs_no_gitlab_needs_no_account(world: &World) {
    let drill = JobSpec::Drill(kind::Drill { name: "one".to_owned(), ..kind::Drill::default() });
    let mut new = world.job(drill, AreaId(0));
    (new.subject, new.instance, new.account) = (Subject::User(world.user), None, None);
    let again = new.clone();
    let id = world.submit(new).await;
    assert_eq!(world.submit(again).await, id, "one of a name");
    // Not even a worker that has a token for one instance alone is asked for it.
    let request = ClaimRequest {
        worker: "w".to_owned(),
        any: 1,
        normal: 1,
        instance: Some(world.instance),
        runner: Runner::Crawler,
    };
    let claims = world.write(move |conn| claims::claim(conn, &request)).await;
    assert_eq!(ids(&claims), [id]);
    assert_eq!((claims.claimed[0].instance_url.as_ref(), claims.claimed[0].accounts.len()), (None, 0));
}

async fn who_runs_a_kind_is_given_it_alone(world: &World) {
    let bulk = r#"{"action":"retry"}"#;
    let mut new = world.job(JobSpec::parse(kind::BULK_ACTION, bulk).unwrap(), AreaId(0));
    (new.subject, new.instance, new.account) = (Subject::User(world.user), None, None);
    let (bulk, crawl) = (world.submit(new).await, world.queued(1).await);
    assert!(world.read(|conn| counters::is_queued(conn, kind::BULK_ACTION)).await);
    assert_eq!(ids(&world.claim("crawler", 5, 5).await), [crawl], "urgent as the other one is");
    let request =
        ClaimRequest { worker: "website".to_owned(), any: 5, normal: 5, instance: None, runner: Runner::Website };
    let claims = world.write(move |conn| claims::claim(conn, &request)).await;
    assert_eq!(ids(&claims), [bulk]);
    assert!(!world.read(|conn| counters::is_queued(conn, kind::BULK_ACTION)).await);
    world.assert_counters_are_exact().await;
}

async fn a_job_about_an_account_is_read_with_that_account_alone(world: &World) {
    let (user, instance) = (world.user, world.instance);
    let other = world
        .write(move |conn| {
            let user = users::create(conn, "bob", "hash", false)?;
            link(conn, user, instance, 9)
        })
        .await;
    let mut new = world.job(JobSpec::AuthorizationScope(kind::AuthorizationScope {}), AreaId(0));
    (new.subject, new.account, new.user) = (Subject::Account(other), Some(other), Some(user));
    let id = world.submit(new).await;
    let claims = world.claim("w", 1, 0).await;
    assert_eq!(ids(&claims), [id], "discovery is urgent");
    assert_eq!(claims.claimed[0].accounts, [other]);
    assert_eq!(claims.claimed[0].area, None);
}

async fn what_was_pushed_late_is_read_from_the_start(world: &World) {
    let area = world.area(7).await;
    let place = AreaRef { kind: AreaKind::Project, gitlab_id: 7, full_path: String::new() };
    let (now, watermark) = (trawl_store::now(), Some(trawl_store::now()));
    let pass = move |full| Pass { watermark, incomplete: None, full, access_level: Some(30), reader: None };
    world.write(move |conn| sync::completed(conn, area, "commits", pass(true))).await;
    let begins = async || {
        let id = world.submit(world.job(JobSpec::Commits(kind::Commits::default()), area)).await;
        let begins = world.claim("w", 1, 1).await.claimed[0].watermark;
        world.end(id, completed()).await;
        begins
    };
    let branch = |sha: &str, days| {
        let payload = serde_json::json!({ "commit": { "id": sha, "committed_date": now - TimeDelta::days(days) } });
        let gitlab_id = place.named_id(&format!("branch {sha}"));
        Record { kind: RecordKind::Branch, payload: payload.to_string(), updated_at: None, ..issue(gitlab_id, 0) }
    };
    assert!(begins().await.is_some());
    put(world, area, branch("made today", 0)).await;
    put(world, area, branch("known", 90)).await;
    put(world, area, Record { kind: RecordKind::Commit, ..issue(place.named_id("known"), 0) }).await;
    assert!(begins().await.is_some(), "the next pass finds what is new, and what is old is there");
    put(world, area, branch("made long ago", 90)).await;
    assert_eq!(begins().await, None);
    world.write(move |conn| sync::completed(conn, area, "commits", pass(true))).await;
    assert!(begins().await.is_some(), "once");
}

crate::on_both!(
    what_was_pushed_late_is_read_from_the_start,
    who_runs_a_kind_is_given_it_alone,
    urgent_first_then_priority_then_age,
    a_claim_says_what_the_worker_needs,
    what_nobody_understands_fails,
    without_an_account_a_job_waits_until_one_is_linked,
    a_worker_with_one_token_gets_jobs_of_that_instance,
    accounts_with_more_rights_serve_first,
    accounts_take_turns,
    who_stops_many_does_not_pay_for_them_later,
    what_needs_no_gitlab_needs_no_account,
    a_job_about_an_account_is_read_with_that_account_alone,
);
