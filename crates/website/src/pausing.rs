//! An administrator pauses a kind, a lane or an account, and lets it go on.

use crate::{app::App, session::SignedIn};
use trawl_jobs::JobSpec;
use trawl_store::{
    StoreError, accounts, audit,
    pauses::{self, Scope},
};

/// Why nothing was paused.
#[derive(Debug, thiserror::Error)]
pub enum PauseError {
    /// It means nothing; the text says what would.
    #[error("{0}")]
    Invalid(String),
    /// There is no such account, or the database fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads what is to be paused.
///
/// # Errors
/// [`PauseError::Invalid`].
pub fn scope(scope: &str, subject: &str) -> Result<Scope, PauseError> {
    let scope = Scope::parse(scope, subject).map_err(PauseError::Invalid)?;
    match &scope {
        Scope::Kind(kind) if !JobSpec::KINDS.contains(&kind.as_str()) => {
            Err(PauseError::Invalid(format!("there is no kind {kind:?}; use one of: {}", JobSpec::KINDS.join(", "))))
        }
        _ => Ok(scope),
    }
}

/// Pauses: what runs goes on, what is queued waits.
///
/// # Errors
/// See [`PauseError`].
pub async fn pause(app: &App, user: &SignedIn, scope: Scope, reason: &str) -> Result<(), PauseError> {
    let reason = reason.trim().to_owned();
    if reason.is_empty() {
        return Err(PauseError::Invalid("say why, for whoever wonders what has stopped".to_owned()));
    }
    let who = user.user.id();
    let paused = scope.clone();
    app.db
        .write(move |conn| {
            if let Scope::Account(id) = scope {
                accounts::get(conn, trawl_jobs::AccountId(id))?.ok_or(StoreError::NotFound)?;
            }
            pauses::begin(conn, &scope, &reason, who)?;
            audit::record(conn, Some(who), "pause", &format!("{} {}: {reason}", scope.scope(), scope.subject()))
        })
        .await?;
    loop {
        let scope = paused.clone();
        if app.db.write(move |conn| pauses::park(conn, &scope)).await? == 0 {
            break;
        }
    }
    app.hub.jobs();
    Ok(())
}

/// Ends a pause and wakes what has waited for that.
///
/// # Errors
/// [`StoreError::NotFound`] where there is none.
pub async fn go_on(app: &App, user: &SignedIn, scope: Scope) -> Result<(), StoreError> {
    let who = user.user.id();
    app.db
        .write(move |conn| {
            pauses::end(conn, &scope)?;
            audit::record(conn, Some(who), "end pause", &format!("{} {}", scope.scope(), scope.subject()))
        })
        .await?;
    while app.db.write(pauses::wake).await? > 0 {}
    app.dispatcher.wake();
    app.hub.jobs();
    Ok(())
}
