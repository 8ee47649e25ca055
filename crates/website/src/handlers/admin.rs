//! Processes, pauses and storage, for administrators.

use crate::{
    answer::{PageError, page, see_other, told},
    app::App,
    handlers::sign_in::Csrf,
    listening::{self, Told},
    oauth,
    pages::{Admin, ApplicationRow, DatabaseFacts, NewSecret, PauseRow, WebhookRow, words},
    pausing::{self, PauseError},
    session::{PageUser, SignedIn},
    subject,
};
use actix_web::{
    HttpResponse,
    web::{Data, Form, Path},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use trawl_jobs::InstanceId;
use trawl_store::{
    accounts, facts, instances,
    oauth::{Application, applications},
    pauses::{self, Pause, Scope},
    webhooks::{self, Webhook},
};

/// `GET /admin`.
///
/// # Errors
/// The user is no administrator.
pub async fn show(app: Data<App>, user: PageUser) -> Result<HttpResponse, PageError> {
    if !user.0.user.is_admin {
        return Err(PageError::Forbidden);
    }
    answer(&app, &user.0, None).await
}

async fn answer(app: &App, user: &SignedIn, new_secret: Option<NewSecret>) -> Result<HttpResponse, PageError> {
    let (version, size_bytes) = app.db.read(facts::engine).await?;
    let (pauses, accounts) = app.db.read(|conn| Ok((pauses::list(conn)?, accounts::list(conn, None)?))).await?;
    let (known, hooks, instances) =
        app.db.read(|conn| Ok((applications(conn)?, webhooks::list(conn)?, instances::list(conn)?))).await?;
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
    page(&Admin {
        frame: user.frame(app),
        processes: app.processes.list(),
        pauses,
        accounts,
        redirect_uri: oauth::redirect_uri(app),
        applications: known.into_iter().map(application_row).collect(),
        webhooks: hooks.into_iter().map(|hook| webhook_row(app, hook)).collect(),
        instances: instances.into_iter().map(|(_, url)| url).collect(),
        new_secret,
        database,
    })
}

fn application_row(known: Application) -> ApplicationRow {
    ApplicationRow {
        instance: known.instance().0,
        confidential: known.secret_cipher.is_some(),
        since: known.created_at(),
        instance_url: known.instance_url,
        client_id: known.client_id,
    }
}

fn webhook_row(app: &App, hook: Webhook) -> WebhookRow {
    WebhookRow {
        instance: hook.instance().0,
        url: listening::url(app, hook.instance()),
        last_event: hook.last_event_at(),
        instance_url: hook.instance_url,
    }
}

/// Which instance.
#[derive(Debug, Deserialize)]
pub struct WebhookForm {
    csrf: String,
    instance_url: String,
}

/// `POST /admin/webhooks`: makes a secret and shows it, once.
///
/// # Errors
/// The user is no administrator.
pub async fn set_webhook(app: Data<App>, user: PageUser, form: Form<WebhookForm>) -> Result<HttpResponse, PageError> {
    let user = admin(user, &form.csrf)?;
    let begun = listening::begin(&app, user.user.id(), &form.instance_url).await;
    let Told { url, secret, .. } = begun.map_err(|error| told(422, error.to_string()))?;
    answer(&app, &user, Some(NewSecret { url, secret })).await
}

/// `POST /admin/webhooks/{instance}/remove`.
///
/// # Errors
/// The user is no administrator, or nobody listens to it.
pub async fn remove_webhook(
    app: Data<App>,
    user: PageUser,
    instance: Path<i64>,
    form: Form<Csrf>,
) -> Result<HttpResponse, PageError> {
    let user = admin(user, &form.csrf)?;
    listening::end(&app, user.user.id(), InstanceId(instance.into_inner())).await?;
    Ok(see_other("/admin#webhooks"))
}

/// An application as GitLab shows it.
#[derive(Debug, Deserialize)]
pub struct ApplicationForm {
    csrf: String,
    instance_url: String,
    client_id: String,
    client_secret: SecretString,
}

/// `POST /admin/applications`.
///
/// # Errors
/// The user is no administrator, or it is none.
pub async fn set_application(
    app: Data<App>,
    user: PageUser,
    form: Form<ApplicationForm>,
) -> Result<HttpResponse, PageError> {
    let (user, form) = (admin(user, &form.csrf)?, form.into_inner());
    let secret = Some(form.client_secret).filter(|secret| !secret.expose_secret().trim().is_empty());
    let set = oauth::register(&app, user.user.id(), &form.instance_url, &form.client_id, secret).await;
    set.map_err(|error| told(422, format!("Nothing was saved. {error} Go back and try again.")))?;
    Ok(see_other("/admin#applications"))
}

/// `POST /admin/applications/{instance}/remove`.
///
/// # Errors
/// The user is no administrator, or there is none.
pub async fn remove_application(
    app: Data<App>,
    user: PageUser,
    instance: Path<i64>,
    form: Form<Csrf>,
) -> Result<HttpResponse, PageError> {
    let user = admin(user, &form.csrf)?;
    oauth::remove(&app, user.user.id(), InstanceId(instance.into_inner())).await?;
    Ok(see_other("/admin#applications"))
}

fn admin(user: PageUser, csrf: &str) -> Result<SignedIn, PageError> {
    user.0.check_csrf(csrf)?;
    if user.0.user.is_admin { Ok(user.0) } else { Err(PageError::Forbidden) }
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
    fn scope(&self) -> Result<Scope, PageError> {
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
    let user = admin(user, &form.csrf)?;
    let scope = form.scope()?;
    pausing::pause(&app, &user, scope, &form.reason).await.map_err(refused)?;
    Ok(see_other("/admin#pauses"))
}

/// `POST /admin/go-on`.
///
/// # Errors
/// The user is no administrator, or there is no such pause.
pub async fn go_on(app: Data<App>, user: PageUser, form: Form<PauseForm>) -> Result<HttpResponse, PageError> {
    let user = admin(user, &form.csrf)?;
    let scope = form.scope()?;
    pausing::go_on(&app, &user, scope).await?;
    Ok(see_other("/admin#pauses"))
}
