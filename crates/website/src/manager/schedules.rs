//! Schedules whose time has come submit their jobs, by the same rules as a person who submits one.

use super::Rules;
use crate::submission;
use trawl_jobs::JobSpec;
use trawl_store::{
    Conn, Db, StoreError,
    schedules::{self, Schedule},
};

/// Submits what is due; returns how many jobs are new. One that cannot be submitted keeps no other from it.
pub async fn run(db: &Db, rules: &Rules) -> Result<usize, StoreError> {
    let mut made = 0;
    for due in db.read(schedules::due).await? {
        let rules = *rules;
        let (id, name) = (due.id, due.name.clone());
        // Looked up again: another node may have been first.
        let submitted = db.write(move |conn| match schedules::get(conn, id)?.filter(Schedule::is_due) {
            Some(schedule) => submit(conn, &rules, &schedule),
            None => Ok(false),
        });
        match submitted.await {
            Ok(new) => made += usize::from(new),
            Err(error) => {
                tracing::error!(%error, schedule.id = id, "schedule {name:?} cannot submit its job; it waits for its next time");
                db.write(move |conn| schedules::has_run(conn, &due, None)).await?;
            }
        }
    }
    Ok(made)
}

/// Submits the job of a schedule now, unless a live one does the same. Returns whether there is a new one.
pub fn submit(conn: &mut Conn<'_>, rules: &Rules, schedule: &Schedule) -> Result<bool, StoreError> {
    let submitted = match JobSpec::parse(&schedule.kind, &schedule.payload) {
        Ok(spec) => {
            let wish = submission::Wish {
                spec,
                area: schedule.area(),
                account: schedule.account(),
                priority: schedule.priority,
            };
            submission::write(conn, rules, schedule.user(), &wish)
        }
        // A kind that this build does not know any more.
        Err(_) => Err(StoreError::NotFound),
    };
    let submitted = match submitted {
        Ok(accepted) => Some(accepted),
        // The account or area is gone, or out of the user's sight: the schedule stays, and shows that nothing came of it.
        Err(StoreError::NotFound) => None,
        Err(error) => return Err(error),
    };
    schedules::has_run(conn, schedule, submitted.map(|accepted| accepted.id))?;
    Ok(submitted.is_some_and(|accepted| accepted.created))
}
