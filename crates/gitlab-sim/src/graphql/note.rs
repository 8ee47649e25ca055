//! Notes, and the threads that some of them are in.

use async_graphql::{Context, Object, Result};
use std::sync::Arc;

use super::{
    View,
    connection::{Key, NoteConnection, Page, PageArgs, Row},
    diff::DiffPosition,
    person::UserCore,
    scalars::{DiscussionId, NoteId, Time, gid},
    sorts::NotesFilterType,
    view,
};
use crate::forge::model::{self, Item, Kind};

/// The note at a place within its item.
pub(crate) struct Note {
    item: Arc<Item>,
    at: usize,
}

impl Note {
    fn note(&self) -> &model::Note {
        &self.item.notes[self.at]
    }

    /// Threads of merge requests can be resolved.
    fn is_thread_to_resolve(&self) -> bool {
        self.note().thread && self.item.kind == Kind::MergeRequest
    }

    /// Two in three of them are, by whoever opened the merge request.
    fn is_resolved(&self) -> bool {
        self.is_thread_to_resolve() && !self.note().id.is_multiple_of(3)
    }
}

/// The notes of an item that the reader may see, oldest first.
pub(crate) fn page(
    view: &View,
    item: &Arc<Item>,
    filter: Option<NotesFilterType>,
    args: &PageArgs,
) -> Result<NoteConnection> {
    let trusted = view.world.trusted(view.reader, item.project);
    let rows = item
        .notes
        .iter()
        .enumerate()
        .filter(|(_, note)| trusted || !note.internal)
        .filter(|(_, note)| match filter {
            None | Some(NotesFilterType::AllNotes) => true,
            Some(NotesFilterType::OnlyComments) => !note.system,
            Some(NotesFilterType::OnlyActivity) => note.system,
        })
        .map(|(at, note)| Row {
            key: Key::Number(note.created.timestamp_micros()),
            id: note.id,
            node: Note { item: item.clone(), at },
        })
        .collect();
    Ok(NoteConnection(Page::cut(rows, false, args)?))
}

#[Object]
impl Note {
    async fn id(&self) -> NoteId {
        let note = self.note();
        NoteId(gid(if note.thread { "DiscussionNote" } else { "Note" }, note.id))
    }

    async fn author(&self) -> Option<UserCore> {
        Some(UserCore(self.note().author))
    }

    async fn body(&self) -> &str {
        &self.note().body
    }

    async fn created_at(&self) -> Time {
        Time(self.note().created)
    }

    async fn updated_at(&self) -> Time {
        Time(self.note().updated)
    }

    async fn last_edited_at(&self) -> Option<Time> {
        None
    }

    async fn system(&self) -> bool {
        self.note().system
    }

    async fn system_note_icon_name(&self) -> Option<&'static str> {
        self.note().system.then_some("pencil-square")
    }

    async fn internal(&self) -> Option<bool> {
        Some(self.note().internal)
    }

    async fn resolvable(&self) -> bool {
        self.is_thread_to_resolve()
    }

    async fn resolved(&self) -> bool {
        self.is_resolved()
    }

    async fn resolved_at(&self) -> Option<Time> {
        self.is_resolved().then(|| Time(self.note().updated))
    }

    async fn resolved_by(&self) -> Option<UserCore> {
        self.is_resolved().then_some(UserCore(self.item.author))
    }

    async fn url(&self, ctx: &Context<'_>) -> Option<String> {
        let address = view(ctx).address(&self.item);
        Some(format!("{address}#note_{}", self.note().id))
    }

    async fn position(&self) -> Option<DiffPosition> {
        DiffPosition::of(self.note(), &self.item.merge.as_ref()?.head_sha)
    }

    async fn discussion(&self) -> Option<Discussion> {
        Some(Discussion {
            id: self.note().id,
            created: Time(self.note().created),
            resolvable: self.is_thread_to_resolve(),
            resolved: self.is_resolved(),
        })
    }
}

pub(crate) struct Discussion {
    id: u64,
    created: Time,
    resolvable: bool,
    resolved: bool,
}

#[Object]
impl Discussion {
    async fn id(&self) -> DiscussionId {
        DiscussionId(format!("gid://gitlab/Discussion/{:040x}", self.id))
    }

    async fn created_at(&self) -> Time {
        self.created
    }

    async fn resolvable(&self) -> bool {
        self.resolvable
    }

    async fn resolved(&self) -> bool {
        self.resolved
    }
}
