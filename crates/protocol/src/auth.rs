//! The words about credentials, spoken on a socket of their own: the website writes, crawlers read, the supervisor
//! keeps them in memory in between.

use crate::{
    Frame, FrameError, Header, Kind, ProcessId,
    codec::AUTH_FRAME_LIMIT,
    handshake::{self, ConnectError, Connection, Hello},
};
use futures_util::{SinkExt as _, StreamExt as _};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::watch;
use trawl_jobs::AccountId;

/// Pause before connecting again.
const RECONNECT: Duration = Duration::from_millis(200);

/// A token on its way. It is written out here and nowhere else.
#[derive(Debug, Clone)]
pub struct Token(SecretString);

impl Token {
    /// Wraps a secret for sending.
    #[must_use]
    pub const fn new(secret: SecretString) -> Self {
        Self(secret)
    }

    /// The secret.
    #[must_use]
    pub const fn secret(&self) -> &SecretString {
        &self.0
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        use subtle::ConstantTimeEq as _;
        self.0.expose_secret().as_bytes().ct_eq(other.0.expose_secret().as_bytes()).into()
    }
}

impl Eq for Token {}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|token| Self(token.into()))
    }
}

/// What an account's jobs need to sign in at GitLab.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Whose.
    pub account: AccountId,
    /// Base URL of the instance that it is for, and for nothing else.
    pub instance_url: String,
    /// The secret.
    pub token: Token,
}

/// What is said on the credentials socket, by the website to the supervisor and by the supervisor to crawlers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuthMessage {
    /// A complete list follows.
    Begin,
    /// One of the list.
    Put(Credential),
    /// That was the list: it replaces the one before.
    Complete,
}

/// All credentials, by account.
pub type Credentials = Arc<HashMap<AccountId, Credential>>;

/// Puts a list together from messages. One that is not complete changes nothing.
#[derive(Debug, Default)]
pub struct CredentialList {
    pending: HashMap<AccountId, Credential>,
}

impl CredentialList {
    /// Takes a message; returns the list when it is complete.
    pub fn take(&mut self, message: AuthMessage) -> Option<Credentials> {
        match message {
            AuthMessage::Begin => self.pending.clear(),
            AuthMessage::Put(credential) => {
                self.pending.insert(credential.account, credential);
            }
            AuthMessage::Complete => return Some(Arc::new(std::mem::take(&mut self.pending))),
        }
        None
    }
}

/// The variable in which a crawler finds its list where that is not handed out over the socket.
pub const CREDENTIALS_ENV: &str = "AUTH_CREDENTIALS";

/// A list as the text of a variable, the same for the same list.
#[must_use]
pub fn to_text(list: &Credentials) -> SecretString {
    let mut all: Vec<&Credential> = list.values().collect();
    all.sort_by_key(|credential| credential.account.0);
    // A list of plain words always can be written.
    serde_json::to_string(&all).unwrap_or_default().into()
}

/// The list that such a text holds, if it holds one. What it holds instead is not told: it may be a secret.
#[must_use]
pub fn from_text(text: &str) -> Option<Credentials> {
    let all: Vec<Credential> = serde_json::from_str(text).ok()?;
    Some(Arc::new(all.into_iter().map(|credential| (credential.account, credential)).collect()))
}

/// Sends a complete list.
///
/// # Errors
/// The connection broke.
pub async fn send_list(connection: &mut Connection, from: ProcessId, list: &Credentials) -> Result<(), FrameError> {
    let header = Header::plain(Kind::Auth, from, ProcessId::SUPERVISOR);
    connection.feed(Frame::of(header, &AuthMessage::Begin)?).await?;
    for credential in list.values() {
        connection.feed(Frame::of(header, &AuthMessage::Put(credential.clone()))?).await?;
    }
    connection.send(Frame::of(header, &AuthMessage::Complete)?).await
}

/// The website's end: whatever is published last reaches the supervisor, again after each reconnection.
#[derive(Debug, Clone)]
pub struct CredentialWriter(watch::Sender<Option<Credentials>>);

impl CredentialWriter {
    /// Starts a task that keeps the supervisor up to date until all writers are dropped.
    #[must_use]
    pub fn start(socket: PathBuf, hello: Hello) -> Self {
        let (sender, mut list) = watch::channel(None::<Credentials>);
        tokio::spawn(async move {
            while list.wait_for(Option::is_some).await.is_ok() {
                match handshake::connect(&socket, &hello, AUTH_FRAME_LIMIT).await {
                    Ok((mut connection, welcome)) => {
                        list.mark_changed();
                        loop {
                            tokio::select! {
                                changed = list.changed() => if changed.is_err() { return },
                                // The supervisor says nothing here; a closed connection shows up as an end.
                                _ = connection.next() => break,
                            }
                            let now = list.borrow_and_update().clone();
                            if let Some(now) = now
                                && let Err(error) = send_list(&mut connection, welcome.you, &now).await
                            {
                                tracing::warn!(%error, "cannot hand credentials to the supervisor; trying again");
                                break;
                            }
                        }
                    }
                    Err(error) => tracing::warn!(%error, "cannot hand credentials to the supervisor; trying again"),
                }
                tokio::time::sleep(RECONNECT).await;
            }
        });
        Self(sender)
    }

    /// Replaces the list. Returns whether it is another one.
    #[expect(clippy::must_use_candidate, reason = "called for what it does")]
    pub fn publish(&self, list: Credentials) -> bool {
        self.0.send_if_modified(|now| {
            let other = now.as_ref() != Some(&list);
            *now = Some(list);
            other
        })
    }
}

/// A crawler's end: the list as it is now.
#[derive(Debug, Clone)]
pub struct CredentialReader(watch::Receiver<Credentials>);

impl CredentialReader {
    /// Starts a task that follows the supervisor's list until all readers are dropped.
    #[must_use]
    pub fn start(socket: PathBuf, hello: Hello) -> Self {
        let (sender, list) = watch::channel(Credentials::default());
        tokio::spawn(async move {
            let mut complained = false;
            while !sender.is_closed() {
                match follow(&socket, &hello, &sender).await {
                    Ok(()) => complained = false,
                    // Once is enough while it is away.
                    Err(error) if complained => tracing::debug!(%error, "still no credentials from the supervisor"),
                    Err(error) => {
                        complained = true;
                        tracing::warn!(%error, "cannot read credentials from the supervisor; trying until it is back");
                    }
                }
                tokio::time::sleep(RECONNECT).await;
            }
        });
        Self(list)
    }

    /// A reader whose list never changes, as a crawler has that was given it when it was started.
    #[must_use]
    pub fn fixed(list: Credentials) -> Self {
        Self(watch::channel(list).1)
    }

    /// The list as it is now.
    #[must_use]
    pub fn current(&self) -> Credentials {
        Arc::clone(&self.0.borrow())
    }

    /// Waits until the list is another one.
    pub async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

async fn follow(
    socket: &std::path::Path,
    hello: &Hello,
    sender: &watch::Sender<Credentials>,
) -> Result<(), ConnectError> {
    let (mut connection, _) = handshake::connect(socket, hello, AUTH_FRAME_LIMIT).await?;
    let mut list = CredentialList::default();
    loop {
        tokio::select! {
            () = sender.closed() => return Ok(()),
            frame = connection.next() => {
                let Some(frame) = frame else { return Ok(()) };
                let frame = frame?;
                if frame.header.kind != Kind::Auth {
                    return Err(FrameError::Unexpected(frame.header.kind).into());
                }
                if let Some(complete) = list.take(frame.value()?) {
                    sender.send_replace(complete);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_goes_through_a_variable() {
        let credential = |account: i64| Credential {
            account: AccountId(account),
            instance_url: "https://a.example".to_owned(),
            token: Token::new(format!("glpat-{account}").into()),
        };
        let list: Credentials = Arc::new((1..4).map(|n| (AccountId(n), credential(n))).collect());
        let text = to_text(&list);
        assert_eq!(from_text(text.expose_secret()).unwrap(), list);
        assert_eq!(to_text(&list).expose_secret(), text.expose_secret());
        assert!(!format!("{text:?}").contains("glpat"), "it is written out by nobody");
        assert_eq!(from_text("glpat-1"), None);
    }
}
