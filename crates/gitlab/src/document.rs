//! Fields that only some editions or versions of GitLab have.
//!
//! GitLab refuses a whole query for one unknown field, so a document marks such a line with `# optional`; once an
//! instance refuses it, the client sends its documents to that instance without the line, or without the whole block
//! that the line opens.

use std::borrow::Cow;
use std::collections::BTreeSet;

const MARK: &str = "# optional";

/// The document without the optional fields that are named in `missing`.
pub(crate) fn without<'a>(query: &'a str, missing: &BTreeSet<String>) -> Cow<'a, str> {
    if missing.is_empty() {
        return Cow::Borrowed(query);
    }
    let mut kept = String::with_capacity(query.len());
    // Braces that are open since a field was left out.
    let mut open: usize = 0;
    for line in query.lines() {
        let leaves_out = optional_field(line).is_some_and(|field| missing.contains(field));
        if open > 0 || leaves_out {
            open = (open + line.matches('{').count()).saturating_sub(line.matches('}').count());
        } else {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    Cow::Owned(kept)
}

/// The optional fields of the document that the instance says do not exist.
///
/// The first wording is GitLab's; the second is that of other GraphQL engines.
pub(crate) fn missing_optional(query: &str, messages: &[String]) -> BTreeSet<String> {
    query
        .lines()
        .filter_map(optional_field)
        .filter(|field| {
            let wordings =
                [format!("Field '{field}' doesn't exist on type"), format!("Unknown field \"{field}\" on type")];
            messages.iter().any(|message| wordings.iter().any(|wording| message.contains(wording)))
        })
        .map(str::to_owned)
        .collect()
}

fn optional_field(line: &str) -> Option<&str> {
    let field = line.trim().strip_suffix(MARK)?;
    Some(field.trim_end_matches([' ', '{']))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &str =
        "{\n  title\n  weight # optional\n  spot { # optional\n    at {\n      x\n    }\n  }\n  id\n}\n";

    fn missing(message: &str) -> BTreeSet<String> {
        missing_optional(QUERY, &[message.to_owned()])
    }

    #[test]
    fn a_missing_line_goes() {
        let missing = missing("Field 'weight' doesn't exist on type 'Issue'");
        assert_eq!(missing, BTreeSet::from(["weight".to_owned()]));
        assert_eq!(without(QUERY, &missing), QUERY.replace("  weight # optional\n", ""));
    }

    #[test]
    fn a_missing_block_goes_whole() {
        let missing = missing("Unknown field \"spot\" on type \"Note\".");
        assert_eq!(without(QUERY, &missing), "{\n  title\n  weight # optional\n  id\n}\n");
    }

    #[test]
    fn what_is_not_marked_stays() {
        assert!(missing("Field 'title' doesn't exist on type 'Issue'").is_empty());
        assert_eq!(without(QUERY, &BTreeSet::from(["title".to_owned()])), QUERY);
    }
}
