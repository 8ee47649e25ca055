//! Several nodes on one PostgreSQL database.

use crate::world::{World, completed, open};
use diesel::{Connection as _, PgConnection, RunQueryDsl as _, sql_query};
use std::collections::HashMap;
use trawl_jobs::{AreaId, JobSpec, kind};
use trawl_store::{
    Db, StoreError,
    claims::{self, ClaimRequest, Runner},
    jobs::{self, NewJob},
    leases,
};

const AREAS: i64 = 60;

/// Claims until nothing is left, and ends every job; returns their ids.
async fn work(db: Db, worker: String) -> Result<Vec<String>, StoreError> {
    let mut done = Vec::new();
    loop {
        let request =
            ClaimRequest { worker: worker.clone(), any: 7, normal: 7, instance: None, runner: Runner::Crawler };
        let claimed = db.write(move |conn| claims::claim(conn, &request)).await?.claimed;
        if claimed.is_empty() {
            return Ok(done);
        }
        // In another order than they were claimed in.
        for mut job in claimed.into_iter().rev().map(|claimed| claimed.job) {
            done.push(job.id_text().to_owned());
            db.write(move |conn| leases::end(conn, &mut job, None, &completed(), &crate::world::AT_ONCE, 0.0)).await?;
        }
    }
}

fn specs() -> [JobSpec; 5] {
    [
        JobSpec::Issues(kind::Issues::default()),
        JobSpec::MergeRequests(kind::MergeRequests::default()),
        JobSpec::Project(kind::Project {}),
        JobSpec::Group(kind::Group {}),
        JobSpec::AuthorizationScope(kind::AuthorizationScope {}),
    ]
}

async fn submit(db: Db, batch: Vec<NewJob>) -> Result<usize, StoreError> {
    db.write(move |conn| {
        let made = batch.iter().map(|new| jobs::submit(conn, new)).collect::<Result<Vec<_>, _>>()?;
        Ok(made.iter().filter(|submitted| submitted.created).count())
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_job_is_handed_out_twice_and_nothing_is_refused() {
    let Some(world) = World::postgres().await else { return };
    let nodes = [world.db.clone(), open(&world.url).await];
    let mut areas: Vec<AreaId> = Vec::new();
    for gitlab_id in 0..AREAS {
        areas.push(world.area(gitlab_id).await);
    }
    // The same jobs from both nodes, in opposite orders.
    let mut submissions = tokio::task::JoinSet::new();
    for (n, node) in nodes.iter().enumerate() {
        for area in &areas {
            let mut batch: Vec<NewJob> = specs().into_iter().map(|spec| world.job(spec, *area)).collect();
            if n == 1 {
                batch.reverse();
            }
            submissions.spawn(submit(node.clone(), batch));
        }
    }
    let made = submissions.join_all().await.into_iter().sum::<Result<usize, _>>().unwrap();
    let all = areas.len() * specs().len();
    assert_eq!(made, all);

    let mut workers = tokio::task::JoinSet::new();
    for n in 0..6 {
        workers.spawn(work(nodes[n % 2].clone(), format!("w{n}")));
    }
    let mut claims: HashMap<String, usize> = HashMap::new();
    for ids in workers.join_all().await {
        for id in ids.unwrap() {
            *claims.entry(id).or_default() += 1;
        }
    }
    assert!(claims.values().all(|n| *n == 1), "{claims:?}");
    assert_eq!(claims.len(), all);
    assert_eq!(
        world.count("SELECT count(*) AS n FROM jobs WHERE state = 'completed'").await,
        i64::try_from(all).unwrap()
    );
    assert_eq!(world.count("SELECT count(*) AS n FROM attempts").await, i64::try_from(all).unwrap());
    world.assert_counters_are_exact().await;
}

#[tokio::test]
async fn lost_connections_are_replaced() {
    let Some(world) = World::postgres().await else { return };
    let mut outside = PgConnection::establish(&world.url).unwrap();
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                  WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert!(sql_query(others).execute(&mut outside).unwrap() > 0);
    world.queued(1).await;
    assert_eq!(world.count("SELECT count(*) AS n FROM jobs").await, 1);
}
