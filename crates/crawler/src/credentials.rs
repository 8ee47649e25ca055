//! Whose token a job may use. Tokens never ride in jobs: a job names accounts, and here is what opens them.

use secrecy::SecretString;
use std::time::Duration;
use tokio::time::timeout;
use trawl_jobs::AccountId;
use trawl_protocol::{Credential, CredentialReader, Token};

/// How long a credential may be on its way: it comes over another socket than the job that needs it, and a renewed
/// one some time after the old one has stopped to work.
const ON_ITS_WAY: Duration = Duration::from_secs(3);

/// Where credentials come from.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Handed out by the supervisor, and renewed while we run.
    Handed(CredentialReader),
    /// Brought along: one token for every account of one instance.
    Own {
        /// Base URL of that instance.
        instance_url: String,
        /// The token.
        token: SecretString,
    },
}

impl Credentials {
    /// What opens the instance for the first of these accounts that has a token other than the `refused` ones.
    /// Waits a moment for one that may be on its way.
    pub async fn find(&self, instance_url: &str, accounts: &[AccountId], refused: &[Token]) -> Option<Credential> {
        let Self::Handed(reader) = self else {
            return self.current(instance_url, accounts, refused);
        };
        let mut reader = reader.clone();
        let found = async {
            loop {
                if let Some(credential) = self.current(instance_url, accounts, refused) {
                    return credential;
                }
                reader.changed().await;
            }
        };
        timeout(ON_ITS_WAY, found).await.ok()
    }

    /// The same without waiting.
    #[must_use]
    pub fn current(&self, instance_url: &str, accounts: &[AccountId], refused: &[Token]) -> Option<Credential> {
        accounts
            .iter()
            .filter_map(|account| self.of(*account))
            .find(|credential| same(&credential.instance_url, instance_url) && !refused.contains(&credential.token))
    }

    fn of(&self, account: AccountId) -> Option<Credential> {
        match self {
            Self::Handed(reader) => reader.current().get(&account).cloned(),
            Self::Own { instance_url, token } => {
                Some(Credential { account, instance_url: instance_url.clone(), token: Token::new(token.clone()) })
            }
        }
    }
}

/// Whether two base URLs are those of one instance.
fn same(a: &str, b: &str) -> bool {
    a.trim_end_matches('/') == b.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const A: &str = "https://a.example.com";

    fn credential(account: i64, instance_url: &str) -> Credential {
        let token = Token::new(format!("token-{account}").into());
        Credential { account: AccountId(account), instance_url: instance_url.to_owned(), token }
    }

    fn handed(list: &[Credential]) -> Credentials {
        let list = list.iter().map(|credential| (credential.account, credential.clone())).collect();
        Credentials::Handed(CredentialReader::fixed(Arc::new(list)))
    }

    #[tokio::test]
    async fn the_first_account_that_has_one_for_this_instance() {
        let credentials = handed(&[credential(1, "https://b.example.com"), credential(2, A), credential(3, A)]);
        let accounts = [AccountId(9), AccountId(1), AccountId(2), AccountId(3)];
        let find = async |refused: &[Token]| credentials.find("https://a.example.com/", &accounts, refused).await;
        assert_eq!(find(&[]).await, Some(credential(2, A)));
        assert_eq!(find(&[credential(2, A).token]).await, Some(credential(3, A)));
    }

    #[tokio::test(start_paused = true)]
    async fn none_is_not_waited_for_without_end() {
        assert_eq!(handed(&[]).find(A, &[AccountId(1)], &[]).await, None);
    }

    #[tokio::test]
    async fn an_own_token_opens_its_instance_for_every_account() {
        let own = Credentials::Own { instance_url: A.to_owned(), token: "t".to_owned().into() };
        assert_eq!(own.find(A, &[AccountId(77)], &[]).await.unwrap().account, AccountId(77));
        assert_eq!(own.find("https://b.example.com", &[AccountId(77)], &[]).await, None);
    }
}
