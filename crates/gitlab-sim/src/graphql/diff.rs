//! Places in a diff.

use async_graphql::{Enum, SimpleObject};

use crate::forge::model::Note;

const FILES: [&str; 5] =
    ["src/main.rs", "src/limits/window.rs", "docs/setup.md", "deploy/values.yaml", "tests/retry.rs"];

/// The changed files of a merge request that has this head.
#[derive(SimpleObject)]
#[expect(clippy::struct_field_names, reason = "GitLab's names")]
pub(crate) struct DiffRefs {
    head_sha: String,
    base_sha: Option<String>,
    start_sha: String,
}

impl DiffRefs {
    /// The commit before is made up from the head: its digits backwards.
    pub(crate) fn of(head: &str) -> Self {
        let before: String = head.chars().rev().collect();
        Self { head_sha: head.to_owned(), base_sha: Some(before.clone()), start_sha: before }
    }
}

#[derive(Enum, Debug, Clone, Copy, PartialEq, Eq)]
#[graphql(rename_items = "lowercase")]
pub(crate) enum DiffPositionType {
    Text,
}

/// The line that a note is about.
#[derive(SimpleObject)]
pub(crate) struct DiffPosition {
    diff_refs: DiffRefs,
    file_path: String,
    new_path: Option<String>,
    old_path: Option<String>,
    new_line: Option<i32>,
    old_line: Option<i32>,
    position_type: DiffPositionType,
}

impl DiffPosition {
    /// Of the threads of a merge request, every other one is about a line.
    pub(crate) fn of(note: &Note, head: &str) -> Option<Self> {
        if !note.thread || note.id % 2 == 1 {
            return None;
        }
        let at = usize::try_from(note.id).unwrap_or(0);
        let path = FILES[at % FILES.len()].to_owned();
        let line = super::int(1 + at % 180);
        Some(Self {
            diff_refs: DiffRefs::of(head),
            new_path: Some(path.clone()),
            old_path: Some(path.clone()),
            file_path: path,
            new_line: Some(line),
            old_line: (at % 4 == 0).then_some(line),
            position_type: DiffPositionType::Text,
        })
    }
}
