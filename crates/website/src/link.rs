//! Linking a GitLab account: the token is tried before anything is stored.

use crate::{app::App, credentials::Place, manager::plan, oauth, pages::words, seal::SealError};
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use std::time::Duration;
use trawl_gitlab::{Client, Endpoint, Error as GitLabError, Options};
use trawl_jobs::{AccountId, UserId};
use trawl_store::{
    StoreError,
    accounts::{self, NewAccount},
    audit, instances, jobs,
    oauth::application,
};
use url::Url;

/// Longest wait for GitLab while a person waits for us.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why an account cannot be linked, in sentences for whoever filled in the form.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The address is none.
    #[error("{0}")]
    Instance(String),
    /// GitLab does not accept the token.
    #[error("{0}")]
    Token(String),
    /// Something else.
    #[error("{0}")]
    Other(String),
}

impl From<StoreError> for LinkError {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "an account cannot be stored");
        Self::Other("The account could not be stored; the log says why. Try again.".to_owned())
    }
}

impl From<SealError> for LinkError {
    fn from(error: SealError) -> Self {
        Self::Other(format!("A secret cannot be encrypted or decrypted: {error}."))
    }
}

/// The base URL that a person meant: with a scheme, without a slash at its end, without secrets.
///
/// # Errors
/// It is none.
pub fn base_url(text: &str) -> Result<Url, LinkError> {
    let text = text.trim();
    let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let refused = |why: &str| LinkError::Instance(format!("{why} Write it like https://gitlab.example.com."));
    let mut url = Url::parse(&whole).map_err(|_| refused("This is not a web address."))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(refused("The address must begin with https:// or http://."));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("The address must not hold a name or a password."));
    }
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// A token, and what is known of it.
pub struct NewToken {
    /// What opens the account.
    pub token: SecretString,
    /// What renews it.
    pub refresh: Option<SecretString>,
    /// When it ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it is to be renewed.
    pub renew_at: Option<DateTime<Utc>>,
    /// What it may do.
    pub scopes: Option<String>,
}

/// Links an account by a token that somebody has pasted.
///
/// # Errors
/// In words for the person who asked.
pub async fn link(app: &App, user: UserId, instance: &str, token: SecretString) -> Result<AccountId, LinkError> {
    use secrecy::ExposeSecret as _;
    let token = SecretString::from(token.expose_secret().trim());
    if token.expose_secret().is_empty() {
        return Err(LinkError::Token("Paste a personal access token.".to_owned()));
    }
    let new = NewToken { token, refresh: None, expires_at: None, renew_at: None, scopes: None };
    link_token(app, user, instance, new).await
}

/// Tries the token, stores the account, plans its first job, and tells the crawlers.
///
/// # Errors
/// In words for the person who asked.
pub async fn link_token(app: &App, user: UserId, instance: &str, mut new: NewToken) -> Result<AccountId, LinkError> {
    let url = base_url(instance)?;
    let client = client(&url, new.token.clone())?;
    let assumed = !instance.contains("://");
    let who = client.current_user().await.map_err(|error| explain(&url, assumed, &error))?;
    // Where a token came by signing in, all of this is known.
    if new.scopes.is_none() {
        match client.token_facts().await {
            Ok(facts) => {
                new.expires_at = facts.expires_at;
                new.scopes = Some(facts.scopes.join(" "));
            }
            Err(error) => tracing::debug!(%error, "what the token is good for is not told"),
        }
    }
    let shown = url.as_str().trim_end_matches('/').to_owned();
    let (gitlab_user_id, username) = (who.person.id, who.person.username.clone());
    let at = shown.clone();
    let instance = app.db.write(move |conn| instances::ensure(conn, &at)).await?;
    let sealed = app.credentials.seal(&new.token, Place::Token(user, instance, gitlab_user_id))?;
    let place = Place::Refresh(user, instance, gitlab_user_id);
    let refresh = new.refresh.as_ref().map(|token| app.credentials.seal(token, place)).transpose()?;
    let rules = app.rules;
    let linked = app
        .db
        .write(move |conn| {
            let new = NewAccount {
                user,
                instance,
                gitlab_user_id,
                username: &username,
                token_cipher: &sealed,
                refresh_cipher: refresh.as_deref(),
                expires_at: new.expires_at,
                renew_at: new.renew_at,
                scopes: new.scopes.as_deref(),
            };
            let id = accounts::link(conn, &new)?;
            jobs::wake_for_credentials(conn, instance)?;
            let account = accounts::get(conn, id)?.ok_or(StoreError::NotFound)?;
            plan::handle_new_authorization(conn, &rules, &account)?;
            audit::record(conn, Some(user), "link account", &format!("{username} @ {shown}"))?;
            Ok(id)
        })
        .await?;
    app.credentials.publish(&app.db).await;
    // When it is to be renewed is news as well.
    app.credentials.touch();
    app.dispatcher.wake();
    app.hub.accounts();
    app.hub.jobs();
    Ok(linked)
}

/// How GitLab is asked while a person waits.
#[must_use]
pub fn patient() -> Options {
    let mut options = Options { request_timeout: PATIENCE, connect_timeout: PATIENCE / 2, ..Options::default() };
    options.retry.attempts = 2;
    options.retry.max_wait = Duration::from_secs(2);
    options
}

fn client(url: &Url, token: SecretString) -> Result<Client, LinkError> {
    Client::new(&Endpoint { base_url: url.clone(), token }, &patient())
        .map_err(|error| LinkError::Instance(format!("This address cannot be used: {error}.")))
}

/// What GitLab's answer means for whoever has typed the address; `assumed`: without a scheme.
fn explain(url: &Url, assumed: bool, error: &GitLabError) -> LinkError {
    // With the port: it may be what is wrong.
    let host = words::host(url.as_str());
    // The address of a project was copied, or GitLab lives below a path that was mistyped.
    let root = match url.path().trim_matches('/') {
        "" => String::new(),
        _ => format!(" Use the address of the instance without the path of a project: {}://{host}.", url.scheme()),
    };
    match error {
        GitLabError::Unauthorized => LinkError::Token(format!(
            "{host} does not accept this token. Create a new one with the scope read_api and paste it here."
        )),
        GitLabError::Forbidden => {
            LinkError::Token(format!("{host} forbids this token to be used. It needs the scope read_api."))
        }
        GitLabError::Unreachable { reason } if assumed => LinkError::Instance(format!(
            "{host} cannot be reached: {reason}. https:// was assumed; write http://{host} if the instance has no TLS."
        )),
        GitLabError::Unreachable { reason } => {
            LinkError::Instance(format!("{host} cannot be reached: {reason}. Check the address and the network."))
        }
        GitLabError::Timeout => {
            LinkError::Instance(format!("{host} does not answer. Check the address, or try again later."))
        }
        GitLabError::NotFound if root.is_empty() => {
            LinkError::Instance(format!("There is no GitLab at {host}. Check the address."))
        }
        GitLabError::NotFound => LinkError::Instance(format!("There is no GitLab at {url}.{root}")),
        GitLabError::RateLimited { .. } => {
            LinkError::Other(format!("{host} asks for patience. Try again in a few minutes."))
        }
        other => LinkError::Instance(format!("{host} does not answer as GitLab does: {other}.{root}")),
    }
}

/// Unlinks an account of this user. What a sign-in has given is given back.
///
/// # Errors
/// [`StoreError::NotFound`] where it is not theirs.
pub async fn unlink(app: &App, user: UserId, account: AccountId) -> Result<(), StoreError> {
    let (known, application) = app
        .db
        .write(move |conn| {
            let known = accounts::get(conn, account)?;
            accounts::unlink(conn, user, account)?;
            audit::record(conn, Some(user), "unlink account", &account.to_string())?;
            let application = match &known {
                Some(known) => application(conn, known.instance())?,
                None => None,
            };
            Ok((known, application))
        })
        .await?;
    if let (Some(known), Some(application)) = (known, application)
        && let Some(refresh) = &known.refresh_cipher
        && let Ok(refresh) = app.credentials.unseal(refresh, Place::refresh(&known))
        && let Ok(application) = oauth::opened(app, &application)
        // It ends by itself where nobody can be told now.
        && let Err(error) = application.revoke(&refresh, &patient()).await
    {
        tracing::info!(%error, account.id = account.0, "the instance was not told that account {account} is unlinked");
    }
    app.credentials.publish(&app.db).await;
    app.hub.accounts();
    app.hub.areas();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_made_one() {
        let text = |typed| base_url(typed).map(|url| url.to_string().trim_end_matches('/').to_owned());
        assert_eq!(text(" gitlab.example.com ").unwrap(), "https://gitlab.example.com");
        assert_eq!(text("http://127.0.0.1:8929/gitlab/?x=1#y").unwrap(), "http://127.0.0.1:8929/gitlab");
        for bad in ["", "ftp://x", "https://user:pw@x.example", "javascript:alert(1)"] {
            assert!(text(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_wrong_address_is_explained() {
        let told = |address: &str, error: GitLabError| {
            explain(&base_url(address).unwrap(), !address.contains("://"), &error).to_string()
        };
        let broken = || GitLabError::Unreachable { reason: "received corrupt message".to_owned() };
        let sentence = told("127.0.0.1:8929", broken());
        assert!(sentence.contains("https:// was assumed") && sentence.contains("http://127.0.0.1:8929 "), "{sentence}");
        let sentence = told("https://127.0.0.1:8929", broken());
        assert!(sentence.starts_with("127.0.0.1:8929 ") && !sentence.contains("assumed"), "{sentence}");
        let sentence = told("http://127.0.0.1:8929/platform/infra", GitLabError::NotFound);
        assert!(sentence.ends_with("without the path of a project: http://127.0.0.1:8929."), "{sentence}");
        assert!(!told("http://127.0.0.1:8929", GitLabError::NotFound).contains("path"));
    }
}
