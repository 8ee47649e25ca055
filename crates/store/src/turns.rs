//! Turns: how far each share's jobs are in each lane, so that every new one gets its rank. The rules are in
//! [`trawl_jobs::rank`].

use crate::{Conn, StoreError, conn::on_backend, schema::turns, statement::statement};
use diesel::{
    prelude::*,
    sql_types::{BigInt, Integer, Text},
};
use std::marker::PhantomData;
use trawl_jobs::{AccountId, Lane, UserId, rank};

statement! {
    /// A share is at this turn.
    Put {
        "INSERT INTO turns (lane, share, priority, turn) VALUES (", lane: &'a str as Text,
        ", ", share: i64 as BigInt,
        ", ", priority: i32 as Integer,
        ", ", turn: i64 as BigInt,
    } ") ON CONFLICT (lane, share, priority) DO UPDATE SET turn = excluded.turn"
}

statement! {
    /// A share takes its next turns and is at the last of them: [`rank::turn`] in the database, since this runs once for
    /// each job. `more` is one less than how many.
    Take {
        "INSERT INTO turns (lane, share, priority, turn) VALUES (", lane: &'a str as Text,
        ", ", share: i64 as BigInt,
        ", ", priority: i32 as Integer,
        ", coalesce((SELECT turn FROM turns WHERE share = 0 AND priority = 0 AND lane = ", clock_of: &'a str as Text,
        "), 0) + ", more: i64 as BigInt,
        ") ON CONFLICT (lane, share, priority) DO UPDATE SET turn = \
           CASE WHEN turns.turn >= excluded.turn - ", and_more: i64 as BigInt,
        " THEN turns.turn + 1 + ", once_more: i64 as BigInt,
    } " ELSE excluded.turn END RETURNING turn"
}

impl diesel::query_builder::Query for Take<'_> {
    type SqlType = BigInt;
}

/// The clock's row has a share that nobody has.
const CLOCK: (i64, i32) = (0, 0);

/// Whose turn it is: an account's, or that of a user without one.
#[must_use]
pub(crate) fn share(account: Option<AccountId>, user: Option<UserId>) -> i64 {
    match (account, user) {
        (Some(AccountId(account)), _) => account * 2,
        (None, Some(UserId(user))) => user * 2 + 1,
        (None, None) => 1,
    }
}

/// Takes the next turn of a share, and returns the rank of the job that has it.
pub(crate) fn take(conn: &mut Conn<'_>, lane: Lane, share: i64, priority: i32) -> Result<i64, StoreError> {
    take_many(conn, lane, share, priority, 1)?.next().ok_or(StoreError::NotFound)
}

/// Takes the next turns of a share, and returns the ranks of the jobs that have them.
pub(crate) fn take_many(
    conn: &mut Conn<'_>,
    lane: Lane,
    share: i64,
    priority: i32,
    count: usize,
) -> Result<impl Iterator<Item = i64> + use<>, StoreError> {
    let more = i64::try_from(count).unwrap_or(i64::MAX) - 1;
    let take = Take {
        lane: lane.as_str(),
        share,
        priority,
        clock_of: lane.as_str(),
        more,
        and_more: more,
        once_more: more,
        of: PhantomData,
    };
    let last: i64 = on_backend!(conn, |c| take.get_result(c))?;
    Ok((last - more..=last).map(move |turn| rank::rank(turn, priority)))
}

/// A job that had this rank will not run. If nobody of its share stands behind it, the next one takes its turn: who stops
/// ten thousand jobs, newest first, does not pay for them later.
pub(crate) fn give_back(
    conn: &mut Conn<'_>,
    lane: Lane,
    share: i64,
    priority: i32,
    rank: i64,
) -> Result<(), StoreError> {
    let turn = rank::turn_of(rank, priority);
    if read(conn, lane, (share, priority))? == Some(turn) {
        write(conn, lane, (share, priority), turn - 1)?;
    }
    Ok(())
}

/// Jobs of this lane were claimed, the latest turn of which was this.
pub(crate) fn served(conn: &mut Conn<'_>, lane: Lane, turn: i64) -> Result<(), StoreError> {
    if read(conn, lane, CLOCK)?.is_none_or(|clock| clock < turn) {
        write(conn, lane, CLOCK, turn)?;
    }
    Ok(())
}

fn read(conn: &mut Conn<'_>, lane: Lane, (share, priority): (i64, i32)) -> Result<Option<i64>, StoreError> {
    let query = turns::table.find((lane.as_str(), share, priority)).select(turns::turn);
    Ok(on_backend!(conn, |c| query.get_result(c).optional())?)
}

fn write(conn: &mut Conn<'_>, lane: Lane, (share, priority): (i64, i32), turn: i64) -> Result<(), StoreError> {
    let put = Put { lane: lane.as_str(), share, priority, turn, of: PhantomData };
    on_backend!(conn, |c| put.execute(c))?;
    Ok(())
}
