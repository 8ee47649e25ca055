//! Which instances may tell of changes.

use crate::{
    app::App,
    link::{LinkError, base_url},
    token,
};
use trawl_jobs::{InstanceId, UserId};
use trawl_store::{StoreError, audit, instances, webhooks};

/// What an administrator enters in GitLab.
#[derive(Debug)]
pub struct Told {
    /// Our id of the instance.
    pub instance: InstanceId,
    /// Where GitLab is to send events.
    pub url: String,
    /// What it has to say to be believed. Nobody is told it again.
    pub secret: String,
}

/// Where an instance sends its events.
#[must_use]
pub fn url(app: &App, instance: InstanceId) -> String {
    format!("{}/hooks/gitlab/{instance}", app.settings.server.url())
}

/// Listens to an instance, with a new secret; an older one is void.
///
/// # Errors
/// In words for the administrator.
pub async fn begin(app: &App, by: UserId, instance_url: &str) -> Result<Told, LinkError> {
    let shown = base_url(instance_url)?.as_str().trim_end_matches('/').to_owned();
    let secret = token::random();
    let hash = token::hash(&secret);
    let instance = app
        .db
        .write(move |conn| {
            let instance = instances::ensure(conn, &shown)?;
            webhooks::set(conn, instance, &hash)?;
            audit::record(conn, Some(by), "set webhook", &shown)?;
            Ok(instance)
        })
        .await?;
    Ok(Told { instance, url: url(app, instance), secret })
}

/// Listens to an instance no more.
///
/// # Errors
/// [`StoreError::NotFound`] where nobody did.
pub async fn end(app: &App, by: UserId, instance: InstanceId) -> Result<(), StoreError> {
    app.db
        .write(move |conn| {
            webhooks::remove(conn, instance)?;
            audit::record(conn, Some(by), "remove webhook", &instance.to_string())
        })
        .await
}
