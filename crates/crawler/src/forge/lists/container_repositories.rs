//! `container_repositories`: a project's container images, by name.

use super::{RowList, row::Fields};
use trawl_jobs::{Record, RecordKind};

pub(crate) struct ContainerRepositories;

impl RowList for ContainerRepositories {
    const NAME: &str = "container repositories";
    const KIND: RecordKind = RecordKind::ContainerRepository;
    const PATH: &str = "registry/repositories";

    fn record(fields: &Fields<'_>) -> Result<Record, String> {
        Ok(Record {
            state: fields.text("status"),
            created_at: fields.time("created_at"),
            ..fields.record(Self::KIND, fields.number("id")?)
        }
        .titled(fields.need("path")?))
    }
}
