//! Jobs that ended long ago are deleted, with their messages, attempts and items. A few hundred at a time, so that
//! nobody who claims or reports waits for it.

use chrono::{TimeDelta, Utc};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use trawl_settings::RetentionSettings;
use trawl_store::{Db, jobs, workers};

/// How often it is looked for.
const LOOK: Duration = Duration::from_mins(1);
/// Jobs that are deleted in one transaction.
const CHUNK: i64 = 200;
/// A crawler that has been silent for so long and holds nothing is forgotten.
const SILENT: TimeDelta = TimeDelta::hours(1);
/// Between two transactions: the writer is for others, too.
const PAUSE: Duration = Duration::from_millis(20);

/// Runs until it is told to stop.
pub async fn run(db: Db, keep: RetentionSettings, stop: CancellationToken) {
    let mut look = interval(LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! { () = stop.cancelled() => return, _ = look.tick() => {} }
        let mut deleted = 0;
        loop {
            let before = Utc::now() - TimeDelta::days(i64::from(keep.past_jobs_days));
            match db.write(move |conn| jobs::prune(conn, before, keep.past_jobs, CHUNK)).await {
                Ok(0) => break,
                Ok(some) => deleted += some,
                Err(error) => {
                    tracing::warn!(%error, "cannot delete jobs that ended long ago");
                    break;
                }
            }
            tokio::select! { () = stop.cancelled() => return, () = tokio::time::sleep(PAUSE) => {} }
        }
        let before = Utc::now() - SILENT;
        if let Err(error) = db.write(move |conn| workers::forget(conn, before)).await {
            tracing::warn!(%error, "cannot forget crawlers that are gone");
        }
        if deleted > 0 {
            tracing::info!(jobs = deleted, "{deleted} jobs that ended long ago are deleted");
        }
    }
}
