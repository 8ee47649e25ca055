//! What GitLab charges for a query, computed before it is sent.
//!
//! GitLab adds up a query's fields and refuses it above a limit. The rules (`Types::BaseField` and
//! `Resolvers::BaseResolver` in its source):
//!
//! - a field costs 1 plus what is selected below it; one that reads the repository costs 1 more, some have a price;
//! - `sort` adds 1 and `search` 5;
//! - a connection multiplies all that by 1 + 0.01 · page size, and the result is cut to a whole number; `iid` and `iids`
//!   take that multiplication away.
//!
//! GitLab multiplies only some connections and has some prices on some types only. We multiply each and know prices by
//! field name, so our number is an upper bound.

use std::collections::HashMap;

use graphql_parser::query::{
    Definition, Document, Field, FragmentDefinition, OperationDefinition, ParseError, Selection, SelectionSet, Value,
    VariableDefinition,
};

/// What a query of a signed-in user may cost. (Anonymous: 200.)
pub const LIMIT: u32 = 250;

/// GitLab's largest page, which it also assumes where none is asked for.
const MAX_PAGE: i64 = 100;

/// Fields that cost more than 1 by themselves.
const PRICES: &[(&str, u32)] = &[
    // constants in GitLab's types
    ("assignees", 5),
    ("labels", 5),
    ("mergedAt", 5),
    ("reviewers", 5),
    // read the repository
    ("commitCount", 2),
    ("diffHeadSha", 2),
    ("diffStatsSummary", 2),
];

/// The cost of the document's operation with these variables (a JSON object).
///
/// It is meant for documents that are valid: a fragment that does not exist costs nothing.
pub fn of(document: &str, variables: &serde_json::Value) -> Result<u32, ParseError> {
    let document: Document<'static, String> = graphql_parser::parse_query::<String>(document)?.into_static();
    let mut fragments = HashMap::new();
    let mut operation = None;
    for definition in &document.definitions {
        match definition {
            Definition::Fragment(fragment) => {
                fragments.insert(fragment.name.as_str(), fragment);
            }
            Definition::Operation(found) => operation = Some(found),
        }
    }
    let (declared, selection): (&[VariableDefinition<'static, String>], _) = match operation {
        Some(OperationDefinition::Query(query)) => (&query.variable_definitions, &query.selection_set),
        Some(OperationDefinition::SelectionSet(selection)) => (&[], selection),
        Some(OperationDefinition::Mutation(mutation)) => (&mutation.variable_definitions, &mutation.selection_set),
        Some(OperationDefinition::Subscription(sub)) => (&sub.variable_definitions, &sub.selection_set),
        None => return Ok(0),
    };
    Ok(Calculator { fragments, declared, variables }.selection(selection, &mut Vec::new()))
}

struct Calculator<'a> {
    fragments: HashMap<&'a str, &'a FragmentDefinition<'static, String>>,
    declared: &'a [VariableDefinition<'static, String>],
    variables: &'a serde_json::Value,
}

impl<'a> Calculator<'a> {
    /// `inside` are the fragments that we are in: a circle, which GitLab refuses, would never end.
    fn selection(&self, set: &'a SelectionSet<'static, String>, inside: &mut Vec<&'a str>) -> u32 {
        let mut cost: u32 = 0;
        for selection in &set.items {
            cost = cost.saturating_add(match selection {
                Selection::Field(field) => self.field(field, inside),
                Selection::InlineFragment(fragment) => self.selection(&fragment.selection_set, inside),
                Selection::FragmentSpread(spread) => match self.fragments.get(spread.fragment_name.as_str()) {
                    Some(fragment) if !inside.contains(&fragment.name.as_str()) => {
                        inside.push(&fragment.name);
                        let cost = self.selection(&fragment.selection_set, inside);
                        inside.pop();
                        cost
                    }
                    _ => 0,
                },
            });
        }
        cost
    }

    fn field(&self, field: &'a Field<'static, String>, inside: &mut Vec<&'a str>) -> u32 {
        let own = PRICES.iter().find(|(name, _)| *name == field.name).map_or(1, |(_, price)| *price);
        let sort = u32::from(self.argument(field, "sort").is_some());
        let search = if self.argument(field, "search").is_some() { 5 } else { 0 };
        let cost = self.selection(&field.selection_set, inside).saturating_add(own + sort + search);
        let percent = u64::from(cost) * (100 + self.rows(field));
        u32::try_from(percent / 100).unwrap_or(u32::MAX)
    }

    /// Rows that the field is multiplied for.
    fn rows(&self, field: &Field<'static, String>) -> u64 {
        let by_iid = ["iid", "iids"].iter().any(|name| self.argument(field, name).is_some());
        if by_iid || !is_connection(field) {
            return 0;
        }
        ["first", "last"]
            .iter()
            .filter_map(|name| self.argument(field, name)?.as_i64())
            .chain([MAX_PAGE])
            .min()
            .and_then(|rows| u64::try_from(rows).ok())
            .unwrap_or(0)
    }

    /// An argument's value, unless it is null: GitLab treats that as not given.
    fn argument(&self, field: &Field<'static, String>, name: &str) -> Option<serde_json::Value> {
        let (_, value) = field.arguments.iter().find(|(argument, _)| argument == name)?;
        let value = match value {
            Value::Variable(variable) => match self.variables.get(variable) {
                Some(given) => given.clone(),
                None => self.default_of(variable)?,
            },
            literal => to_json(literal),
        };
        (!value.is_null()).then_some(value)
    }

    fn default_of(&self, variable: &str) -> Option<serde_json::Value> {
        let declared = self.declared.iter().find(|declared| declared.name == variable)?;
        declared.default_value.as_ref().map(to_json)
    }
}

/// GitLab knows by type; the selection tells as well.
fn is_connection(field: &Field<'static, String>) -> bool {
    let pages = field.arguments.iter().any(|(name, _)| matches!(name.as_str(), "first" | "last" | "after" | "before"));
    let nodes = field.selection_set.items.iter().any(|selection| {
        matches!(selection, Selection::Field(inner) if matches!(inner.name.as_str(), "nodes" | "edges" | "pageInfo"))
    });
    pages || nodes
}

/// Only numbers matter, and whether there is a value at all.
fn to_json(value: &Value<'static, String>) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Int(number) => number.as_i64().into(),
        _ => true.into(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::of;

    fn cost(document: &str) -> u32 {
        of(document, &json!({})).unwrap()
    }

    #[test]
    fn plain_fields_cost_one_each() {
        assert_eq!(cost("{ currentUser { id name } metadata { version } }"), 5);
    }

    #[test]
    fn a_connection_multiplies_its_subtree() {
        // nodes + id = 2, + 1 for issues, doubled; + 1 for project
        assert_eq!(cost("{ project(fullPath: 1) { issues(first: 100) { nodes { id } } } }"), 7);
        assert_eq!(cost("{ project(fullPath: 1) { issues { nodes { id } } } }"), 7);
        assert_eq!(cost("{ project(fullPath: 1) { issues(first: 5000) { nodes { id } } } }"), 7);
        assert_eq!(cost("{ project(fullPath: 1) { issues(iids: 1, first: 100) { nodes { id } } } }"), 4);
        // (2 + 1 + 1) · 1.5 = 6
        assert_eq!(cost("{ issues(sort: UPDATED_ASC, first: 50) { nodes { id } } }"), 6);
        assert_eq!(cost("{ issues(search: \"x\", first: 50) { nodes { id } } }"), 12);
    }

    #[test]
    fn variables_and_their_defaults_count() {
        let query = "query Q($n: Int = 50) { issues(first: $n) { nodes { ...F } } } fragment F on Issue { id title }";
        assert_eq!(of(query, &json!({})).unwrap(), 6);
        assert_eq!(of(query, &json!({ "n": 100 })).unwrap(), 8);
    }

    #[test]
    fn a_circle_of_fragments_ends() {
        assert_eq!(cost("{ ...A } fragment A on Query { x ...B } fragment B on Query { y ...A }"), 2);
    }

    proptest! {
        #[test]
        fn a_longer_page_never_costs_less(rows in 0_i64..200, inner in 0_i64..200) {
            let query = "query Q($n: Int, $m: Int) { issues(first: $n) { nodes { notes(first: $m) { nodes { id body } } } } }";
            let at = |n: i64, m: i64| of(query, &json!({ "n": n, "m": m })).unwrap();
            prop_assert!(at(rows, inner) <= at(rows + 1, inner));
            prop_assert!(at(rows, inner) <= at(rows, inner + 1));
            prop_assert!(at(rows, inner) <= at(100, 100));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = of(&text, &json!({}));
        }
    }
}
