//! Linking an account by signing in at its instance: there and back.

use crate::{
    app::App,
    credentials::Place,
    link::{self, LinkError, NewToken},
    token,
};
use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use std::time::Duration;
use trawl_gitlab::oauth::{Application, Grant, OauthError};
use trawl_jobs::{AccountId, InstanceId, UserId};
use trawl_store::{StoreError, audit, instances, now, oauth};
use url::Url;

/// Where GitLab sends people back to, below our own address.
pub const CALLBACK: &str = "/auth/gitlab/callback";
/// How long somebody may take at GitLab. Minutes.
const ABSENCE: TimeDelta = TimeDelta::minutes(15);
/// A token is renewed so long before its end, or at half of its time where it has less.
const AHEAD: Duration = Duration::from_mins(10);

/// The address that has to be registered with the application.
#[must_use]
pub fn redirect_uri(app: &App) -> String {
    format!("{}{CALLBACK}", app.settings.server.url())
}

/// The application as the client needs it.
///
/// # Errors
/// Its secret cannot be decrypted, or an address is none.
pub fn opened(app: &App, known: &oauth::Application) -> Result<Application, LinkError> {
    let other = |error: &dyn std::fmt::Display| LinkError::Other(format!("The application cannot be used: {error}."));
    let place = Place::Application(known.instance());
    let secret = known.secret_cipher.as_ref().map(|cipher| app.credentials.unseal(cipher, place));
    Ok(Application {
        base_url: Url::parse(&known.instance_url).map_err(|error| other(&error))?,
        client_id: known.client_id.clone(),
        client_secret: secret.transpose()?,
        redirect_uri: Url::parse(&redirect_uri(app)).map_err(|error| other(&error))?,
    })
}

/// Sends a user to an instance; returns where. `None`: the instance has no application.
///
/// # Errors
/// In words for the person who asked.
pub async fn depart(app: &App, user: UserId, instance: InstanceId) -> Result<Option<Url>, LinkError> {
    let Some(known) = app.db.read(move |conn| oauth::application(conn, instance)).await? else { return Ok(None) };
    let departure = opened(app, &known)?.depart();
    let state = token::hash(&departure.state);
    let verifier = app.credentials.seal(&departure.verifier, Place::SignIn(&state))?;
    app.db.write(move |conn| oauth::begin(conn, &state, user, instance, &verifier, now() + ABSENCE)).await?;
    Ok(Some(departure.url))
}

/// Takes back a user who brings a code, and links the account.
///
/// # Errors
/// In words for the person who came.
pub async fn come_back(app: &App, user: UserId, state: &str, code: &str) -> Result<AccountId, LinkError> {
    let hash = token::hash(state);
    let asked = hash.clone();
    let found = app
        .db
        .write(move |conn| {
            let sign_in = oauth::come_back(conn, &asked, user)?;
            Ok(match sign_in {
                Some(sign_in) => oauth::application(conn, sign_in.instance())?.map(|known| (sign_in, known)),
                None => None,
            })
        })
        .await?;
    let Some((sign_in, known)) = found else {
        return Err(LinkError::Other(
            "This sign-in was not begun in this browser, or too long ago. Begin it again on the page Accounts."
                .to_owned(),
        ));
    };
    let verifier = app.credentials.unseal(&sign_in.verifier_cipher, Place::SignIn(&hash))?;
    let grant = opened(app, &known)?.exchange(code, &verifier, &link::patient()).await;
    let grant = grant.map_err(|error| explain(&known.instance_url, &error))?;
    link::link_token(app, user, &known.instance_url, new_token(grant)).await
}

/// What was granted, as it is to be stored.
#[must_use]
pub fn new_token(grant: Grant) -> NewToken {
    let (expires_at, renew_at) = times(now(), grant.expires_in);
    let scopes = if grant.scopes.is_empty() { trawl_gitlab::oauth::SCOPE.to_owned() } else { grant.scopes.join(" ") };
    NewToken { token: grant.access, refresh: grant.refresh, expires_at, renew_at, scopes: Some(scopes) }
}

/// When a token ends, and when it is to be renewed.
fn times(at: DateTime<Utc>, lifetime: Option<Duration>) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
    let later = |time: Duration| at.checked_add_signed(TimeDelta::from_std(time).ok()?);
    let renew = |whole: Duration| whole.saturating_sub(AHEAD).max(whole / 2);
    (lifetime.and_then(later), lifetime.map(renew).and_then(later))
}

/// Makes an instance's application known.
///
/// # Errors
/// In words for the administrator.
pub async fn register(
    app: &App,
    by: UserId,
    instance: &str,
    client_id: &str,
    secret: Option<SecretString>,
) -> Result<(), LinkError> {
    let url = link::base_url(instance)?;
    let client_id = client_id.trim().to_owned();
    if client_id.is_empty() || client_id.len() > 200 || client_id.contains(char::is_whitespace) {
        return Err(LinkError::Other("Paste the application ID that GitLab shows.".to_owned()));
    }
    let shown = url.as_str().trim_end_matches('/').to_owned();
    let at = shown.clone();
    let instance = app.db.write(move |conn| instances::ensure(conn, &at)).await?;
    let secret = secret.map(|secret| app.credentials.seal(&secret, Place::Application(instance)));
    let secret = secret.transpose()?;
    app.db
        .write(move |conn| {
            oauth::set_application(conn, instance, &client_id, secret.as_deref())?;
            audit::record(conn, Some(by), "set application", &shown)
        })
        .await?;
    app.hub.accounts();
    Ok(())
}

/// Forgets an instance's application.
///
/// # Errors
/// [`StoreError::NotFound`] where there is none.
pub async fn remove(app: &App, by: UserId, instance: InstanceId) -> Result<(), StoreError> {
    app.db
        .write(move |conn| {
            oauth::remove_application(conn, instance)?;
            audit::record(conn, Some(by), "remove application", &instance.to_string())
        })
        .await?;
    app.hub.accounts();
    Ok(())
}

/// What the instance's refusal means for whoever wants to sign in.
fn explain(instance_url: &str, error: &OauthError) -> LinkError {
    LinkError::Other(match error {
        OauthError::Denied => {
            format!("{instance_url} does not accept this sign-in any more. Begin it again on the page Accounts.")
        }
        OauthError::Application(why) => format!(
            "{instance_url} does not accept Trawl as an application ({why}). An administrator of Trawl has to compare \
             its application ID, its secret and its redirect address on the page Admin with those in GitLab."
        ),
        OauthError::Instance(error) => format!("The sign-in at {instance_url} failed: failed to {error}. Try again."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_renewed_before_its_end() {
        let minutes = |lifetime: u64| {
            let (end, renew) = times(now(), Some(Duration::from_mins(lifetime)));
            (end.unwrap() - renew.unwrap()).num_minutes()
        };
        assert_eq!((minutes(120), minutes(12)), (10, 6));
        assert_eq!(times(now(), None), (None, None));
        assert_eq!(times(now(), Some(Duration::MAX)), (None, None), "never");
    }
}
