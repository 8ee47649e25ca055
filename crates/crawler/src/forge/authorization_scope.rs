//! `authorization_scope`: the groups and projects of which an account is a member.

use super::{Forge, explain, record, session::Session};
use crate::{Completed, JobControl, JobFailure};
use serde::{Deserialize, Serialize};
use serde_json::json;
use trawl_gitlab::{Cursor, Page};
use trawl_jobs::FoundArea;
use trawl_protocol::StartJob;

/// Where the job stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    /// All groups have been read; `after` is about projects.
    groups_done: bool,
    after: Option<Cursor>,
    groups: u64,
    projects: u64,
    #[serde(default)]
    skipped: u64,
    #[serde(default)]
    requests: u64,
}

/// Runs it.
pub(crate) async fn run(forge: &Forge, order: &StartJob, control: &JobControl) -> Result<Completed, JobFailure> {
    let mut at: Position = order.cursor.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    let steps = control.pipeline([("groups", 0.3), ("projects", 0.7)]);
    let mut session = Session::open(forge, order, control, at.requests).await?;
    while !at.groups_done {
        let after = &at.after;
        let page = session.call(|client| async move { client.groups(after.as_ref()).await }).await;
        let page = page.map_err(|error| explain(&error, "the account's groups"))?;
        at.groups += page.items.len() as u64;
        at.skipped += skipped(&page, control);
        steps.set_counts("groups", at.groups, page.total);
        control.discovered(page.items.iter().map(record::found_group).collect::<Vec<FoundArea>>());
        at.groups_done = page.next.is_none();
        at.after = page.next;
        at.requests = session.requests();
        control.checkpoint_ahead(json!(at).to_string(), Vec::new()).await?;
    }
    steps.set("groups", 1.0);
    loop {
        let after = &at.after;
        let page = session.call(|client| async move { client.projects(after.as_ref()).await }).await;
        let page = page.map_err(|error| explain(&error, "the account's projects"))?;
        at.projects += page.items.len() as u64;
        at.skipped += skipped(&page, control);
        steps.set_counts("projects", at.projects, page.total);
        control.discovered(page.items.iter().map(record::found_project).collect::<Vec<FoundArea>>());
        let Some(next) = page.next else { break };
        at.after = Some(next);
        at.requests = session.requests();
        control.checkpoint_ahead(json!(at).to_string(), Vec::new()).await?;
    }
    steps.set("projects", 1.0);
    Ok(Completed {
        result: json!({ "groups": at.groups, "projects": at.projects, "requests": session.requests() }),
        incomplete: (at.skipped > 0).then(|| format!("{} groups or projects could not be understood", at.skipped)),
        ..Completed::default()
    })
}

fn skipped<T>(page: &Page<T>, control: &JobControl) -> u64 {
    for why in &page.skipped {
        control.warning(format!("a group or project was left out: {why}"));
    }
    page.skipped.len() as u64
}
