//! Notes beyond those that come inside an issue or merge request.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::text;
use crate::model::Note;
use crate::wire::documents::{IssueNotes, MergeRequestNotes, issue_notes, merge_request_notes};
use crate::{Client, Cursor, Error, Page};

/// Notes inside each issue or merge request of a page.
pub const NOTES_INSIDE: u32 = 20;

/// GitLab's own maximum.
pub const NOTES_PER_PAGE: u32 = 100;

/// Issues or merge requests per request of [`Client::notes_batch`]: what fits into GitLab's complexity limit.
pub const NOTES_PER_BATCH: usize = 4;

/// What the notes hang on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NotesOf {
    /// Issues.
    Issues,
    /// Merge requests.
    MergeRequests,
}

/// The next notes of one issue or merge request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotesQuery {
    /// Its number within the project.
    pub iid: i64,
    /// Where to go on; `None` from the start.
    pub after: Option<Cursor>,
}

impl Client {
    /// A page of an issue's notes, oldest first, system notes included.
    pub async fn issue_notes(&self, project_path: &str, iid: i64, after: Option<&Cursor>) -> Result<Page<Note>, Error> {
        let variables = issue_notes::Variables {
            path: project_path.to_owned(),
            iid: iid.to_string(),
            first: NOTES_PER_PAGE.into(),
            after: text(after),
        };
        let project = self.run::<IssueNotes>(variables).await?.project;
        let issue = project.and_then(|project| project.issue).ok_or(Error::NotFound)?;
        Page::try_from(issue.notes)
    }

    /// A page of a merge request's notes, oldest first, system notes included.
    pub async fn merge_request_notes(
        &self,
        project_path: &str,
        iid: i64,
        after: Option<&Cursor>,
    ) -> Result<Page<Note>, Error> {
        let variables = merge_request_notes::Variables {
            path: project_path.to_owned(),
            iid: iid.to_string(),
            first: NOTES_PER_PAGE.into(),
            after: text(after),
        };
        let project = self.run::<MergeRequestNotes>(variables).await?.project;
        let merge_request = project.and_then(|project| project.merge_request).ok_or(Error::NotFound)?;
        Page::try_from(merge_request.notes)
    }

    /// The next page of notes of several issues or merge requests of one project, [`NOTES_PER_BATCH`] per request.
    ///
    /// Answers in the order of `queries`; `None` for one that is gone. Nothing is answered if any request fails.
    pub async fn notes_batch(
        &self,
        of: NotesOf,
        project_path: &str,
        queries: &[NotesQuery],
    ) -> Result<Vec<Option<Page<Note>>>, Error> {
        let mut pages = Vec::with_capacity(queries.len());
        for batch in queries.chunks(NOTES_PER_BATCH) {
            pages.extend(match of {
                NotesOf::Issues => {
                    self.one_batch::<issue_notes::NotePage>("issue", issue_notes::QUERY, project_path, batch).await?
                }
                NotesOf::MergeRequests => {
                    self.one_batch::<merge_request_notes::NotePage>(
                        "mergeRequest",
                        merge_request_notes::QUERY,
                        project_path,
                        batch,
                    )
                    .await?
                }
            });
        }
        Ok(pages)
    }

    async fn one_batch<W>(
        &self,
        field: &str,
        single: &str,
        project_path: &str,
        batch: &[NotesQuery],
    ) -> Result<Vec<Option<Page<Note>>>, Error>
    where
        W: DeserializeOwned,
        Page<Note>: TryFrom<W, Error = Error>,
    {
        let query = batch_document(field, single, batch.len());
        let data: BatchData<W> = self.send("NotesBatch", &query, batch_variables(project_path, batch)).await?;
        let mut found = data.project.ok_or(Error::NotFound)?;
        (0..batch.len())
            .map(|index| {
                let noted = found.remove(&alias(index)).flatten();
                noted.map(|noted| Page::try_from(noted.notes)).transpose()
            })
            .collect()
    }
}

#[derive(Deserialize)]
#[serde(bound = "W: DeserializeOwned")]
struct BatchData<W> {
    project: Option<BTreeMap<String, Option<Noted<W>>>>,
}

#[derive(Deserialize)]
#[serde(bound = "W: DeserializeOwned")]
struct Noted<W> {
    notes: W,
}

fn alias(index: usize) -> String {
    format!("n{index}")
}

/// One aliased field per item, with the fragments of the single document `single`. Only positions are written into
/// the text; iids and cursors travel as variables.
pub(super) fn batch_document(field: &str, single: &str, items: usize) -> String {
    let mut variables = String::new();
    let mut fields = String::new();
    for index in 0..items {
        let alias = alias(index);
        // Writing to a String cannot fail.
        let _ = write!(variables, ", $iid{index}: String!, $after{index}: String");
        let _ = writeln!(
            fields,
            "    {alias}: {field}(iid: $iid{index}) {{ notes(filter: ALL_NOTES, first: $first, after: $after{index}) {{ ...NotePage }} }}"
        );
    }
    let fragments = single.find("fragment ").map_or("", |start| &single[start..]);
    format!(
        "query NotesBatch($path: ID!, $first: Int!{variables}) {{\n  project(fullPath: $path) {{\n{fields}  }}\n}}\n\n{fragments}"
    )
}

pub(super) fn batch_variables(project_path: &str, batch: &[NotesQuery]) -> Value {
    let mut variables = Map::new();
    variables.insert("path".to_owned(), json!(project_path));
    variables.insert("first".to_owned(), json!(NOTES_PER_PAGE));
    for (index, query) in batch.iter().enumerate() {
        variables.insert(format!("iid{index}"), json!(query.iid.to_string()));
        variables.insert(format!("after{index}"), json!(text(query.after.as_ref())));
    }
    Value::Object(variables)
}
