//! One client per credential, so that jobs of one account share connections.

use crate::Credentials;
use std::{
    collections::HashMap,
    fmt,
    sync::{Mutex, PoisonError},
};
use trawl_gitlab::{Client, Endpoint, Error, Options};
use trawl_jobs::AccountId;
use trawl_protocol::{Credential, Token};

/// See the module.
pub(super) struct Clients {
    options: Options,
    cache: Mutex<HashMap<(AccountId, String), (Token, Client)>>,
}

impl Clients {
    pub(super) fn new(options: Options) -> Self {
        Self { options, cache: Mutex::default() }
    }

    /// The client for this credential. Those of credentials that are not current any more are dropped.
    pub(super) fn of(&self, credential: &Credential, credentials: &Credentials) -> Result<Client, Error> {
        // A poisoned cache is still a cache: every change of it is whole.
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (credential.account, credential.instance_url.clone());
        let before = cache.get(&key).map(|(_, client)| client.clone());
        cache.retain(|(account, instance_url), (token, _)| {
            credentials.current(instance_url, &[*account], &[]).is_some_and(|current| current.token == *token)
        });
        if let Some((token, client)) = cache.get(&key)
            && *token == credential.token
        {
            return Ok(client.clone());
        }
        let base_url = credential.instance_url.parse().map_err(|error| Error::InvalidEndpoint(format!("{error}")))?;
        let endpoint = Endpoint { base_url, token: credential.token.secret().clone() };
        let client = Client::new(&endpoint, &self.options)?;
        // GitLab's limits are a person's, whichever of their tokens is used.
        let client = before.map_or(client.clone(), |before| client.at_pace_of(&before));
        cache.insert(key, (credential.token.clone(), client.clone()));
        Ok(client)
    }
}

impl fmt::Debug for Clients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Clients").finish_non_exhaustive()
    }
}
