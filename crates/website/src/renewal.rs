//! Care for the linked accounts: tokens that were given for a sign-in are renewed before they end, or when GitLab does
//! not accept them any more, and what has changed on other nodes is told to our supervisor.
//!
//! One refresh ends both old tokens, so each is made by one node, once (`store::renewals`), and stored before anybody uses
//! what it gave. Where a process dies between GitLab's answer and the commit, the account has to sign in again, and says so.

use crate::{app::App, credentials::Place, link, oauth};
use chrono::Utc;
use futures_util::{StreamExt as _, stream};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use trawl_gitlab::oauth::{Grant, OauthError};
use trawl_store::{
    StoreError,
    accounts::Account,
    jobs, now,
    oauth::application,
    renewals::{self, Renewed},
};

/// Renewals at a time.
const AT_ONCE: usize = 8;
/// Longest pause between two looks.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Pause after a look that failed, and between tries to store what GitLab has given.
const PAUSE: Duration = Duration::from_secs(1);

/// Cares until it is told to stop; what is under way is brought to its end.
pub async fn run(app: App, stop: CancellationToken) {
    loop {
        app.credentials.publish(&app.db).await;
        let pause = match round(&app).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(%error, "cannot look for tokens that end");
                PAUSE
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = app.credentials.touched() => {}
            () = sleep(pause) => {}
        }
    }
}

/// Renews what is due. Returns how long nothing is.
async fn round(app: &App) -> Result<Duration, StoreError> {
    let next = || app.db.read(renewals::next_due);
    if next().await?.is_some_and(|due| due <= now()) {
        let due = app.db.write(renewals::take_due).await?;
        let renewals = due.into_iter().map(|account| renew(app.clone(), account));
        stream::iter(renewals).buffer_unordered(AT_ONCE).collect::<()>().await;
    }
    let pause = next().await?.map_or(LONGEST_PAUSE, |due| (due - now()).to_std().unwrap_or_default());
    Ok(pause.clamp(Duration::from_millis(10), LONGEST_PAUSE))
}

async fn renew(app: App, account: Account) {
    let app = &app;
    let id = account.id();
    match grant(app, &account).await {
        Ok(grant) => {
            tracing::info!(account.id = id.0, "the token of account {id} is renewed");
            let kept = timeout(renewals::TURN.to_std().unwrap_or_default(), keep(app, &account, grant)).await;
            if kept.is_err() {
                tracing::error!(
                    account.id = id.0,
                    "the renewed token of account {id} could not be stored; sign in again"
                );
            }
        }
        Err(Trouble::ForGood(why)) => {
            tracing::warn!(
                account.id = id.0,
                why,
                "the token of account {id} cannot be renewed; somebody has to sign in again"
            );
            let gone = app.db.write(move |conn| renewals::give_up(conn, &account)).await;
            if let Err(error) = gone {
                tracing::error!(%error, account.id = id.0, "cannot note that account {id} has to sign in again");
            }
        }
        Err(Trouble::ForNow(why)) => {
            tracing::warn!(
                account.id = id.0,
                why,
                "the token of account {id} is not renewed yet; trying again in a minute"
            );
        }
    }
    app.credentials.publish(&app.db).await;
    app.hub.accounts();
    app.hub.jobs();
    app.dispatcher.wake();
}

enum Trouble {
    /// Nothing renews this any more.
    ForGood(String),
    /// It may go better later.
    ForNow(String),
}

async fn grant(app: &App, account: &Account) -> Result<Grant, Trouble> {
    let Some(cipher) = &account.refresh_cipher else {
        return Err(Trouble::ForGood("there is nothing to renew it with".to_owned()));
    };
    let instance = account.instance();
    let known = app.db.read(move |conn| application(conn, instance)).await;
    let known = known.map_err(|error| Trouble::ForNow(error.to_string()))?;
    let Some(known) = known else {
        let why = "its instance has no application any more".to_owned();
        let over = account.expires_at().is_some_and(|end| end <= Utc::now());
        return Err(if over { Trouble::ForGood(why) } else { Trouble::ForNow(why) });
    };
    let refresh = app.credentials.unseal(cipher, Place::refresh(account));
    let refresh = refresh.map_err(|error| Trouble::ForGood(error.to_string()))?;
    let application = oauth::opened(app, &known).map_err(|error| Trouble::ForNow(error.to_string()))?;
    application.renew(&refresh, &link::patient()).await.map_err(|error| match error {
        OauthError::Denied => Trouble::ForGood(error.to_string()),
        OauthError::Application(_) | OauthError::Instance(_) => Trouble::ForNow(error.to_string()),
    })
}

/// Stores what GitLab has given. Nothing else opens the account any more, so this is tried until it is done.
async fn keep(app: &App, account: &Account, grant: Grant) {
    let id = account.id();
    let new = oauth::new_token(grant);
    let sealed = (|| {
        let token = app.credentials.seal(&new.token, Place::token(account))?;
        let refresh = new.refresh.as_ref().map(|refresh| app.credentials.seal(refresh, Place::refresh(account)));
        Ok::<_, crate::seal::SealError>((token, refresh.transpose()?))
    })();
    let (token, refresh) = match sealed {
        Ok(sealed) => sealed,
        Err(error) => {
            tracing::error!(%error, account.id = id.0, "the renewed token of account {id} cannot be encrypted");
            return;
        }
    };
    loop {
        let (account, token, refresh) = (account.clone(), token.clone(), refresh.clone());
        let (expires_at, renew_at) = (new.expires_at, new.renew_at);
        let stored = app.db.write(move |conn| {
            let renewed = Renewed { token_cipher: &token, refresh_cipher: refresh.as_deref(), expires_at, renew_at };
            if renewals::store(conn, &account, &renewed)? {
                jobs::wake_for_credentials(conn, account.instance())?;
            }
            Ok(())
        });
        match stored.await {
            Ok(()) => return,
            Err(error) => {
                tracing::error!(%error, account.id = id.0, "the renewed token of account {id} is not stored yet; trying again");
                sleep(PAUSE).await;
            }
        }
    }
}
