//! `attachments`: the files that were put into a project's texts, by name. GitLab lists them to maintainers.

use super::{RowList, row::Fields};
use trawl_jobs::{Record, RecordKind};

pub(crate) struct Attachments;

impl RowList for Attachments {
    const NAME: &str = "attachments";
    const KIND: RecordKind = RecordKind::Attachment;
    const PATH: &str = "uploads";

    fn record(fields: &Fields<'_>) -> Result<Record, String> {
        Ok(Record {
            author: fields.text("uploaded_by.username"),
            created_at: fields.time("created_at"),
            ..fields.record(Self::KIND, fields.number("id")?)
        }
        .titled(fields.need("filename")?))
    }
}
