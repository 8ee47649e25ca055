//! What a query costs, by GitLab's rules: a field costs one, a connection multiplies what is in it by one percent for
//! each row that it may return.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned, Value as Constant, Variables,
    parser::{
        parse_query,
        types::{ExecutableDocument, Field, FragmentDefinition, OperationDefinition, Selection, SelectionSet},
    },
};

/// The most rows that a connection returns, and how many it returns unasked.
const PAGE: i32 = 100;

/// Fields that return a connection, in every type that is offered here.
const CONNECTIONS: &[&str] = &[
    "approvedBy",
    "assignees",
    "descendantGroups",
    "groupMemberships",
    "groups",
    "issues",
    "labels",
    "mergeRequests",
    "milestones",
    "notes",
    "pipelines",
    "projectMemberships",
    "projects",
    "reviewers",
    "testSuites",
    "timelogs",
    "vulnerabilities",
];

/// Fields that cost more than one by themselves: some by a price in GitLab's types, some because they read the repository.
const PRICES: &[(&str, i32)] = &[
    ("assignees", 5),
    ("labels", 5),
    ("mergedAt", 5),
    ("reviewers", 5),
    ("commitCount", 2),
    ("diffHeadSha", 2),
    ("diffStatsSummary", 2),
];

#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Cost {
    pub(crate) complexity: i32,
    pub(crate) depth: i32,
}

impl Cost {
    fn beside(self, other: Self) -> Self {
        Self { complexity: self.complexity.saturating_add(other.complexity), depth: self.depth.max(other.depth) }
    }
}

/// The cost of the operation that would be executed; `None` when the text is not GraphQL or names none.
pub(crate) fn cost(query: &str, operation: Option<&str>, variables: &Variables) -> Option<Cost> {
    let document = parse_query(query).ok()?;
    let walk = Walk { fragments: &document.fragments, operation: chosen(&document, operation)?, variables };
    Some(walk.set(&walk.operation.selection_set.node, 0))
}

fn chosen<'a>(document: &'a ExecutableDocument, name: Option<&str>) -> Option<&'a OperationDefinition> {
    document
        .operations
        .iter()
        .find(|(own, _)| name.is_none() || own.map(Name::as_str) == name)
        .map(|(_, definition)| &definition.node)
}

struct Walk<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    operation: &'a OperationDefinition,
    variables: &'a Variables,
}

/// Fragments that contain themselves are refused by the engine; here they only have to end.
const DEEPEST: i32 = 60;

impl Walk<'_> {
    fn set(&self, set: &SelectionSet, depth: i32) -> Cost {
        if depth > DEEPEST {
            return Cost::default();
        }
        set.items
            .iter()
            .map(|item| match &item.node {
                Selection::Field(field) => self.field(&field.node, depth),
                Selection::InlineFragment(part) => self.set(&part.node.selection_set.node, depth),
                Selection::FragmentSpread(spread) => self
                    .fragments
                    .get(&spread.node.fragment_name.node)
                    .map_or_else(Cost::default, |part| self.set(&part.node.selection_set.node, depth + 1)),
            })
            .fold(Cost::default(), Cost::beside)
    }

    fn field(&self, field: &Field, depth: i32) -> Cost {
        let name = field.name.node.as_str();
        if name.starts_with("__") {
            return Cost::default();
        }
        let inner = self.set(&field.selection_set.node, depth + 1);
        let price = PRICES.iter().find(|(one, _)| *one == name).map_or(1, |(_, price)| *price);
        let plain = inner.complexity.saturating_add(price);
        let complexity = if CONNECTIONS.contains(&name) { self.connection(field, plain) } else { plain };
        Cost { complexity, depth: inner.depth + 1 }
    }

    /// Sorting costs one more, searching five; asking for given iids is not multiplied.
    fn connection(&self, field: &Field, plain: i32) -> i32 {
        let mut own = plain;
        if self.argument(field, "sort").is_some() {
            own = own.saturating_add(1);
        }
        if self.argument(field, "search").is_some() {
            own = own.saturating_add(5);
        }
        if self.argument(field, "iid").or(self.argument(field, "iids")).is_some() {
            return own;
        }
        let rows = ["first", "last"]
            .iter()
            .filter_map(|name| self.argument(field, name))
            .filter_map(|value| match value {
                Constant::Number(n) => i32::try_from(n.as_i64()?).ok(),
                _ => None,
            })
            .fold(PAGE, i32::min)
            .max(0);
        let multiplied = i64::from(own) * i64::from(100 + rows) / 100;
        i32::try_from(multiplied).unwrap_or(i32::MAX)
    }

    fn variable(&self, name: &Name) -> Option<Constant> {
        let defined = self.operation.variable_definitions.iter();
        self.variables.get(name).cloned().or_else(|| {
            let one = defined.map(|one| &one.node).find(|one| one.name.node == *name)?;
            Some(one.default_value.as_ref()?.node.clone())
        })
    }

    /// The value of an argument, from the text or from a variable; `None` when it is absent or null.
    fn argument(&self, field: &Field, name: &str) -> Option<Constant> {
        let value = field.get_argument(name)?.node.clone();
        let value = value.into_const_with(|variable| self.variable(&variable).ok_or(())).ok()?;
        (value != Constant::Null).then_some(value)
    }
}
