//! Sort orders and states, by their names in GitLab.

use async_graphql::Enum;

use super::connection::Key;
use crate::forge::model::{Item, State};

/// What rows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Created,
    Updated,
    Title,
}

impl By {
    pub(crate) fn key(self, item: &Item) -> Key {
        match self {
            Self::Created => Key::Number(item.created.timestamp_micros()),
            Self::Updated => Key::Number(item.updated.timestamp_micros()),
            Self::Title => Key::Text(item.title.to_lowercase()),
        }
    }
}

/// A field, and whether the largest comes first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Order {
    pub(crate) by: By,
    pub(crate) descending: bool,
}

impl Default for Order {
    fn default() -> Self {
        Self { by: By::Created, descending: true }
    }
}

macro_rules! item_sort {
    ($name:ident) => {
        #[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum $name {
            UpdatedAsc,
            UpdatedDesc,
            CreatedAsc,
            CreatedDesc,
            TitleAsc,
            TitleDesc,
            #[graphql(name = "updated_asc")]
            OldUpdatedAsc,
            #[graphql(name = "updated_desc")]
            OldUpdatedDesc,
            #[graphql(name = "created_asc")]
            OldCreatedAsc,
            #[graphql(name = "created_desc")]
            OldCreatedDesc,
        }

        impl From<$name> for Order {
            fn from(sort: $name) -> Self {
                let (by, descending) = match sort {
                    $name::UpdatedAsc | $name::OldUpdatedAsc => (By::Updated, false),
                    $name::UpdatedDesc | $name::OldUpdatedDesc => (By::Updated, true),
                    $name::CreatedAsc | $name::OldCreatedAsc => (By::Created, false),
                    $name::CreatedDesc | $name::OldCreatedDesc => (By::Created, true),
                    $name::TitleAsc => (By::Title, false),
                    $name::TitleDesc => (By::Title, true),
                };
                Self { by, descending }
            }
        }
    };
}

item_sort!(IssueSort);
item_sort!(MergeRequestSort);

#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GroupSort {
    IdAsc,
    IdDesc,
    NameAsc,
    NameDesc,
    PathAsc,
    PathDesc,
    CreatedAtAsc,
    CreatedAtDesc,
    UpdatedAtAsc,
    UpdatedAtDesc,
}

impl GroupSort {
    /// The same as the text that the top-level list takes.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::IdAsc => "id_asc",
            Self::IdDesc => "id_desc",
            Self::NameAsc => "name_asc",
            Self::NameDesc => "name_desc",
            Self::PathAsc => "path_asc",
            Self::PathDesc => "path_desc",
            Self::CreatedAtAsc => "created_asc",
            Self::CreatedAtDesc => "created_desc",
            Self::UpdatedAtAsc => "updated_asc",
            Self::UpdatedAtDesc => "updated_desc",
        }
    }
}

#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(rename_items = "lowercase")]
pub(crate) enum IssuableState {
    Opened,
    Closed,
    Locked,
    All,
}

impl IssuableState {
    pub(crate) fn fits(self, state: State) -> bool {
        match self {
            Self::All => true,
            Self::Opened => state == State::Opened,
            Self::Closed => state == State::Closed,
            Self::Locked => false,
        }
    }
}

#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(rename_items = "lowercase")]
pub(crate) enum IssueState {
    Opened,
    Closed,
    Locked,
    All,
}

#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(rename_items = "lowercase")]
pub(crate) enum MergeRequestState {
    Merged,
    Opened,
    Closed,
    Locked,
    All,
}

impl MergeRequestState {
    pub(crate) fn fits(self, state: State) -> bool {
        match self {
            Self::Merged => state == State::Merged,
            Self::All => true,
            Self::Opened => state == State::Opened,
            Self::Closed => state == State::Closed,
            Self::Locked => false,
        }
    }
}

#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IssueType {
    Issue,
    Task,
}

#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotesFilterType {
    AllNotes,
    OnlyComments,
    OnlyActivity,
}
