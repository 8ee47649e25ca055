//! Tokens on their way to the supervisor, which hands them to crawlers.

use crate::seal::{Seal, SealError};
use secrecy::SecretString;
use std::{collections::HashMap, sync::Arc};
use trawl_jobs::{InstanceId, UserId};
use trawl_protocol::{Credential, CredentialWriter, Token};
use trawl_store::{
    Db,
    accounts::{self, Account, AccountState},
};

/// Cheap to clone.
#[derive(Clone)]
pub struct Credentials {
    seal: Seal,
    writer: Option<CredentialWriter>,
}

impl Credentials {
    /// With a way to the supervisor, if there is one.
    #[must_use]
    pub const fn new(seal: Seal, writer: Option<CredentialWriter>) -> Self {
        Self { seal, writer }
    }

    /// Seals a token for an account.
    ///
    /// # Errors
    /// See [`Seal::seal`].
    pub fn seal(
        &self,
        token: &SecretString,
        user: UserId,
        instance: InstanceId,
        gitlab_user_id: i64,
    ) -> Result<Vec<u8>, SealError> {
        self.seal.seal(token, &place(user, instance, gitlab_user_id))
    }

    /// Tells the supervisor all tokens that work.
    pub async fn publish(&self, db: &Db) {
        let Some(writer) = &self.writer else { return };
        match db.read(|conn| accounts::list(conn, None)).await {
            Ok(all) => {
                let working = all.iter().filter(|account| account.state() == AccountState::Working);
                let list: HashMap<_, _> = working.filter_map(|account| self.credential(account)).collect();
                tracing::info!(accounts = list.len(), "handing credentials to the supervisor");
                writer.publish(Arc::new(list));
            }
            Err(error) => tracing::error!(%error, "cannot read the linked accounts"),
        }
    }

    fn credential(&self, account: &Account) -> Option<(trawl_jobs::AccountId, Credential)> {
        let place = place(account.user(), account.instance(), account.gitlab_user_id);
        match self.seal.unseal(&account.token_cipher, &place) {
            Ok(token) => {
                let credential = Credential {
                    account: account.id(),
                    instance_url: account.instance_url.clone(),
                    token: Token::new(token),
                };
                Some((account.id(), credential))
            }
            Err(error) => {
                tracing::error!(%error, account.id = account.id().0, "account {} cannot be used; link it again", account.id());
                None
            }
        }
    }
}

fn place(user: UserId, instance: InstanceId, gitlab_user_id: i64) -> String {
    format!("account:{user}/{instance}/{gitlab_user_id}")
}
