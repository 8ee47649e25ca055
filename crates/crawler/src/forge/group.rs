//! `group`: a group's details.

use super::{
    Forge, explain,
    explain::gone,
    listing::{area, moved},
    record,
    session::Session,
};
use crate::{Completed, JobControl, JobFailure};
use serde_json::json;
use trawl_jobs::JobError;
use trawl_protocol::StartJob;

/// Runs it.
pub(crate) async fn run(forge: &Forge, order: &StartJob, control: &JobControl) -> Result<Completed, JobFailure> {
    let mut area = area(order)?.clone();
    let steps = control.pipeline([("details", 1.0)]);
    let what = format!("group {}", area.full_path);
    let mut session = Session::open(forge, order, control, 0).await?;
    let group = loop {
        let path = area.full_path.as_str();
        let found = session.call(|client| async move { client.group(path).await }).await;
        let found = found.map_err(|error| explain(&error, &what))?;
        if found.as_ref().is_some_and(|group| group.id == area.gitlab_id) {
            break found;
        }
        if !session.follow(&mut area).await.map_err(|error| explain(&error, &what))? {
            break found;
        }
    };
    let group = group.ok_or_else(|| JobError::permanent(gone(&what)))?;
    if group.id != area.gitlab_id {
        return Err(moved(&what).into());
    }
    control.records(vec![record::group(&group)]).await?;
    steps.set("details", 1.0);
    Ok(Completed { result: json!({ "requests": session.requests() }), ..Completed::default() })
}
