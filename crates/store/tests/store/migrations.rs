//! The schema itself.

use crate::{
    postgres::Server,
    world::{World, execute, open},
};
use diesel::{
    Connection as _, PgConnection, RunQueryDsl as _, SqliteConnection, backend::Backend,
    connection::SimpleConnection as _, migration::MigrationSource,
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use trawl_store::{Conn, StoreError};

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

fn up_down_up<DB: Backend>(conn: &mut impl MigrationHarness<DB>, migrations: fn() -> EmbeddedMigrations) {
    let ups = conn.run_pending_migrations(migrations()).unwrap().len();
    assert!(ups > 0);
    assert_eq!(conn.revert_all_migrations(migrations()).unwrap().len(), ups);
    assert_eq!(conn.run_pending_migrations(migrations()).unwrap().len(), ups);
}

#[test]
fn sqlite_goes_up_down_and_up() {
    let mut conn = SqliteConnection::establish(":memory:").unwrap();
    up_down_up(&mut conn, || SQLITE);
}

#[test]
fn postgres_goes_up_down_and_up() {
    let Some(server) = Server::shared() else { return };
    let mut conn = PgConnection::establish(&server.create_database()).unwrap();
    up_down_up(&mut conn, || POSTGRES);
}

#[test]
fn both_databases_have_the_same_migrations() {
    fn names<DB: Backend>(migrations: &EmbeddedMigrations) -> Vec<String> {
        let migrations = MigrationSource::<DB>::migrations(migrations).unwrap();
        migrations.iter().map(|migration| migration.name().to_string()).collect()
    }
    assert_eq!(names::<diesel::sqlite::Sqlite>(&SQLITE), names::<diesel::pg::Pg>(&POSTGRES));
}

/// What the first version has written is understood after an upgrade, and after a way back.
#[tokio::test]
async fn a_database_with_jobs_goes_up_and_down() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("trawl.db").display().to_string();
    let mut conn = SqliteConnection::establish(&file).unwrap();
    conn.run_next_migration(SQLITE).unwrap();
    conn.batch_execute(
        "INSERT INTO users VALUES (1, 'ada', 'hash', 1, '2026-01-01 00:00:00');
         INSERT INTO jobs (id, kind, payload, dedupe_key, state, priority, lane, user_id, max_attempts, run_at, created_at, updated_at)
         VALUES ('a', 'issues', '{}', 'a', 'queued', 60, 'normal', 1, 5, '2026-01-01 00:00:00', '2026-01-01 00:00:00', '2026-01-01 00:00:00'),
                ('b', 'issues', '{}', 'b', 'queued', 60, 'normal', 1, 5, '2999-01-01 00:00:00', '2026-01-01 00:00:00', '2026-01-01 00:00:00');
         INSERT INTO jobs (id, kind, payload, dedupe_key, state, priority, lane, user_id, max_attempts, attempt, lease_token, worker, cursor, run_at, created_at, updated_at)
         VALUES ('c', 'issues', '{}', 'c', 'running', 60, 'normal', 1, 5, 2, 4, 'w', 'p3', '2026-01-01 00:00:00', '2026-01-01 00:00:00', '2026-01-01 00:00:00'),
                ('d', 'issues', '{}', 'd', 'aborting', 60, 'normal', 1, 5, 1, 1, 'w', NULL, '2026-01-01 00:00:00', '2026-01-01 00:00:00', '2026-01-01 00:00:00');
         INSERT INTO job_messages (job_id, level, at, text)
         VALUES ('a', 'info', '2026-01-01 00:00:00', 'one'), ('a', 'info', '2026-01-01 00:00:01', 'two');
         INSERT INTO job_attempts (job_id, lease_token, worker, started_at) VALUES ('a', 1, 'w', '2026-01-01 00:00:00');",
    )
    .unwrap();
    let texts = |conn: &mut SqliteConnection, sql: &str| -> Vec<String> {
        #[derive(diesel::QueryableByName)]
        struct Line {
            #[diesel(sql_type = diesel::sql_types::Text)]
            v: String,
        }
        diesel::sql_query(sql).load::<Line>(conn).unwrap().into_iter().map(|line| line.v).collect()
    };
    drop(open(&format!("sqlite://{file}")).await);
    let jobs = "SELECT id || ' ' || state || ' ' || coalesce(wait_reason, '-') AS v FROM jobs ORDER BY id";
    assert_eq!(texts(&mut conn, jobs), ["a queued -", "b waiting retry", "c running -", "d aborting -"]);
    let held = "SELECT id || ' ' || attempt || ' ' || lease_token || ' ' || worker || ' ' || coalesce(cursor, '-') AS v \
                FROM jobs WHERE worker IS NOT NULL ORDER BY id";
    assert_eq!(texts(&mut conn, held), ["c 2 4 w p3", "d 1 1 w -"]);
    assert_eq!(texts(&mut conn, "SELECT text || ' ' || nr AS v FROM job_messages ORDER BY id"), ["one 1", "two 2"]);
    assert_eq!(texts(&mut conn, "SELECT job_id AS v FROM attempts ORDER BY 1"), ["c", "d"], "they have not ended");
    conn.batch_execute(
        "UPDATE job_rows SET state = 'completed', completed_by = 'w', finished_at = updated_at, lease_token = 3 WHERE id = 'a'",
    )
    .unwrap();
    let attempt = |table: &str| {
        format!("SELECT lease_token || ' ' || worker || ' ' || outcome AS v FROM {table} WHERE job_id = 'a'")
    };
    assert_eq!(texts(&mut conn, &attempt("attempts")), ["3 w completed"]);
    while conn.revert_last_migration(SQLITE).is_ok_and(|version| !version.to_string().starts_with("20261125000003")) {}
    assert_eq!(
        texts(&mut conn, jobs),
        ["a completed -", "b queued -", "c running -", "d aborting -"],
        "an older version knows no retry"
    );
    assert_eq!(texts(&mut conn, held), ["c 2 4 w p3", "d 1 1 w -"]);
    assert_eq!(texts(&mut conn, &attempt("job_attempts")), ["3 w completed"], "an older version looks for it here");
}

async fn opening_again_changes_nothing(world: &World) {
    let id = world.queued(1).await;
    let again = open(&world.url).await;
    assert_eq!(again.backend(), world.db.backend());
    let job = again.read(move |conn| trawl_store::jobs::get(conn, id)).await.unwrap();
    assert_eq!(job, Some(world.get(id).await));
}

async fn the_database_itself_refuses_broken_states(world: &World) {
    let job = world.running(1).await;
    let (running, queued) = (job.id().unwrap(), world.queued(2).await);
    for sql in [
        format!("UPDATE leases SET worker = NULL WHERE job_id = '{running}'"),
        format!("INSERT INTO leases SELECT * FROM leases WHERE job_id = '{running}'"),
        format!("UPDATE jobs SET priority = 1 WHERE id = '{queued}'"),
        format!("UPDATE job_rows SET state = 'running' WHERE id = '{queued}'"),
        format!("UPDATE job_rows SET state = 'completed' WHERE id = '{queued}'"),
        format!("UPDATE job_rows SET finished_at = created_at WHERE id = '{queued}'"),
        format!("UPDATE job_rows SET state = 'done' WHERE id = '{queued}'"),
        format!("UPDATE job_rows SET lane = 'fast' WHERE id = '{queued}'"),
        format!("UPDATE job_rows SET dedupe_key = NULL WHERE id = '{queued}'"),
        format!("UPDATE job_rows SET area_id = 999 WHERE id = '{queued}'"),
    ] {
        let refused = world.db.write(move |conn| execute(conn, &sql).map(|_| sql)).await;
        assert!(matches!(refused, Err(StoreError::Query(_))), "{refused:?}");
    }
    let key = job.dedupe_key.clone();
    let sql = format!("UPDATE job_rows SET dedupe_key = '{key}' WHERE id = '{queued}'");
    let refused = world.db.write(move |conn| execute(conn, &sql)).await.unwrap_err();
    assert!(refused.is_duplicate(), "{refused}");
    assert_eq!(world.get(running).await, job);
    world.assert_counters_are_exact().await;
}

async fn readers_cannot_write(world: &World) {
    let refused = world.db.read(|conn: &mut Conn<'_>| execute(conn, "DELETE FROM users")).await;
    assert!(matches!(refused, Err(StoreError::Query(_))), "{refused:?}");
}

crate::on_both!(opening_again_changes_nothing, the_database_itself_refuses_broken_states, readers_cannot_write);
