//! `packages`: what a project's package registry holds.

use super::{RowList, row::Fields};
use trawl_jobs::{Record, RecordKind};

pub(crate) struct Packages;

impl RowList for Packages {
    const NAME: &str = "packages";
    const KIND: RecordKind = RecordKind::Package;
    const PATH: &str = "packages";

    /// The pipeline that made it comes with a person; it is mirrored where it is.
    const KEPT: Option<&[&str]> =
        Some(&["id", "name", "version", "package_type", "status", "created_at", "last_downloaded_at", "tags"]);

    fn record(fields: &Fields<'_>) -> Result<Record, String> {
        let (name, version) = (fields.need("name")?, fields.text("version"));
        Ok(Record {
            state: fields.text("status"),
            created_at: fields.time("created_at"),
            ..fields.record(Self::KIND, fields.number("id")?)
        }
        .titled(version.map_or_else(|| name.clone(), |version| format!("{name} {version}"))))
    }
}
