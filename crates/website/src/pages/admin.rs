//! `/admin`: processes and storage.

use super::{
    frame::{Frame, Section},
    parts, words,
};
use askama::Template;
use trawl_protocol::message::ProcessInfo;

/// The process table and facts about the database.
#[derive(Debug, Template)]
#[template(path = "admin.html")]
pub struct Admin {
    /// What surrounds the page.
    pub frame: Frame,
    /// As the supervisor tells them; empty without a supervisor.
    pub processes: Vec<ProcessInfo>,
    /// Where everything is kept.
    pub database: DatabaseFacts,
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
    const LIVE: &str = "process";
}
