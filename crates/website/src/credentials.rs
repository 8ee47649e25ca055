//! Tokens at rest, and on their way to the supervisor, which hands them to crawlers.

use crate::seal::{Seal, SealError};
use secrecy::SecretString;
use std::{collections::HashMap, fmt, sync::Arc};
use tokio::sync::Notify;
use trawl_jobs::{InstanceId, UserId};
use trawl_protocol::{Credential, CredentialWriter, Token};
use trawl_store::{
    Db,
    accounts::{self, Account, AccountState},
};

/// What a secret belongs to. It opens nowhere else, so that rows cannot be swapped.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// The token of a user's account: whose, where, and GitLab's id of the user behind it.
    Token(UserId, InstanceId, i64),
    /// What renews that token.
    Refresh(UserId, InstanceId, i64),
    /// The secret of the application that an instance knows.
    Application(InstanceId),
    /// The proof of somebody who went to sign in, by the hash of their state.
    SignIn(&'a str),
}

impl Place<'_> {
    /// Of an account's token.
    #[must_use]
    pub const fn token(account: &Account) -> Self {
        Self::Token(account.user(), account.instance(), account.gitlab_user_id)
    }

    /// Of what renews an account's token.
    #[must_use]
    pub const fn refresh(account: &Account) -> Self {
        Self::Refresh(account.user(), account.instance(), account.gitlab_user_id)
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(user, instance, id) => write!(f, "account:{user}/{instance}/{id}"),
            Self::Refresh(user, instance, id) => write!(f, "refresh:{user}/{instance}/{id}"),
            Self::Application(instance) => write!(f, "application:{instance}"),
            Self::SignIn(state) => write!(f, "sign-in:{state}"),
        }
    }
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Credentials {
    seal: Seal,
    writer: Option<CredentialWriter>,
    changed: Arc<Notify>,
}

impl Credentials {
    /// With a way to the supervisor, if there is one.
    #[must_use]
    pub fn new(seal: Seal, writer: Option<CredentialWriter>) -> Self {
        Self { seal, writer, changed: Arc::default() }
    }

    /// Seals a secret for its place.
    ///
    /// # Errors
    /// See [`Seal::seal`].
    pub fn seal(&self, secret: &SecretString, place: Place<'_>) -> Result<Vec<u8>, SealError> {
        self.seal.seal(secret, &place.to_string())
    }

    /// Opens what was sealed for this place.
    ///
    /// # Errors
    /// See [`Seal::unseal`].
    pub fn unseal(&self, cipher: &[u8], place: Place<'_>) -> Result<SecretString, SealError> {
        self.seal.unseal(cipher, &place.to_string())
    }

    /// Says that accounts have changed, here or on another node: whoever cares for them looks at once.
    pub fn touch(&self) {
        self.changed.notify_one();
    }

    /// Waits for that.
    pub async fn touched(&self) {
        self.changed.notified().await;
    }

    /// Tells the supervisor all tokens that work. A token that cannot be decrypted is as good as refused: its account
    /// shows that it has to be linked again.
    pub async fn publish(&self, db: &Db) {
        let accounts = match db.read(|conn| accounts::list(conn, None)).await {
            Ok(accounts) => accounts,
            Err(error) => {
                tracing::error!(%error, "cannot read the linked accounts");
                return;
            }
        };
        let (mut list, mut locked) = (HashMap::new(), Vec::new());
        for account in accounts.iter().filter(|account| account.state() == AccountState::Working) {
            match self.credential(account) {
                Ok(credential) => {
                    list.insert(account.id(), credential);
                }
                Err(error) => {
                    let id = account.id();
                    tracing::error!(%error, account.id = id.0, "account {id} cannot be used; link it again");
                    locked.push(id);
                }
            }
        }
        if !locked.is_empty() {
            let refuse = move |conn: &mut trawl_store::Conn<'_>| {
                locked.iter().try_for_each(|id| accounts::set_state(conn, *id, AccountState::Refused).map(drop))
            };
            if let Err(error) = db.write(refuse).await {
                tracing::error!(%error, "cannot note that accounts cannot be used");
            }
        }
        let accounts = list.len();
        if self.writer.as_ref().is_some_and(|writer| writer.publish(Arc::new(list))) {
            tracing::info!(accounts, "handing credentials to the supervisor");
        }
    }

    fn credential(&self, account: &Account) -> Result<Credential, SealError> {
        let token = self.unseal(&account.token_cipher, Place::token(account))?;
        Ok(Credential { account: account.id(), instance_url: account.instance_url.clone(), token: Token::new(token) })
    }
}
