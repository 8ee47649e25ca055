//! `pipeline_schedules`: pipelines that run by the clock, without their variables.

use super::{RowList, row::Fields};
use trawl_jobs::{Record, RecordKind};

pub(crate) struct PipelineSchedules;

impl RowList for PipelineSchedules {
    const NAME: &str = "pipeline schedules";
    const KIND: RecordKind = RecordKind::PipelineSchedule;
    const PATH: &str = "pipeline_schedules";

    /// Variables hold secrets, and owners of the schedule are told them.
    const KEPT: Option<&[&str]> = Some(&[
        "id",
        "description",
        "ref",
        "cron",
        "cron_timezone",
        "next_run_at",
        "active",
        "created_at",
        "updated_at",
        "owner",
    ]);

    fn record(fields: &Fields<'_>) -> Result<Record, String> {
        let is_active = fields.flag("active").unwrap_or(false);
        Ok(Record {
            state: Some(if is_active { "active" } else { "inactive" }.to_owned()),
            author: fields.text("owner.username"),
            created_at: fields.time("created_at"),
            ..fields.record(Self::KIND, fields.number("id")?)
        }
        .titled(fields.need("description")?))
    }
}
