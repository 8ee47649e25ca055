//! The typed documents and their way into our own structs.
//!
//! Each document has types of its own even where they say the same, hence the macros in here. A conversion that fails
//! says in a sentence what it stumbled on.

mod areas;
pub(crate) mod documents;
mod issue;
mod merge_request;
mod note;
pub(crate) mod parts;
mod test_report;
mod vulnerability;

use crate::{Cursor, Error, Page};

/// Converts the items of one page; those that make no sense are named in `skipped`.
pub(crate) fn page<W, T>(
    nodes: Option<Vec<Option<W>>>,
    next: Option<Cursor>,
    total: Option<i64>,
    convert: impl Fn(W) -> Result<T, String>,
) -> Page<T> {
    let mut page = Page { next, total: total.and_then(|count| u64::try_from(count).ok()), ..Page::default() };
    for node in nodes.into_iter().flatten() {
        match node.map(&convert) {
            Some(Ok(item)) => page.items.push(item),
            Some(Err(why)) => page.skipped.push(why),
            None => page.skipped.push("GitLab sent an empty item".to_owned()),
        }
    }
    page
}

/// Where the next page begins. A list that goes on without saying where would end early, or be read forever.
pub(crate) fn next(has_next_page: bool, end_cursor: Option<String>) -> Result<Option<Cursor>, Error> {
    match (has_next_page, end_cursor) {
        (false, _) => Ok(None),
        (true, Some(cursor)) if !cursor.is_empty() => Ok(Some(Cursor::new(cursor))),
        (true, _) => {
            Err(Error::Server { status: 200, reason: "the list goes on, but GitLab does not say where".to_owned() })
        }
    }
}

/// All of a short nested list, or the reason why one of its items makes no sense.
fn all<W, T>(nodes: Option<Vec<Option<W>>>) -> Result<Vec<T>, String>
where
    T: TryFrom<W, Error = String>,
{
    nodes.into_iter().flatten().flatten().map(T::try_from).collect()
}
