//! `project`: a project's details.

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
    let area = area(order)?;
    let steps = control.pipeline([("details", 1.0)]);
    let what = format!("project {}", area.full_path);
    let mut session = Session::open(forge, order, control, 0).await?;
    let project = session.call(|client| async move { client.project(&area.full_path).await }).await;
    let project = project.map_err(|error| explain(&error, &what))?.ok_or_else(|| JobError::permanent(gone(&what)))?;
    if project.id != area.gitlab_id {
        return Err(moved(&what).into());
    }
    control.records(vec![record::project(&project)]).await?;
    steps.set("details", 1.0);
    Ok(Completed { result: json!({ "requests": session.requests() }), ..Completed::default() })
}
