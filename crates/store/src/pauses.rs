//! Pauses: what nobody is to start for now. A job that is paused waits, burns no attempt, and goes on by itself when the
//! pause is over.

use crate::{
    Conn, StoreError,
    conn::on_backend,
    jobs::Job,
    literal::{AtRest, IsNotCompleted, IsUnheld, IsWaiting},
    now,
    schema::{job_rows, jobs, pauses, users},
    text::storable,
    when::{Stamp, stored},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use std::str::FromStr;
use trawl_jobs::{Lane, State, Step, UserId, WaitReason, text::clip};

/// Jobs that are woken in one transaction.
const CHUNK: i64 = 1000;
/// Longest reason. Bytes.
const REASON_LIMIT: usize = 500;

/// What is paused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All jobs of a kind.
    Kind(String),
    /// All jobs of a lane.
    Lane(Lane),
    /// All jobs that were asked for with an account, by our id of it.
    Account(i64),
}

impl Scope {
    /// From its two words, such as `kind` and `issues`.
    ///
    /// # Errors
    /// They mean nothing; the text says what would.
    pub fn parse(scope: &str, subject: &str) -> Result<Self, String> {
        match scope {
            "kind" => Ok(Self::Kind(subject.to_owned())),
            "lane" => subject.parse().map(Self::Lane),
            "account" => {
                i64::from_str(subject).map(Self::Account).map_err(|_| format!("{subject:?} is no account's id"))
            }
            other => Err(format!("cannot pause {other:?}; use kind, lane or account")),
        }
    }

    /// `kind`, `lane` or `account`.
    #[must_use]
    pub const fn scope(&self) -> &'static str {
        match self {
            Self::Kind(_) => "kind",
            Self::Lane(_) => "lane",
            Self::Account(_) => "account",
        }
    }

    /// Which one.
    #[must_use]
    pub fn subject(&self) -> String {
        match self {
            Self::Kind(name) => name.clone(),
            Self::Lane(lane) => lane.as_str().to_owned(),
            Self::Account(id) => id.to_string(),
        }
    }

    fn covers(&self, job: &Job) -> bool {
        match self {
            Self::Kind(kind) => job.kind == *kind,
            Self::Lane(lane) => job.lane() == *lane,
            Self::Account(account) => job.account_id == Some(*account),
        }
    }
}

/// A pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Of what.
    pub scope: Scope,
    /// Why, in a person's words.
    pub reason: String,
    /// Name of that person, while there is an account of that name.
    pub by: Option<String>,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Pauses something; a second time with another reason.
pub fn begin(conn: &mut Conn<'_>, scope: &Scope, reason: &str, by: UserId) -> Result<(), StoreError> {
    let changes = (
        pauses::reason.eq(clip(&storable(reason), REASON_LIMIT)),
        pauses::user_id.eq(by.0),
        pauses::since.eq(stored(now())),
    );
    let values = (pauses::scope.eq(scope.scope()), pauses::subject.eq(scope.subject()), changes.clone());
    on_backend!(conn, |c| diesel::insert_into(pauses::table)
        .values(values)
        .on_conflict((pauses::scope, pauses::subject))
        .do_update()
        .set(changes)
        .execute(c))?;
    Ok(())
}

/// Parks some of the jobs that a pause covers and that would be next; returns how many. To be called until there are
/// none; what slips through is parked when it is claimed.
pub fn park(conn: &mut Conn<'_>, scope: &Scope) -> Result<usize, StoreError> {
    let changes = (
        job_rows::state.eq(State::Queued.after(Step::Park)?.as_str()),
        job_rows::wait_reason.eq(WaitReason::Paused.as_str()),
        job_rows::updated_at.eq(stored(now())),
    );
    on_backend!(conn, |c| {
        let queued = jobs::table
            .filter(AtRest.eq(State::Queued.as_str()))
            .filter(IsNotCompleted)
            .filter(IsUnheld)
            .limit(CHUNK)
            .select(jobs::id)
            .into_boxed();
        let covered = match scope {
            Scope::Kind(kind) => queued.filter(jobs::kind.eq(kind)),
            Scope::Lane(lane) => queued.filter(jobs::lane.eq(lane.as_str())),
            Scope::Account(account) => queued.filter(jobs::account_id.eq(*account)),
        };
        let ids: Vec<String> = covered.load(c)?;
        Ok(diesel::update(job_rows::table.filter(job_rows::id.eq_any(ids))).set(changes).execute(c)?)
    })
}

/// Ends a pause. Its jobs are woken by [`wake`].
///
/// # Errors
/// [`StoreError::NotFound`] where there is none.
pub fn end(conn: &mut Conn<'_>, scope: &Scope) -> Result<(), StoreError> {
    let pause = pauses::table.find((scope.scope(), scope.subject()));
    match on_backend!(conn, |c| diesel::delete(pause).execute(c))? {
        0 => Err(StoreError::NotFound),
        _ => Ok(()),
    }
}

/// All pauses, the oldest first.
pub fn list(conn: &mut Conn<'_>) -> Result<Vec<Pause>, StoreError> {
    type Row = (String, String, String, Option<String>, Stamp);
    let query = pauses::table.left_join(users::table).order((pauses::since, pauses::scope, pauses::subject)).select((
        pauses::scope,
        pauses::subject,
        pauses::reason,
        users::username.nullable(),
        pauses::since,
    ));
    let rows: Vec<Row> = on_backend!(conn, |c| query.load(c))?;
    let pause = |(scope, subject, reason, by, since): Row| {
        let scope = Scope::parse(&scope, &subject).map_err(StoreError::Corrupt)?;
        Ok(Pause { scope, reason, by, since: since.and_utc() })
    };
    rows.into_iter().map(pause).collect()
}

/// The pause that keeps a job from being started.
#[must_use]
pub fn of<'a>(job: &Job, pauses: &'a [Pause]) -> Option<&'a Pause> {
    pauses.iter().find(|pause| pause.scope.covers(job))
}

/// Wakes some of the jobs that no pause covers any more; returns how many. To be called until there are none, and again
/// now and then, should whoever ended the pause not have come to the end of it.
pub fn wake(conn: &mut Conn<'_>) -> Result<usize, StoreError> {
    let (mut kinds, mut lanes, mut accounts) = (Vec::new(), Vec::new(), Vec::new());
    for pause in list(conn)? {
        match pause.scope {
            Scope::Kind(kind) => kinds.push(kind),
            Scope::Lane(lane) => lanes.push(lane.as_str()),
            Scope::Account(account) => accounts.push(account),
        }
    }
    let to = State::Waiting.after(Step::Wake)?;
    let changes = (
        job_rows::state.eq(to.as_str()),
        job_rows::wait_reason.eq(None::<String>),
        job_rows::updated_at.eq(stored(now())),
    );
    on_backend!(conn, |c| {
        let mut free = jobs::table
            .filter(IsWaiting)
            .filter(jobs::wait_reason.eq(WaitReason::Paused.as_str()))
            .limit(CHUNK)
            .select(jobs::id)
            .into_boxed();
        if !kinds.is_empty() {
            free = free.filter(jobs::kind.ne_all(kinds));
        }
        if !lanes.is_empty() {
            free = free.filter(jobs::lane.ne_all(lanes));
        }
        if !accounts.is_empty() {
            free = free.filter(jobs::account_id.is_null().or(jobs::account_id.assume_not_null().ne_all(accounts)));
        }
        let ids: Vec<String> = free.load(c)?;
        Ok(diesel::update(job_rows::table.filter(job_rows::id.eq_any(ids))).set(changes).execute(c)?)
    })
}
