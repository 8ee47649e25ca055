//! Submission: a job is written unless a live one has its key.

use super::live_with_key;
use crate::{
    Conn, StoreError,
    conn::on_backend,
    now,
    statement::statement,
    tally,
    text::storable,
    turns,
    when::{Stamp, stored},
};
use diesel::{
    pg::Pg,
    prelude::*,
    sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamp},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    marker::PhantomData,
};
use trawl_jobs::{AccountId, AreaId, InstanceId, JobId, JobSpec, Lane, State, Subject, UserId};

/// A job to be submitted.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// What to do.
    pub spec: JobSpec,
    /// About what.
    pub subject: Subject,
    /// Which GitLab, where it needs one.
    pub instance: Option<InstanceId>,
    /// Who asks.
    pub user: Option<UserId>,
    /// With whose account.
    pub account: Option<AccountId>,
    /// Spawned by.
    pub parent: Option<JobId>,
    /// Higher runs first; none: as the kind says.
    pub priority: Option<i32>,
    /// From here on it is urgent.
    pub priority_threshold: i32,
    /// How often it may be tried.
    pub max_attempts: i32,
}

/// What became of a submission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Submitted {
    /// The job: the new one, or the live one that has the same key.
    pub id: JobId,
    /// Whether it is new.
    pub created: bool,
}

statement! {
    /// A new job, unless a live one has its key.
    Insert {
        "INSERT INTO job_rows (id, kind, payload, dedupe_key, state, priority, lane, rank, max_attempts, user_id, account_id, \
         instance_id, area_id, parent_id, run_at, created_at, updated_at) VALUES (", id: &'a str as Text,
        ", ", kind: &'a str as Text,
        ", ", payload: &'a str as Text,
        ", ", dedupe_key: &'a str as Text,
        ", ", state: &'a str as Text,
        ", ", priority: i32 as Integer,
        ", ", lane: &'a str as Text,
        ", ", rank: i64 as BigInt,
        ", ", max_attempts: i32 as Integer,
        ", ", user_id: Option<i64> as Nullable<BigInt>,
        ", ", account_id: Option<i64> as Nullable<BigInt>,
        ", ", instance_id: Option<i64> as Nullable<BigInt>,
        ", ", area_id: Option<i64> as Nullable<BigInt>,
        ", ", parent_id: Option<&'a str> as Nullable<Text>,
        ", ", run_at: Stamp as Timestamp,
        ", ", created_at: Stamp as Timestamp,
        ", ", updated_at: Stamp as Timestamp,
    } ") ON CONFLICT DO NOTHING"
}

statement! {
    /// As [`Insert`], for several: each column is an array.
    on Pg: InsertTogether {
        "INSERT INTO job_rows (id, kind, payload, dedupe_key, priority, lane, rank, max_attempts, user_id, account_id, \
         instance_id, area_id, parent_id, state, run_at, created_at, updated_at) \
         SELECT n.*, s.state, s.at, s.at, s.at FROM unnest(", id: Vec<&'a str> as Array<Text>,
        ", ", kind: Vec<&'a str> as Array<Text>,
        ", ", payload: Vec<&'a str> as Array<Text>,
        ", ", dedupe_key: Vec<&'a str> as Array<Text>,
        ", ", priority: Vec<i32> as Array<Integer>,
        ", ", lane: Vec<&'a str> as Array<Text>,
        ", ", rank: Vec<i64> as Array<BigInt>,
        ", ", max_attempts: Vec<i32> as Array<Integer>,
        ", ", user_id: Vec<Option<i64>> as Array<Nullable<BigInt>>,
        ", ", account_id: Vec<Option<i64>> as Array<Nullable<BigInt>>,
        ", ", instance_id: Vec<Option<i64>> as Array<Nullable<BigInt>>,
        ", ", area_id: Vec<Option<i64>> as Array<Nullable<BigInt>>,
        ", ", parent_id: Vec<Option<&'a str>> as Array<Nullable<Text>>,
        ") AS n, (VALUES (", state: &'a str as Text,
        ", ", at: Stamp as Timestamp,
    } ")) AS s (state, at) ON CONFLICT DO NOTHING RETURNING id"
}

impl diesel::query_builder::Query for InsertTogether<'_> {
    type SqlType = Text;
}

statement! {
    /// The live jobs of these keys, each looked up by itself: asked for all at once, a planner that does not know the table
    /// yet compares every row with every key.
    on Pg: Live {
        "SELECT key, (SELECT id FROM job_rows WHERE dedupe_key = key AND finished_at IS NULL) \
         FROM unnest(", keys: Vec<&'a str> as Array<Text>,
    } ") AS key"
}

impl diesel::query_builder::Query for Live<'_> {
    type SqlType = (Text, Nullable<Text>);
}

/// A job as it is going to be written, but for its rank.
struct Row<'a> {
    new: &'a NewJob,
    id: JobId,
    id_text: String,
    key: String,
    payload: String,
    parent: Option<String>,
    priority: i32,
    lane: Lane,
}

impl<'a> Row<'a> {
    fn of(new: &'a NewJob) -> Self {
        let id = JobId::new();
        let priority = new.priority.unwrap_or_else(|| new.spec.default_priority());
        Self {
            new,
            id,
            id_text: id.to_string(),
            key: storable(&new.spec.dedupe_key(new.subject)).into_owned(),
            payload: new.spec.payload(),
            parent: new.parent.map(|id| id.to_string()),
            priority,
            lane: Lane::of(priority, new.priority_threshold),
        }
    }

    const fn area(&self) -> Option<i64> {
        match self.new.subject {
            Subject::Area(AreaId(area)) => Some(area),
            Subject::Account(_) | Subject::User(_) => None,
        }
    }

    fn share(&self) -> i64 {
        turns::share(self.new.account, self.new.user)
    }

    /// Whether it was written: else a live one has its key.
    fn insert(&self, conn: &mut Conn<'_>, rank: i64, at: Stamp) -> Result<bool, StoreError> {
        let insert = Insert {
            id: &self.id_text,
            kind: self.new.spec.kind(),
            payload: &self.payload,
            dedupe_key: &self.key,
            state: State::Queued.as_str(),
            priority: self.priority,
            lane: self.lane.as_str(),
            rank,
            max_attempts: self.new.max_attempts,
            user_id: self.new.user.map(|id| id.0),
            account_id: self.new.account.map(|id| id.0),
            instance_id: self.new.instance.map(|id| id.0),
            area_id: self.area(),
            parent_id: self.parent.as_deref(),
            run_at: at,
            created_at: at,
            updated_at: at,
            of: PhantomData,
        };
        Ok(on_backend!(conn, |c| insert.execute(c))? == 1)
    }

    fn submit(&self, conn: &mut Conn<'_>) -> Result<Submitted, StoreError> {
        let at = stored(now());
        // The live job may begin or end between two statements on a database with several writers: then it is our turn
        // again.
        loop {
            if let Some(id) = live_with_key(conn, &self.key)? {
                return Ok(Submitted { id, created: false });
            }
            let rank = turns::take(conn, self.lane, self.share(), self.priority)?;
            if self.insert(conn, rank, at)? {
                return Ok(Submitted { id: self.id, created: true });
            }
        }
    }
}

/// Submits a job, unless a live one has its key already.
pub fn submit(conn: &mut Conn<'_>, new: &NewJob) -> Result<Submitted, StoreError> {
    Row::of(new).submit(conn)
}

/// Submits jobs, as [`submit`] one after the other would.
pub fn submit_all(conn: &mut Conn<'_>, new: &[NewJob]) -> Result<Vec<Submitted>, StoreError> {
    if let [one] = new {
        return Ok(vec![submit(conn, one)?]);
    }
    let rows: Vec<Row<'_>> = new.iter().map(Row::of).collect();
    let mut live = live_with_keys(conn, &rows)?;
    let mut fresh = Vec::new();
    let mut answers = Vec::with_capacity(rows.len());
    for row in &rows {
        if let Some(id) = live.get(&row.key) {
            answers.push(Submitted { id: *id, created: false });
        } else {
            live.insert(row.key.clone(), row.id);
            fresh.push((answers.len(), row));
            answers.push(Submitted { id: row.id, created: true });
        }
    }
    let rows: Vec<&Row<'_>> = fresh.iter().map(|(_, row)| *row).collect();
    let ranks = ranks(conn, &rows)?;
    let missing = insert_all(conn, &rows, &ranks)?;
    // Only where somebody else writes at the same time.
    for (index, row) in fresh.into_iter().filter(|(_, row)| missing.contains(&row.id)) {
        answers[index] = row.submit(conn)?;
    }
    Ok(answers)
}

fn live_with_keys(conn: &mut Conn<'_>, rows: &[Row<'_>]) -> Result<HashMap<String, JobId>, StoreError> {
    let mut live = HashMap::new();
    match conn {
        Conn::Sqlite(c) => {
            for row in rows {
                if let Some(id) = live_with_key(&mut Conn::Sqlite(c), &row.key)? {
                    live.insert(row.key.clone(), id);
                }
            }
        }
        Conn::Postgres(c) => {
            let keys = rows.iter().map(|row| row.key.as_str()).collect();
            for (key, id) in (Live { keys, of: PhantomData }).load::<(String, Option<String>)>(*c)? {
                if let Some(id) = id {
                    let id = id.parse().map_err(|error| StoreError::Corrupt(format!("job id {id:?}: {error}")))?;
                    live.insert(key, id);
                }
            }
        }
    }
    Ok(live)
}

/// The rank of each: those of one share take one turn after the other.
fn ranks(conn: &mut Conn<'_>, rows: &[&Row<'_>]) -> Result<Vec<i64>, StoreError> {
    let mut shares: BTreeMap<(&str, i64, i32), Vec<usize>> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        shares.entry((row.lane.as_str(), row.share(), row.priority)).or_default().push(index);
    }
    let mut ranks = vec![0; rows.len()];
    for ((_, share, priority), indices) in shares {
        let lane = rows[indices[0]].lane;
        let taken = turns::take_many(conn, lane, share, priority, indices.len())?;
        for (index, rank) in indices.into_iter().zip(taken) {
            ranks[index] = rank;
        }
    }
    Ok(ranks)
}

/// Returns those that were not written, because somebody else has written a live one with the same key.
fn insert_all(conn: &mut Conn<'_>, rows: &[&Row<'_>], ranks: &[i64]) -> Result<HashSet<JobId>, StoreError> {
    let at = stored(now());
    match conn {
        Conn::Sqlite(c) => tally::together(c, |c, tally| {
            let mut missing = HashSet::new();
            for (row, rank) in rows.iter().zip(ranks) {
                if row.insert(&mut Conn::Sqlite(c), *rank, at)? {
                    let user = row.new.user.map(|user| user.0);
                    tally.step(row.new.spec.kind(), row.lane.as_str(), user, None, State::Queued);
                } else {
                    missing.insert(row.id);
                }
            }
            Ok(missing)
        }),
        Conn::Postgres(c) => {
            macro_rules! each {
                (|$row:ident| $value:expr) => {
                    rows.iter().map(|$row| $value).collect()
                };
            }
            let together = InsertTogether {
                id: each!(|row| row.id_text.as_str()),
                kind: each!(|row| row.new.spec.kind()),
                payload: each!(|row| row.payload.as_str()),
                dedupe_key: each!(|row| row.key.as_str()),
                priority: each!(|row| row.priority),
                lane: each!(|row| row.lane.as_str()),
                rank: ranks.to_vec(),
                max_attempts: each!(|row| row.new.max_attempts),
                user_id: each!(|row| row.new.user.map(|id| id.0)),
                account_id: each!(|row| row.new.account.map(|id| id.0)),
                instance_id: each!(|row| row.new.instance.map(|id| id.0)),
                area_id: each!(|row| row.area()),
                parent_id: each!(|row| row.parent.as_deref()),
                state: State::Queued.as_str(),
                at,
                of: PhantomData,
            };
            let written: Vec<String> = together.get_results(*c)?;
            let written: HashSet<&str> = written.iter().map(String::as_str).collect();
            Ok(rows.iter().filter(|row| !written.contains(row.id_text.as_str())).map(|row| row.id).collect())
        }
    }
}
