//! `/admin`: processes, pauses and storage.

use super::{
    frame::{Frame, Section},
    parts, words,
};
use askama::Template;
use chrono::{DateTime, Utc};
use trawl_jobs::{JobSpec, Lane};
use trawl_protocol::message::ProcessInfo;

/// The process table and facts about the database.
#[derive(Debug, Template)]
#[template(path = "admin.html")]
pub struct Admin {
    /// What surrounds the page.
    pub frame: Frame,
    /// As the supervisor tells them; empty without a supervisor.
    pub processes: Vec<ProcessInfo>,
    /// The oldest first.
    pub pauses: Vec<PauseRow>,
    /// All linked accounts: our id and their name.
    pub accounts: Vec<(i64, String)>,
    /// Where GitLab sends people back to who sign in.
    pub redirect_uri: String,
    /// Applications by which people sign in, by address.
    pub applications: Vec<ApplicationRow>,
    /// Instances that may tell of changes, by address.
    pub webhooks: Vec<WebhookRow>,
    /// All instances, by address.
    pub instances: Vec<String>,
    /// A secret that was made just now.
    pub new_secret: Option<NewSecret>,
    /// Where everything is kept.
    pub database: DatabaseFacts,
}

/// Something that is not started for now.
#[derive(Debug, Clone)]
pub struct PauseRow {
    /// In words.
    pub what: String,
    /// `kind`, `lane` or `account`.
    pub scope: &'static str,
    /// Which one.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// Who wanted it.
    pub by: Option<String>,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// Trawl as an application that an instance knows.
#[derive(Debug, Clone)]
pub struct ApplicationRow {
    /// Our id of the instance.
    pub instance: i64,
    /// Its base URL.
    pub instance_url: String,
    /// GitLab's name for the application.
    pub client_id: String,
    /// It has a secret.
    pub confidential: bool,
    /// Since when.
    pub since: DateTime<Utc>,
}

/// An instance that may tell of changes.
#[derive(Debug, Clone)]
pub struct WebhookRow {
    /// Our id of the instance.
    pub instance: i64,
    /// Its base URL.
    pub instance_url: String,
    /// Where it sends events.
    pub url: String,
    /// When it last did.
    pub last_event: Option<DateTime<Utc>>,
}

/// What is to be entered in GitLab.
#[derive(Debug, Clone)]
pub struct NewSecret {
    /// Where GitLab is to send events.
    pub url: String,
    /// Its secret token.
    pub secret: String,
}

/// Facts about the database.
#[derive(Debug, Clone)]
pub struct DatabaseFacts {
    /// `SQLite` or `PostgreSQL`.
    pub backend: String,
    /// Version of the engine.
    pub version: String,
    /// Size in bytes, where it can be told.
    pub size_bytes: Option<i64>,
}

impl Admin {
    const SECTION: Section = Section::Admin;
    const LIVE: &str = "process job";
}
