//! Linking a GitLab account: the token is tried before anything is stored.

use crate::{app::App, manager::plan, pages::words};
use secrecy::SecretString;
use std::time::Duration;
use trawl_gitlab::{Client, Endpoint, Error as GitLabError, Options};
use trawl_jobs::{AccountId, UserId};
use trawl_store::{
    StoreError,
    accounts::{self, NewAccount},
    audit, instances, jobs,
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

/// Tries the token, stores the account, plans its first job, and tells the crawlers.
///
/// # Errors
/// In words for the person who asked.
pub async fn link(app: &App, user: UserId, instance: &str, token: SecretString) -> Result<AccountId, LinkError> {
    use secrecy::ExposeSecret as _;
    let url = base_url(instance)?;
    let token = SecretString::from(token.expose_secret().trim());
    if token.expose_secret().is_empty() {
        return Err(LinkError::Token("Paste a personal access token.".to_owned()));
    }
    let who = who_is(&url, !instance.contains("://"), token.clone()).await?;
    let shown = url.as_str().trim_end_matches('/').to_owned();
    let (gitlab_user_id, username) = (who.person.id, who.person.username.clone());
    let at = shown.clone();
    let instance = app.db.write(move |conn| instances::ensure(conn, &at)).await?;
    let sealed = app
        .credentials
        .seal(&token, user, instance, gitlab_user_id)
        .map_err(|error| LinkError::Other(error.to_string()))?;
    let rules = app.rules;
    let linked = app
        .db
        .write(move |conn| {
            let new = NewAccount { user, instance, gitlab_user_id, username: &username, token_cipher: &sealed };
            let id = accounts::link(conn, &new)?;
            jobs::wake_for_credentials(conn, instance)?;
            let account = accounts::get(conn, id)?.ok_or(StoreError::NotFound)?;
            plan::handle_new_authorization(conn, &rules, &account)?;
            audit::record(conn, Some(user), "link account", &format!("{username} @ {shown}"))?;
            Ok(id)
        })
        .await?;
    app.credentials.publish(&app.db).await;
    app.dispatcher.wake();
    app.hub.accounts();
    app.hub.jobs();
    Ok(linked)
}

async fn who_is(url: &Url, assumed: bool, token: SecretString) -> Result<trawl_gitlab::Account, LinkError> {
    let mut options = Options { request_timeout: PATIENCE, connect_timeout: PATIENCE / 2, ..Options::default() };
    options.retry.attempts = 2;
    options.retry.max_wait = Duration::from_secs(2);
    let client = Client::new(&Endpoint { base_url: url.clone(), token }, options)
        .map_err(|error| LinkError::Instance(format!("This address cannot be used: {error}.")))?;
    client.current_user().await.map_err(|error| explain(url, assumed, &error))
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

/// Unlinks an account of this user.
///
/// # Errors
/// [`StoreError::NotFound`] where it is not theirs.
pub async fn unlink(app: &App, user: UserId, account: AccountId) -> Result<(), StoreError> {
    app.db
        .write(move |conn| {
            accounts::unlink(conn, user, account)?;
            audit::record(conn, Some(user), "unlink account", &account.to_string())
        })
        .await?;
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
