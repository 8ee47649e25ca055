//! `pipeline_jobs`: the jobs of a project's pipelines, without their logs.

use super::{RowList, row::Fields};
use chrono::{DateTime, Utc};
use trawl_jobs::{Record, RecordKind};

pub(crate) struct PipelineJobs;

impl RowList for PipelineJobs {
    const NAME: &str = "pipeline jobs";
    const KIND: RecordKind = RecordKind::PipelineJob;
    const PATH: &str = "jobs";

    /// Each comes with its commit, its person and its runner as a whole; they are mirrored once, where they are.
    const KEPT: Option<&[&str]> = Some(&[
        "id",
        "name",
        "stage",
        "status",
        "ref",
        "tag",
        "pipeline",
        "coverage",
        "allow_failure",
        "created_at",
        "started_at",
        "finished_at",
        "erased_at",
        "duration",
        "queued_duration",
        "failure_reason",
        "tag_list",
        "web_url",
    ]);

    /// GitLab does not tell which jobs have changed, but they come with the newest first, and an order leads back to the
    /// oldest one that has not ended: before that, nothing changes any more.
    fn query(_: Option<DateTime<Utc>>) -> Option<Vec<(&'static str, String)>> {
        Some(Vec::new())
    }

    fn is_settled(record: &Record, since: DateTime<Utc>) -> bool {
        record.created_at.is_some_and(|created| created < since)
    }

    fn record(fields: &Fields<'_>) -> Result<Record, String> {
        let id = fields.number("id")?;
        let (created, started, finished) =
            (fields.time("created_at"), fields.time("started_at"), fields.time("finished_at"));
        Ok(Record {
            parent: fields.inner("pipeline.id").map(|pipeline| (RecordKind::Pipeline, pipeline)),
            state: fields.text("status"),
            created_at: created,
            // The last of what has happened to it.
            updated_at: finished.or(started).or(created),
            closed_at: finished,
            web_url: fields.text("web_url"),
            ..fields.record(Self::KIND, id)
        }
        .titled(fields.need("name")?))
    }
}
