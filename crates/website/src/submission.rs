//! A person submits a job.

use crate::{app::App, manager::Rules, session::SignedIn};
use trawl_jobs::{AccountId, AreaId, InstanceId, JobId, JobSpec, State, Subject, UserId, kind::About};
use trawl_store::{
    Conn, StoreError, accounts, areas,
    jobs::{self, NewJob, Submitted},
};

/// What is to be done.
#[derive(Debug)]
pub struct Wish {
    /// Kind and options.
    pub spec: JobSpec,
    /// The group or project, for kinds that are about one.
    pub area: Option<AreaId>,
    /// The linked account, for kinds that are about one.
    pub account: Option<AccountId>,
    /// Higher runs first; none: as the kind says.
    pub priority: Option<i32>,
}

/// What became of it.
#[derive(Debug, Clone, Copy)]
pub struct Accepted {
    /// The job, new or not.
    pub id: JobId,
    /// Where it stands.
    pub state: State,
    /// Whether it is new; else a live one does the same.
    pub created: bool,
}

/// Why a job is not submitted.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// Something in it cannot be; the text says what, and what could.
    #[error("{0}")]
    Invalid(String),
    /// Only administrators may.
    #[error("jobs of the kind {0} are for administrators")]
    Forbidden(&'static str),
    /// The account or area is not the user's, or the database fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Submits a job, and has it started as soon as there is room.
///
/// # Errors
/// See [`Refusal`].
pub async fn submit(app: &App, user: &SignedIn, wish: Wish) -> Result<Accepted, Refusal> {
    let accepted = submit_all(app, user, vec![wish]).await?;
    Ok(accepted.into_iter().next().ok_or(StoreError::NotFound)?)
}

/// Submits jobs: all of them, or where one is refused none.
///
/// # Errors
/// See [`Refusal`].
pub async fn submit_all(app: &App, user: &SignedIn, wishes: Vec<Wish>) -> Result<Vec<Accepted>, Refusal> {
    check(app, user, &wishes).await?;
    let own = wishes.iter().any(|wish| wish.spec.runs_in_website());
    let accepted = app.intake.submit(user.user.id(), wishes).await?;
    if own {
        app.dispatcher.wake_own();
    }
    Ok(accepted)
}

/// Whether this user may submit them.
///
/// # Errors
/// See [`Refusal`].
pub async fn check(app: &App, user: &SignedIn, wishes: &[Wish]) -> Result<(), Refusal> {
    wishes.iter().try_for_each(|wish| check_one(user, wish))?;
    // A group or project never becomes the other, so that this need not be part of the write.
    let areas = wishes.iter().filter_map(|wish| match wish.spec.about() {
        About::Area(kind) => Some((wish.area?, kind, wish.spec.kind())),
        About::Account | About::Options => None,
    });
    let (who, areas): (_, Vec<_>) = (user.user.id(), areas.collect());
    if areas.is_empty() {
        return Ok(());
    }
    let misfit = app.db.read(move |conn| {
        for (id, kind, job) in areas {
            let area = areas::visible_one(conn, who, id)?.ok_or(StoreError::NotFound)?.area;
            if area.kind() != kind {
                return Ok(Some(format!(
                    "jobs of the kind {job} are about a {kind}; {} is a {}",
                    area.full_path,
                    area.kind()
                )));
            }
        }
        Ok(None)
    });
    misfit.await?.map_or(Ok(()), |why| Err(Refusal::Invalid(why)))
}

/// Whether this user may submit it, as far as can be told without looking anything up.
///
/// # Errors
/// [`Refusal::Invalid`] or [`Refusal::Forbidden`].
pub fn check_one(user: &SignedIn, wish: &Wish) -> Result<(), Refusal> {
    if let Some(problem) = wish.spec.problem() {
        return Err(Refusal::Invalid(problem));
    }
    if wish.priority.is_some_and(|priority| !(0..=100).contains(&priority)) {
        return Err(Refusal::Invalid("priority must be between 0 and 100".to_owned()));
    }
    if matches!(wish.spec, JobSpec::Drill(_)) && !user.user.is_admin {
        return Err(Refusal::Forbidden(wish.spec.kind()));
    }
    match wish.spec.about() {
        About::Account if wish.account.is_none() => Err(missing(&wish.spec, "account")),
        About::Area(_) if wish.area.is_none() => Err(missing(&wish.spec, "area")),
        About::Account | About::Area(_) | About::Options => Ok(()),
    }
}

/// Writes the job of a wish that was checked.
///
/// # Errors
/// [`StoreError::NotFound`] where the account or area is not the user's.
pub fn write(conn: &mut Conn<'_>, rules: &Rules, who: UserId, wish: &Wish) -> Result<Accepted, StoreError> {
    let new = new_job(conn, rules, who, wish)?;
    let submitted = jobs::submit(conn, &new)?;
    accepted(conn, submitted)
}

/// The job that a wish asks for.
///
/// # Errors
/// [`StoreError::NotFound`] where the account or area is not the user's.
pub fn new_job(conn: &mut Conn<'_>, rules: &Rules, who: UserId, wish: &Wish) -> Result<NewJob, StoreError> {
    let (subject, instance, account) = resolve(conn, who, wish)?;
    Ok(NewJob {
        spec: wish.spec.clone(),
        subject,
        instance,
        user: Some(who),
        account,
        parent: None,
        priority: wish.priority,
        priority_threshold: rules.priority_threshold,
        max_attempts: rules.max_attempts,
    })
}

/// What became of a job that was submitted in this transaction.
///
/// # Errors
/// The database fails.
pub fn accepted(conn: &mut Conn<'_>, Submitted { id, created }: Submitted) -> Result<Accepted, StoreError> {
    let state = if created { State::Queued } else { jobs::get(conn, id)?.ok_or(StoreError::NotFound)?.state()? };
    Ok(Accepted { id, state, created })
}

fn missing(spec: &JobSpec, field: &str) -> Refusal {
    Refusal::Invalid(format!("jobs of the kind {} need `{field}`, the id of one", spec.kind()))
}

/// What the job of a wish is about.
///
/// # Errors
/// [`StoreError::NotFound`] where the account or area is not the user's.
pub fn resolve(
    conn: &mut Conn<'_>,
    who: UserId,
    wish: &Wish,
) -> Result<(Subject, Option<InstanceId>, Option<AccountId>), StoreError> {
    Ok(match wish.spec.about() {
        About::Account => {
            let id = wish.account.ok_or(StoreError::NotFound)?;
            let account = accounts::get(conn, id)?.filter(|account| account.user() == who);
            let account = account.ok_or(StoreError::NotFound)?;
            (Subject::Account(id), Some(account.instance()), Some(id))
        }
        About::Area(_) => {
            let id = wish.area.ok_or(StoreError::NotFound)?;
            let seen = areas::visible_one(conn, who, id)?.ok_or(StoreError::NotFound)?;
            (Subject::Area(id), Some(seen.area.instance()), None)
        }
        About::Options => (Subject::User(who), None, None),
    })
}
