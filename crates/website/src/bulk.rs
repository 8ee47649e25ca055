//! The same for many jobs. A selection is dealt with at once, a few hundred in each transaction; all that a filter finds is
//! a job of its own (see [`crate::manager::own_jobs`]).

use crate::{app::App, session::SignedIn};
use trawl_jobs::{JobId, Lease, State, kind::BulkVerb};
use trawl_store::{
    Conn, StoreError, audit,
    jobs::{self, Abort},
};

/// Jobs that share a transaction.
const CHUNK: usize = 500;

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Jobs that it was done to.
    pub done: u64,
    /// Jobs that it does not fit, such as one that has ended and cannot be stopped.
    pub skipped: u64,
}

/// Those of these states that an action fits; of none, all that it fits.
#[must_use]
pub fn states(verb: BulkVerb, of: &[State]) -> Vec<State> {
    let fits = |state: &State| match verb {
        BulkVerb::Abort => state.is_live(),
        BulkVerb::Retry => matches!(state, State::Failed | State::Aborted),
    };
    State::ALL.into_iter().filter(fits).filter(|state| of.is_empty() || of.contains(state)).collect()
}

/// What has become of jobs that it was done to.
#[must_use]
pub const fn past(verb: BulkVerb) -> &'static str {
    match verb {
        BulkVerb::Abort => "were stopped",
        BulkVerb::Retry => "were queued again",
    }
}

/// What the audit calls it.
#[must_use]
pub const fn title(verb: BulkVerb) -> &'static str {
    match verb {
        BulkVerb::Abort => "abort jobs",
        BulkVerb::Retry => "retry jobs",
    }
}

/// Does it to those of these jobs that are the user's.
///
/// # Errors
/// The database; what was done before stays done.
pub async fn run(app: &App, user: &SignedIn, verb: BulkVerb, ids: Vec<JobId>) -> Result<Tally, StoreError> {
    let mut tally = Tally::default();
    let scope = user.job_scope();
    for chunk in ids.chunks(CHUNK) {
        let chunk = chunk.to_vec();
        let written = app.db.write(move |conn| {
            let mine = jobs::states(conn, &chunk, scope)?;
            let mine = mine.iter().map(jobs::Job::id).collect::<Result<Vec<_>, _>>()?;
            apply(conn, verb, mine)
        });
        let (done, told) = written.await?;
        tally = Tally { done: tally.done + done.done, skipped: tally.skipped + done.skipped };
        for (worker, lease) in told {
            app.dispatcher.abort(worker, lease).await;
        }
    }
    let detail = format!("{} done, {} skipped", tally.done, tally.skipped);
    let who = user.user.id();
    app.db.write(move |conn| audit::record(conn, Some(who), title(verb), &detail)).await?;
    app.hub.jobs();
    app.dispatcher.wake();
    Ok(tally)
}

/// Does it to these jobs, and says which workers have to be told.
///
/// # Errors
/// The database.
pub fn apply(
    conn: &mut Conn<'_>,
    verb: BulkVerb,
    ids: Vec<JobId>,
) -> Result<(Tally, Vec<(String, Lease)>), StoreError> {
    let (mut tally, mut told) = (Tally::default(), Vec::new());
    for id in ids {
        match step(conn, verb, id)? {
            Some(Abort::Tell(worker, lease)) => told.push((worker, lease)),
            Some(Abort::Stopped) => {}
            None => {
                tally.skipped += 1;
                continue;
            }
        }
        tally.done += 1;
    }
    Ok((tally, told))
}

/// None where it does not fit this job.
fn step(conn: &mut Conn<'_>, verb: BulkVerb, id: JobId) -> Result<Option<Abort>, StoreError> {
    let stepped = match verb {
        BulkVerb::Abort => jobs::abort(conn, id),
        BulkVerb::Retry => match jobs::get(conn, id)? {
            // Asked first: an error of the database itself would end the whole transaction on PostgreSQL.
            Some(job) if jobs::live_with_key(conn, &job.dedupe_key)?.is_none() => {
                jobs::retry(conn, id).map(|()| Abort::Stopped)
            }
            _ => return Ok(None),
        },
    };
    match stepped {
        Ok(done) => Ok(Some(done)),
        Err(StoreError::Illegal(_) | StoreError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
