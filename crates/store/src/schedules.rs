//! Schedules: jobs that are submitted again and again. All times are UTC.

use crate::{
    Conn, StoreError,
    conn::{columns, on_backend},
    now,
    schema::schedules,
    text::storable,
    when::{Stamp, stored},
};
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use trawl_jobs::{AccountId, AreaId, JobId, UserId, schedule::Rhythm};

/// A schedule as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = schedules)]
pub struct Schedule {
    /// Identity.
    pub id: i64,
    /// For people; unique among a user's.
    pub name: String,
    /// Of its jobs.
    pub kind: String,
    /// Options of its jobs, JSON.
    pub payload: String,
    /// Of its jobs; none: as the kind says.
    pub priority: Option<i32>,
    user_id: i64,
    account_id: Option<i64>,
    area_id: Option<i64>,
    every_seconds: Option<i64>,
    cron: Option<String>,
    /// Whether it submits anything.
    pub enabled: bool,
    next_run_at: Option<Stamp>,
    last_run_at: Option<Stamp>,
    last_job_id: Option<String>,
}

impl Schedule {
    /// Whose jobs they are.
    #[must_use]
    pub const fn user(&self) -> UserId {
        UserId(self.user_id)
    }

    /// The linked account that its jobs are about.
    #[must_use]
    pub fn account(&self) -> Option<AccountId> {
        self.account_id.map(AccountId)
    }

    /// The group or project that its jobs are about.
    #[must_use]
    pub fn area(&self) -> Option<AreaId> {
        self.area_id.map(AreaId)
    }

    /// When it submits.
    ///
    /// # Errors
    /// The stored expression is none.
    pub fn rhythm(&self) -> Result<Rhythm, StoreError> {
        match (self.every_seconds, &self.cron) {
            (Some(seconds), _) => Rhythm::every(seconds),
            (None, Some(cron)) => Rhythm::cron(cron),
            (None, None) => Err("it has no rhythm".to_owned()),
        }
        .map_err(|why| StoreError::Corrupt(format!("schedule {}: {why}", self.id)))
    }

    /// When it submits next; none while it is disabled.
    #[must_use]
    pub fn next_run_at(&self) -> Option<DateTime<Utc>> {
        self.next_run_at.map(Stamp::and_utc)
    }

    /// Whether its time has come.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.next_run_at().is_some_and(|next| next <= now())
    }

    /// When it submitted last.
    #[must_use]
    pub fn last_run_at(&self) -> Option<DateTime<Utc>> {
        self.last_run_at.map(Stamp::and_utc)
    }

    /// What it submitted last, or joined.
    #[must_use]
    pub fn last_job(&self) -> Option<JobId> {
        self.last_job_id.as_ref()?.parse().ok()
    }
}

/// A schedule to be made.
#[derive(Debug, Clone)]
pub struct NewSchedule {
    /// For people; unique among a user's.
    pub name: String,
    /// Of its jobs.
    pub kind: String,
    /// Options of its jobs, JSON.
    pub payload: String,
    /// Of its jobs; none: as the kind says.
    pub priority: Option<i32>,
    /// Whose jobs they are.
    pub user: UserId,
    /// The linked account that its jobs are about.
    pub account: Option<AccountId>,
    /// The group or project that its jobs are about.
    pub area: Option<AreaId>,
    /// When it submits.
    pub rhythm: Rhythm,
}

/// Makes a schedule; it submits for the first time at the next time of its rhythm.
///
/// # Errors
/// A duplicate ([`StoreError::is_duplicate`]) where the name is taken.
pub fn create(conn: &mut Conn<'_>, new: &NewSchedule) -> Result<i64, StoreError> {
    let at = now();
    let values = (
        schedules::name.eq(storable(&new.name)),
        schedules::kind.eq(&new.kind),
        schedules::payload.eq(storable(&new.payload)),
        schedules::priority.eq(new.priority),
        schedules::user_id.eq(new.user.0),
        schedules::account_id.eq(new.account.map(|id| id.0)),
        schedules::area_id.eq(new.area.map(|id| id.0)),
        schedules::every_seconds.eq(new.rhythm.every_seconds()),
        schedules::cron.eq(new.rhythm.expression()),
        schedules::enabled.eq(true),
        schedules::next_run_at.eq(stored(new.rhythm.after(at))),
        schedules::created_at.eq(stored(at)),
    );
    Ok(on_backend!(conn, |c| diesel::insert_into(schedules::table)
        .values(values)
        .returning(schedules::id)
        .get_result(c))?)
}

/// All schedules of a user, or of everybody, by name.
pub fn list(conn: &mut Conn<'_>, user: Option<UserId>) -> Result<Vec<Schedule>, StoreError> {
    on_backend!(conn, |c| {
        let mut query = schedules::table.order(schedules::name).select(columns::<Schedule>()).into_boxed();
        if let Some(user) = user {
            query = query.filter(schedules::user_id.eq(user.0));
        }
        Ok(query.load(c)?)
    })
}

/// A schedule.
pub fn get(conn: &mut Conn<'_>, id: i64) -> Result<Option<Schedule>, StoreError> {
    let query = schedules::table.find(id).select(columns::<Schedule>());
    Ok(on_backend!(conn, |c| query.get_result(c).optional())?)
}

/// Schedules whose time has come. However long nobody has looked, each is listed once.
pub fn due(conn: &mut Conn<'_>) -> Result<Vec<Schedule>, StoreError> {
    let query = schedules::table
        .filter(schedules::next_run_at.le(stored(now())))
        .order(schedules::next_run_at)
        .select(columns::<Schedule>());
    Ok(on_backend!(conn, |c| query.load(c))?)
}

/// A schedule has submitted this job. The next time is the first one of its rhythm that is still to come, so that times
/// that were missed collapse into one.
pub fn has_run(conn: &mut Conn<'_>, schedule: &Schedule, job: Option<JobId>) -> Result<(), StoreError> {
    let at = now();
    let next = schedule.enabled.then(|| schedule.rhythm()).transpose()?.map(|rhythm| stored(rhythm.after(at)));
    let changes = (
        schedules::last_run_at.eq(stored(at)),
        schedules::last_job_id.eq(job.map(|id| id.to_string())),
        schedules::next_run_at.eq(next),
    );
    let row = schedules::table.find(schedule.id);
    on_backend!(conn, |c| diesel::update(row).set(changes).execute(c))?;
    Ok(())
}

/// Switches a schedule on or off.
pub fn set_enabled(conn: &mut Conn<'_>, schedule: &Schedule, enabled: bool) -> Result<(), StoreError> {
    let next = enabled.then(|| schedule.rhythm()).transpose()?.map(|rhythm| stored(rhythm.after(now())));
    let row = schedules::table.find(schedule.id);
    let changes = (schedules::enabled.eq(enabled), schedules::next_run_at.eq(next));
    on_backend!(conn, |c| diesel::update(row).set(changes).execute(c))?;
    Ok(())
}

/// Deletes a schedule. Jobs that it has submitted stay.
pub fn delete(conn: &mut Conn<'_>, id: i64) -> Result<(), StoreError> {
    on_backend!(conn, |c| diesel::delete(schedules::table.find(id)).execute(c))?;
    Ok(())
}
