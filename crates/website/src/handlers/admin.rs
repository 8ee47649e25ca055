//! Processes, pauses and storage, for administrators.

use crate::{
    answer::{PageError, page, see_other, told},
    app::App,
    pages::{Admin, DatabaseFacts, PauseRow, words},
    pausing::{self, PauseError},
    session::{PageUser, SignedIn},
    subject,
};
use actix_web::{
    HttpResponse,
    web::{Data, Form},
};
use serde::Deserialize;
use trawl_store::{
    accounts, facts,
    pauses::{self, Pause, Scope},
};

/// `GET /admin`.
///
/// # Errors
/// The user is no administrator.
pub async fn show(app: Data<App>, user: PageUser) -> Result<HttpResponse, PageError> {
    if !user.0.user.is_admin {
        return Err(PageError::Forbidden);
    }
    let (version, size_bytes) = app.db.read(facts::engine).await?;
    let (pauses, accounts) = app.db.read(|conn| Ok((pauses::list(conn)?, accounts::list(conn, None)?))).await?;
    let accounts: Vec<(i64, String)> =
        accounts.iter().map(|account| (account.id().0, subject::label(account))).collect();
    let name = |scope: &Scope| match scope {
        Scope::Kind(kind) => format!("every {} job", words::kind(kind)),
        Scope::Lane(lane) => format!("the {} lane", lane.as_str()),
        Scope::Account(id) => accounts
            .iter()
            .find(|(known, _)| known == id)
            .map_or_else(|| format!("account {id}"), |(_, name)| name.clone()),
    };
    let row = |pause: Pause| PauseRow {
        what: name(&pause.scope),
        scope: pause.scope.scope(),
        subject: pause.scope.subject(),
        reason: pause.reason,
        by: pause.by,
        since: pause.since,
    };
    let pauses = pauses.into_iter().map(row).collect();
    let database =
        DatabaseFacts { backend: app.db.backend().as_str().to_owned(), version, size_bytes: Some(size_bytes) };
    page(&Admin { frame: user.0.frame(&app), processes: app.processes.list(), pauses, accounts, database })
}

/// What is to be paused, and why.
#[derive(Debug, Deserialize)]
pub struct PauseForm {
    csrf: String,
    /// Scope and subject, such as `kind issues`.
    what: String,
    #[serde(default)]
    reason: String,
}

impl PauseForm {
    fn scope(&self, user: &SignedIn) -> Result<Scope, PageError> {
        user.check_csrf(&self.csrf)?;
        if !user.user.is_admin {
            return Err(PageError::Forbidden);
        }
        let (scope, subject) = self.what.split_once(' ').unwrap_or_default();
        pausing::scope(scope, subject).map_err(refused)
    }
}

fn refused(error: PauseError) -> PageError {
    match error {
        PauseError::Invalid(why) => told(422, format!("Nothing was paused: {why}. Go back and try again.")),
        PauseError::Store(error) => error.into(),
    }
}

/// `POST /admin/pause`.
///
/// # Errors
/// The user is no administrator, or it means nothing.
pub async fn pause(app: Data<App>, user: PageUser, form: Form<PauseForm>) -> Result<HttpResponse, PageError> {
    let scope = form.scope(&user.0)?;
    pausing::pause(&app, &user.0, scope, &form.reason).await.map_err(refused)?;
    Ok(see_other("/admin#pauses"))
}

/// `POST /admin/go-on`.
///
/// # Errors
/// The user is no administrator, or there is no such pause.
pub async fn go_on(app: Data<App>, user: PageUser, form: Form<PauseForm>) -> Result<HttpResponse, PageError> {
    let scope = form.scope(&user.0)?;
    pausing::go_on(&app, &user.0, scope).await?;
    Ok(see_other("/admin#pauses"))
}
