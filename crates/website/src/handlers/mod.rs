//! Handlers: extract, authorize, query, answer. One file for each page and each resource of the API.

pub mod accounts;
pub mod admin;
pub mod api_accounts;
pub mod api_admin;
pub mod api_admin_jobs;
pub mod api_areas;
pub mod api_export;
pub mod api_job;
pub mod api_jobs;
pub mod api_pauses;
pub mod api_schedules;
pub mod api_search;
pub mod api_submit;
pub mod assets;
pub mod charts;
pub mod explore;
pub mod health;
pub mod job;
pub mod jobs;
pub mod overview;
pub mod project;
pub mod resource;
pub mod schedules;
pub mod set_up;
pub mod sign_in;
pub mod stream;
