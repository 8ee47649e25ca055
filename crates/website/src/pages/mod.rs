//! The look of the website. A page is a struct of plain data that renders itself: no page reads the database, the
//! session or a clock. Everything is escaped by the templates; times are relative to [`Frame::now`].

pub mod accounts;
pub mod admin;
pub mod area;
pub mod assets;
pub mod chart;
mod charts;
pub mod error;
pub mod explore;
pub mod frame;
pub mod group;
pub mod job;
pub mod jobs;
pub mod link;
pub mod overview;
pub mod parts;
pub mod project;
pub mod resource;
#[cfg(test)]
mod samples;
pub mod schedules;
pub mod setup;
pub mod sign_in;
#[cfg(test)]
mod tests;
pub mod timeline;
pub mod tree;
pub mod words;

pub use accounts::{Accounts, LinkForm, LinkedAccount, TokenState};
pub use admin::{Admin, ApplicationRow, DatabaseFacts, NewSecret, PauseRow, WebhookRow};
pub use area::{AreaRow, Completeness, Crumb};
pub use askama::Template;
pub use assets::{Assets, asset_url};
pub use charts::{Chart, ChartsPage};
pub use error::{ErrorPage, NextStep};
pub use explore::{Explore, FoundRow};
pub use frame::{Frame, Lamp, Section};
pub use group::GroupPage;
pub use job::{Attempt, ItemChoice, ItemRow, JobMessage, JobPage, LevelCount, RelatedJob};
pub use jobs::{JobFilter, JobRow, Jobs, StateFilter};
pub use overview::{FailedJobs, GroupFreshness, Overview, RefusedAccount, RunningJob, WaitingJobs};
pub use project::{ProjectPage, ResourceFilter, ResourceRow, Tab};
pub use resource::{Note, ResourcePage};
pub use schedules::{ScheduleRow, Schedules};
pub use setup::Setup;
pub use sign_in::SignIn;
