//! Typed `supervisor.toml`: every key documented there, its defaults here, its environment override by rule. And the
//! logging that all binaries share.

pub mod exit;
mod load;
pub mod logging;
mod paths;
mod sections;

pub use load::{CONFIG_ENV, SettingsError, find, load, parse, paths};
pub use sections::{
    CrawlerSettings, CredentialDelivery, DatabaseSettings, ForgeSettings, LinksSettings, LogFormat, LogSettings,
    PathSettings, PipelineSettings, PrivacySettings, RetentionSettings, ServerSettings, Settings, SupervisorSettings,
    Synchronous,
};
