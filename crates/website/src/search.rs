//! What a user finds of the mirror by its words.

use crate::session::SignedIn;
use serde_json::Value;
use std::collections::HashMap;
use trawl_jobs::{AreaId, Audience, RecordKind};
use trawl_store::{
    Conn, StoreError, areas,
    resources::Resource,
    search::{self, Search},
};

/// Longest excerpt, in characters, and how many of them stand before the word.
const EXCERPT: (usize, usize) = (200, 60);

/// One object, and where it belongs.
#[derive(Debug)]
pub struct Found {
    /// The object.
    pub object: Resource,
    /// Path of its group or project.
    pub path: String,
    /// What stands around the first of the words, where that is in its text and not in its title.
    pub excerpt: Option<String>,
}

/// Objects that the user may see and that have all of these words.
///
/// # Errors
/// The database.
pub fn find(
    conn: &mut Conn<'_>,
    user: &SignedIn,
    text: &str,
    kind: Option<RecordKind>,
    limit: i64,
) -> Result<Vec<Found>, StoreError> {
    let visible = areas::visible(conn, user.user.id())?;
    let readers = |audience| visible.iter().filter(|seen| seen.is_of(audience)).map(|seen| seen.area.id()).collect();
    let readable = visible.iter().filter(|seen| seen.may_read_confidential());
    let wanted = Search {
        text: text.to_owned(),
        kind,
        confidential: readable.map(|seen| seen.area.id()).collect(),
        restricted: Audience::RESTRICTED.map(readers),
        among: visible.iter().map(|seen| seen.area.id()).collect(),
    };
    let mut paths: HashMap<AreaId, String> =
        visible.into_iter().map(|seen| (seen.area.id(), seen.area.full_path)).collect();
    let words = search::words(text);
    let found = search::search(conn, &wanted, limit)?.into_iter().map(|object| Found {
        path: paths.entry(AreaId(object.area_id)).or_default().clone(),
        excerpt: excerpt(&object, &words),
        object,
    });
    Ok(found.collect())
}

fn excerpt(object: &Resource, words: &[String]) -> Option<String> {
    let title = object.title.to_lowercase();
    if !object.title.is_empty() && words.iter().all(|word| title.contains(word)) {
        return None;
    }
    let payload: Value = serde_json::from_str(&object.payload).ok()?;
    let text = ["description", "body", "message"].into_iter().find_map(|key| payload[key].as_str())?;
    Some(around(text, words)).filter(|text| !text.is_empty())
}

/// The text around the first of these words, on one line.
fn around(text: &str, words: &[String]) -> String {
    let (length, before) = EXCERPT;
    let letters: Vec<char> = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().collect();
    // One small letter for each: some letters have more than one, and places must stay places.
    let small: Vec<char> = letters.iter().map(|c| c.to_lowercase().next().unwrap_or(*c)).collect();
    let place = |word: &String| {
        let word: Vec<char> = word.chars().collect();
        small.windows(word.len().max(1)).position(|window| window == word)
    };
    let at = words.iter().filter_map(place).min().unwrap_or(0);
    let from = at.saturating_sub(before);
    let to = (from + length).min(letters.len());
    let part: String = letters[from..to].iter().collect();
    let (left, right) = (if from > 0 { "…" } else { "" }, if to < letters.len() { "…" } else { "" });
    format!("{left}{}{right}", part.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_shows_the_word() {
        let text = format!("{} the Größe of\n\nthings {}", "a ".repeat(100), "b ".repeat(200));
        let part = around(&text, &["größe".to_owned()]);
        assert!(part.starts_with('…') && part.ends_with('…') && part.contains("the Größe of things"), "{part}");
        assert!(part.chars().count() <= 202);
        assert_eq!(around("short", &["word".to_owned()]), "short");
        assert_eq!(around("İstanbul", &["stanbul".to_owned()]), "İstanbul");
    }
}
