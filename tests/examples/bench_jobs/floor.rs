//! The least that a queue can do on this machine: one table, one index, one process, and commits that are as durable.

use diesel::{
    Connection as _, PgConnection, RunQueryDsl as _, SqliteConnection, connection::SimpleConnection, prelude::*,
};
use std::time::Instant;

const BATCH: usize = 100;
const ROWS: usize = 20_000;
const SINGLE: usize = 1_000;

diesel::table! {
    queue (id) {
        id -> Text,
        dedupe_key -> Text,
        state -> Text,
        priority -> Integer,
        payload -> Text,
        worker -> Nullable<Text>,
    }
}
diesel::alias!(const NEXT: Alias<Next> = queue as next);

/// Jobs per second.
#[derive(Debug)]
pub(crate) struct Floor {
    /// Inserted, each in a commit of its own.
    pub(crate) inserted: f64,
    /// Claimed in one commit and completed in another, a hundred at a time.
    pub(crate) drained: f64,
}

/// Measures on SQLite, or on an empty PostgreSQL database.
pub(crate) fn measure(url: Option<&str>) -> Floor {
    let schema = "CREATE TABLE queue (id TEXT NOT NULL PRIMARY KEY, dedupe_key TEXT NOT NULL, state TEXT NOT NULL, \
                  priority INTEGER NOT NULL, payload TEXT NOT NULL, worker TEXT); \
                  CREATE INDEX ready ON queue (priority, id) WHERE state = 'queued'; \
                  CREATE UNIQUE INDEX live ON queue (dedupe_key) WHERE state <> 'completed'";
    if let Some(url) = url {
        let mut conn = PgConnection::establish(url).unwrap();
        conn.batch_execute(schema).unwrap();
        return run(&mut conn);
    }
    let dir = tempfile::tempdir().unwrap();
    let mut conn = SqliteConnection::establish(dir.path().join("floor.db").to_str().unwrap()).unwrap();
    conn.batch_execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL").unwrap();
    conn.batch_execute(schema).unwrap();
    run(&mut conn)
}

/// What both databases can do; written once, compiled for each.
trait Database: diesel::Connection + Sized {
    fn insert(&mut self, ids: std::ops::Range<usize>);
    fn claim(&mut self) -> Vec<String>;
    fn complete(&mut self, ids: Vec<String>);
}

macro_rules! database {
    ($conn:ty) => {
        impl Database for $conn {
            fn insert(&mut self, ids: std::ops::Range<usize>) {
                let row = |id: usize| {
                    (
                        queue::id.eq(uuid::Uuid::now_v7().to_string()),
                        queue::dedupe_key.eq(format!("drill:user:1:{id}")),
                        queue::state.eq("queued"),
                        queue::priority.eq(0),
                        queue::payload.eq("{}"),
                    )
                };
                for id in ids {
                    diesel::insert_into(queue::table).values(row(id)).execute(self).unwrap();
                }
            }

            fn claim(&mut self) -> Vec<String> {
                let first = NEXT
                    .filter(diesel::dsl::sql::<diesel::sql_types::Bool>("next.state = 'queued'"))
                    .order((NEXT.field(queue::priority), NEXT.field(queue::id)))
                    .limit(i64::try_from(BATCH).unwrap())
                    .select(NEXT.field(queue::id));
                diesel::update(queue::table.filter(queue::id.eq_any(first)))
                    .set((queue::state.eq("running"), queue::worker.eq("w")))
                    .returning(queue::id)
                    .get_results(self)
                    .unwrap()
            }

            fn complete(&mut self, ids: Vec<String>) {
                diesel::update(queue::table.filter(queue::id.eq_any(ids)))
                    .set((queue::state.eq("completed"), queue::worker.eq(None::<String>)))
                    .execute(self)
                    .unwrap();
            }
        }
    };
}
database!(SqliteConnection);
database!(PgConnection);

fn run<C: Database>(conn: &mut C) -> Floor {
    let begun = Instant::now();
    for id in 0..SINGLE {
        commit(conn, |conn| conn.insert(id..id + 1));
    }
    let inserted = super::number(SINGLE) / begun.elapsed().as_secs_f64();
    commit(conn, |conn| conn.insert(SINGLE..ROWS));
    let begun = Instant::now();
    loop {
        let mut held = Vec::new();
        commit(conn, |conn| held = conn.claim());
        if held.is_empty() {
            break;
        }
        commit(conn, |conn| conn.complete(held));
    }
    Floor { inserted, drained: super::number(ROWS) / begun.elapsed().as_secs_f64() }
}

fn commit<C: Database>(conn: &mut C, work: impl FnOnce(&mut C)) {
    conn.transaction(|conn| {
        work(conn);
        diesel::QueryResult::Ok(())
    })
    .unwrap();
}
