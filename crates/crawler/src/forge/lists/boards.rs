//! `boards`: the issue boards of a project.

use super::{RowList, row::Fields};
use trawl_jobs::{Record, RecordKind};

pub(crate) struct Boards;

impl RowList for Boards {
    const NAME: &str = "boards";
    const KIND: RecordKind = RecordKind::Board;
    const PATH: &str = "boards";

    fn record(fields: &Fields<'_>) -> Result<Record, String> {
        let name = fields.text("name").filter(|name| !name.is_empty()).unwrap_or_else(|| "Development".to_owned());
        Ok(fields.record(Self::KIND, fields.number("id")?).titled(name))
    }
}
