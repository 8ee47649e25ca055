//! A job's conversation with GitLab: the right client, its retries told to people, and a renewed token taken up in
//! the middle.

use super::{Forge, explain, explain::happened};
use crate::{JobControl, JobFailure};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use trawl_gitlab::{Client, Error, RetryNotice};
use trawl_jobs::{AccountId, AreaKind, AreaRef, ErrorClass, JobError};
use trawl_protocol::{Credential, StartJob, Token};

/// See the module.
pub(super) struct Session<'a> {
    forge: &'a Forge,
    order: &'a StartJob,
    instance_url: &'a str,
    control: &'a JobControl,
    client: Client,
    token: Token,
    /// Whose tokens were used, by earlier attempts as well.
    readers: Vec<AccountId>,
    /// Tokens that GitLab did not accept.
    refused: Vec<Token>,
    requests: Arc<AtomicU64>,
}

impl<'a> Session<'a> {
    /// Picks the credential and prepares a client; nothing is sent yet. `requests` have been made before.
    pub(super) async fn open(
        forge: &'a Forge,
        order: &'a StartJob,
        control: &'a JobControl,
        requests: u64,
    ) -> Result<Self, JobFailure> {
        let Some(instance_url) = order.instance_url.as_deref() else {
            return Err(JobError::permanent("the order names no GitLab instance").into());
        };
        let Some(credential) = forge.credentials.find(instance_url, &order.accounts, &[]).await else {
            let text = format!(
                "no token is available for {instance_url}; link an account of it or renew its token, and the job goes \
                 on by itself"
            );
            return Err(JobError::new(ErrorClass::Credentials, text).into());
        };
        let requests = Arc::new(AtomicU64::new(requests));
        let client =
            client(forge, order, &credential, control, &requests).map_err(|error| explain(&error, instance_url))?;
        let (token, readers) = (credential.token, vec![credential.account]);
        Ok(Self { forge, order, instance_url, control, client, token, readers, refused: Vec::new(), requests })
    }

    /// Makes a request. A token that was replaced while the job ran is replaced here as well, and another account's
    /// token serves where one is not accepted.
    pub(super) async fn call<T, F>(&mut self, request: impl Fn(Client) -> F + Send) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send,
    {
        loop {
            self.requests.fetch_add(1, Ordering::Relaxed);
            let answer = request(self.client.clone()).await;
            if !matches!(answer, Err(Error::Unauthorized)) {
                return answer;
            }
            self.refused.push(self.token.clone());
            let credentials = &self.forge.credentials;
            let Some(other) = credentials.find(self.instance_url, &self.order.accounts, &self.refused).await else {
                return answer;
            };
            self.client = client(self.forge, self.order, &other, self.control, &self.requests)?;
            self.token = other.token;
            self.read_by(other.account);
            self.control.info("GitLab does not accept the token any more; going on with another one");
        }
    }

    /// Whether an area is somewhere else by now, which is then noted: GitLab does not lead from an old path to the new one.
    ///
    /// # Errors
    /// It cannot be asked.
    pub(super) async fn follow(&mut self, area: &mut AreaRef) -> Result<bool, Error> {
        let (kind, id) = (area.kind, area.gitlab_id);
        let path = self.call(|client| async move {
            match kind {
                AreaKind::Project => client.project_path(id).await,
                AreaKind::Group => client.group_path(id).await,
            }
        });
        match path.await {
            Ok(path) if path != area.full_path => {
                self.control.info(format!("{} is {path} by now", area.full_path));
                area.full_path = path;
                Ok(true)
            }
            Ok(_) | Err(Error::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// An earlier attempt has read with this account's token.
    pub(super) fn read_by(&mut self, account: AccountId) {
        if !self.readers.contains(&account) {
            self.readers.push(account);
        }
    }

    /// Whose tokens were used.
    pub(super) fn readers(&self) -> &[AccountId] {
        &self.readers
    }

    /// Requests so far, repeated ones included.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

fn client(
    forge: &Forge,
    order: &StartJob,
    credential: &Credential,
    control: &JobControl,
    requests: &Arc<AtomicU64>,
) -> Result<Client, Error> {
    let (control, requests) = (control.clone(), Arc::clone(requests));
    let client = forge.clients.of(credential, &forge.credentials)?;
    client.shared_with(u32::from(order.elsewhere));
    Ok(client.on_retry(move |notice| {
        requests.fetch_add(1, Ordering::Relaxed);
        control.warning(retry_text(notice));
    }))
}

fn retry_text(notice: &RetryNotice<'_>) -> String {
    format!(
        "{}; trying again in {:.1} s ({} of {})",
        happened(notice.error),
        notice.wait.as_secs_f64(),
        notice.attempt + 1,
        notice.attempts
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_retry_is_told_in_words() {
        let error = Error::Server { status: 502, reason: String::new() };
        let notice = RetryNotice {
            operation: "Issues",
            attempt: 1,
            attempts: 4,
            wait: Duration::from_millis(1234),
            error: &error,
        };
        assert_eq!(retry_text(&notice), "GitLab answered 502; trying again in 1.2 s (2 of 4)");
    }
}
