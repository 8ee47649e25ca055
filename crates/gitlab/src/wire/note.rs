//! Notes, from each of the documents that hold them.

use super::documents::{issue_notes, issues, merge_request_notes, merge_requests};
use super::{next, page};
use crate::global_id::{id, optional_time, time};
use crate::model::{DiffPosition, Note, Person};
use crate::{Error, Page};

macro_rules! notes_from {
    ($document:ident, $position:expr) => {
        impl TryFrom<$document::NoteFields> for Note {
            type Error = String;

            fn try_from(wire: $document::NoteFields) -> Result<Self, String> {
                let say = |why: String| format!("note {}: {why}", wire.id);
                let position: fn(&$document::NoteFields) -> Option<DiffPosition> = $position;
                Ok(Self {
                    id: id(&wire.id).map_err(|why| format!("note: {why}"))?,
                    system: wire.system,
                    internal: wire.internal.unwrap_or_default(),
                    resolvable: wire.resolvable,
                    resolved: wire.resolved,
                    resolved_at: optional_time(wire.resolved_at.as_deref()).map_err(say)?,
                    position: position(&wire),
                    created_at: time(&wire.created_at).map_err(say)?,
                    updated_at: time(&wire.updated_at).map_err(say)?,
                    last_edited_at: optional_time(wire.last_edited_at.as_deref()).map_err(say)?,
                    author: wire.author.map(Person::try_from).transpose()?,
                    discussion_id: wire.discussion.map(|discussion| discussion.id),
                    system_action: wire.system_note_icon_name,
                    body: wire.body,
                    web_url: wire.url,
                })
            }
        }

        impl TryFrom<$document::NotePage> for Page<Note> {
            type Error = Error;

            fn try_from(wire: $document::NotePage) -> Result<Self, Error> {
                let next = next(wire.page_info.has_next_page, wire.page_info.end_cursor)?;
                Ok(page(wire.nodes, next, None, Note::try_from))
            }
        }
    };
}

macro_rules! diff_position {
    () => {
        |wire| {
            wire.position.as_ref().map(|position| DiffPosition {
                file_path: position.file_path.clone(),
                new_line: position.new_line,
                old_line: position.old_line,
            })
        }
    };
}

notes_from!(issues, |_| None);
notes_from!(issue_notes, |_| None);
notes_from!(merge_requests, diff_position!());
notes_from!(merge_request_notes, diff_position!());
