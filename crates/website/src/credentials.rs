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
        let refuse = move |conn: &mut trawl_store::Conn<'_>| {
            locked.iter().try_for_each(|id| accounts::set_state(conn, *id, AccountState::Refused).map(drop))
        };
        if let Err(error) = db.write(refuse).await {
            tracing::error!(%error, "cannot note that accounts cannot be used");
        }
        if let Some(writer) = &self.writer {
            tracing::info!(accounts = list.len(), "handing credentials to the supervisor");
            writer.publish(Arc::new(list));
        }
    }

    fn credential(&self, account: &Account) -> Result<Credential, SealError> {
        let place = place(account.user(), account.instance(), account.gitlab_user_id);
        let token = self.seal.unseal(&account.token_cipher, &place)?;
        Ok(Credential { account: account.id(), instance_url: account.instance_url.clone(), token: Token::new(token) })
    }
}

fn place(user: UserId, instance: InstanceId, gitlab_user_id: i64) -> String {
    format!("account:{user}/{instance}/{gitlab_user_id}")
}
