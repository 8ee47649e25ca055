//! The same for many jobs: as many as a filter finds, a few hundred in each transaction, so that nobody waits long for
//! the writer.

use crate::{app::App, session::SignedIn};
use trawl_jobs::{JobId, State};
use trawl_store::{
    Conn, StoreError, audit,
    jobs::{self, Abort, JobFilter},
};

/// Jobs that share a transaction.
const CHUNK: i64 = 500;

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Stop those that have not ended.
    Abort,
    /// Run those again that have failed or were aborted.
    Retry,
}

impl Action {
    /// Those of these states that it fits; of none, all that it fits.
    fn states(self, of: &[State]) -> Vec<State> {
        let fits = |state: &State| match self {
            Self::Abort => state.is_live(),
            Self::Retry => matches!(state, State::Failed | State::Aborted),
        };
        State::ALL.into_iter().filter(fits).filter(|state| of.is_empty() || of.contains(state)).collect()
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Abort => "abort jobs",
            Self::Retry => "retry jobs",
        }
    }
}

/// Which jobs.
#[derive(Debug, Clone)]
pub enum Selection {
    /// These, of those that are the user's.
    Ids(Vec<JobId>),
    /// All that this finds. The user of the filter is the caller's affair.
    Matching(JobFilter),
}

/// What was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Jobs that it was done to.
    pub done: u64,
    /// Jobs that it does not fit, such as one that has ended and cannot be stopped.
    pub skipped: u64,
}

/// Does it.
///
/// # Errors
/// The database; what was done before stays done.
pub async fn run(app: &App, user: &SignedIn, action: Action, selection: Selection) -> Result<Tally, StoreError> {
    let mut tally = Tally::default();
    match selection {
        Selection::Ids(ids) => {
            let scope = user.job_scope();
            for chunk in ids.chunks(usize::try_from(CHUNK).unwrap_or(usize::MAX)) {
                let chunk = chunk.to_vec();
                let mine = app
                    .db
                    .read(move |conn| {
                        let mine = jobs::states(conn, &chunk, scope)?;
                        mine.iter().map(jobs::Job::id).collect::<Result<Vec<_>, _>>()
                    })
                    .await?;
                tally = tally.with(apply(app, action, mine).await?);
            }
        }
        Selection::Matching(mut filter) => loop {
            // The others are none of its business.
            filter.states = action.states(&filter.states);
            if filter.states.is_empty() {
                break;
            }
            let wanted = filter.clone();
            let (ids, searched_to) = app
                .db
                .read(move |conn| {
                    let page = jobs::list(conn, &wanted, CHUNK)?;
                    let ids = page.lines.iter().map(|(job, _)| job.id()).collect::<Result<Vec<_>, _>>()?;
                    Ok((ids, page.searched_to))
                })
                .await?;
            // Whatever is changed, the next page is further back, so this ends.
            let full = i64::try_from(ids.len()).is_ok_and(|found| found >= CHUNK);
            let next = ids.last().copied().filter(|_| full).or(searched_to);
            tally = tally.with(apply(app, action, ids).await?);
            let Some(next) = next else { break };
            filter.before = Some(next);
        },
    }
    let detail = format!("{} done, {} skipped", tally.done, tally.skipped);
    let who = user.user.id();
    app.db.write(move |conn| audit::record(conn, Some(who), action.as_str(), &detail)).await?;
    app.hub.jobs();
    app.dispatcher.wake();
    Ok(tally)
}

impl Tally {
    const fn with(self, other: Self) -> Self {
        Self { done: self.done + other.done, skipped: self.skipped + other.skipped }
    }
}

async fn apply(app: &App, action: Action, ids: Vec<JobId>) -> Result<Tally, StoreError> {
    let (tally, told) = app
        .db
        .write(move |conn| {
            let (mut tally, mut told) = (Tally::default(), Vec::new());
            for id in ids {
                match step(conn, action, id)? {
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
        })
        .await?;
    for (worker, lease) in told {
        app.dispatcher.abort(worker, lease).await;
    }
    Ok(tally)
}

/// None where it does not fit this job.
fn step(conn: &mut Conn<'_>, action: Action, id: JobId) -> Result<Option<Abort>, StoreError> {
    let stepped = match action {
        Action::Abort => jobs::abort(conn, id),
        Action::Retry => match jobs::get(conn, id)? {
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
