//! Counters of jobs, for statements that change many. Triggers keep them, so that nothing can forget to; PostgreSQL's run
//! once for each statement, SQLite's once for each row, which takes longer than the change itself. So whoever changes many
//! jobs on SQLite counts them here, and the triggers keep silent meanwhile.

use crate::{StoreError, schema::jobs_counted_together, statement::statement};
use diesel::{
    SqliteConnection,
    prelude::*,
    sql_types::{BigInt, Text},
    sqlite::Sqlite,
};
use std::{collections::BTreeMap, marker::PhantomData};
use trawl_jobs::State;

statement! {
    /// So many more jobs, or fewer.
    on Sqlite: Add {
        "INSERT INTO job_counters (kind, state, lane, user_id, n) VALUES (", kind: &'a str as Text,
        ", ", state: &'a str as Text,
        ", ", lane: &'a str as Text,
        ", ", user_id: i64 as BigInt,
        ", ", n: i64 as BigInt,
    } ") ON CONFLICT (kind, state, lane, user_id) DO UPDATE SET n = n + excluded.n"
}

/// What changed, by `(kind, state, lane, user)`.
#[derive(Debug, Default)]
pub(crate) struct Tally(BTreeMap<(String, State, String, i64), i64>);

impl Tally {
    /// A job of this kind, lane and user has left a state, if it had one, and is in another.
    pub(crate) fn step(&mut self, kind: &str, lane: &str, user: Option<i64>, from: Option<State>, to: State) {
        let mut add = |state, n| {
            // Nearly always the same few.
            let of = |(k, s, l, u): &(String, State, String, i64)| {
                *s == state && *u == user.unwrap_or(0) && k == kind && l == lane
            };
            match self.0.iter_mut().find(|(key, _)| of(key)) {
                Some((_, sum)) => *sum += n,
                None => drop(self.0.insert((kind.to_owned(), state, lane.to_owned(), user.unwrap_or(0)), n)),
            }
        };
        if let Some(from) = from {
            add(from, -1);
        }
        add(to, 1);
    }

    fn write(self, conn: &mut SqliteConnection) -> QueryResult<()> {
        for ((kind, state, lane, user_id), n) in self.0.into_iter().filter(|(_, n)| *n != 0) {
            Add { kind: &kind, state: state.as_str(), lane: &lane, user_id, n, of: PhantomData }.execute(conn)?;
        }
        Ok(())
    }
}

/// Runs `work`, which tallies every change of a job's state that it makes, while the triggers keep silent. An error is
/// one of the whole unit of work that this is in: it must not go on, since they would stay silent.
pub(crate) fn together<T>(
    conn: &mut SqliteConnection,
    work: impl FnOnce(&mut SqliteConnection, &mut Tally) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    diesel::insert_into(jobs_counted_together::table).values(jobs_counted_together::yes.eq(true)).execute(conn)?;
    let mut tally = Tally::default();
    let done = work(conn, &mut tally)?;
    diesel::delete(jobs_counted_together::table).execute(conn)?;
    tally.write(conn)?;
    Ok(done)
}
