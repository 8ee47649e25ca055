//! Holds our subset of the schema and our documents against a full schema of GitLab, where one is at hand.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use graphql_parser::query::{self, Selection, SelectionSet, TypeCondition};
use graphql_parser::schema::{self, Definition, TypeDefinition};

type Arguments = BTreeMap<String, (String, bool)>;

/// A type's fields: the type of each and its arguments (type, and whether one must be given).
#[derive(Default)]
struct Schema {
    fields: BTreeMap<String, BTreeMap<String, (String, Arguments)>>,
    enums: BTreeMap<String, BTreeSet<String>>,
    scalars: BTreeSet<String>,
}

impl Schema {
    fn parse(text: &str) -> Self {
        let document: schema::Document<'_, &str> = graphql_parser::parse_schema(text).unwrap();
        let mut schema = Self::default();
        for definition in &document.definitions {
            let Definition::TypeDefinition(definition) = definition else { continue };
            match definition {
                TypeDefinition::Object(object) => schema.add(object.name, &object.fields),
                TypeDefinition::Interface(interface) => schema.add(interface.name, &interface.fields),
                TypeDefinition::Enum(list) => {
                    let values = list.values.iter().map(|value| value.name.to_owned()).collect();
                    schema.enums.insert(list.name.to_owned(), values);
                }
                TypeDefinition::Scalar(scalar) => {
                    schema.scalars.insert(scalar.name.to_owned());
                }
                TypeDefinition::Union(_) | TypeDefinition::InputObject(_) => {}
            }
        }
        schema
    }

    fn add<'a>(&mut self, name: &str, fields: &[schema::Field<'a, &'a str>]) {
        let fields = fields.iter().map(|field| {
            let arguments = field.arguments.iter().map(|argument| {
                let required =
                    matches!(argument.value_type, schema::Type::NonNullType(_)) && argument.default_value.is_none();
                (argument.name.to_owned(), (argument.value_type.to_string(), required))
            });
            (field.name.to_owned(), (field.field_type.to_string(), arguments.collect()))
        });
        self.fields.insert(name.to_owned(), fields.collect());
    }
}

fn full_schema() -> Option<Schema> {
    let path = std::env::var_os("TRAWL_GITLAB_SCHEMA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/gitlab/schema.graphql"),
        PathBuf::from,
    );
    if let Ok(text) = fs::read_to_string(&path) {
        return Some(Schema::parse(&text));
    }
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    {
        eprintln!(
            "skipped: no full GitLab schema at {} (set TRAWL_GITLAB_SCHEMA); our documents are not compared with it",
            path.display()
        );
    }
    None
}

fn ours() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("graphql")
}

fn subset() -> Schema {
    Schema::parse(&fs::read_to_string(ours().join("schema.graphql")).unwrap())
}

fn documents() -> Vec<(String, String)> {
    let mut documents = Vec::new();
    for entry in fs::read_dir(ours()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name != "schema.graphql" {
            documents.push((name, fs::read_to_string(path).unwrap()));
        }
    }
    assert!(documents.len() >= 9, "documents are missing");
    documents
}

/// What in `part` is not as in `whole`.
fn differences(part: &Schema, whole: &Schema) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, fields) in &part.fields {
        let Some(theirs) = whole.fields.get(name) else {
            wrong.push(format!("type {name} does not exist"));
            continue;
        };
        for (field, (kind, arguments)) in fields {
            let Some((their_kind, their_arguments)) = theirs.get(field) else {
                wrong.push(format!("{name}.{field} does not exist"));
                continue;
            };
            if kind != their_kind {
                wrong.push(format!("{name}.{field} is {their_kind}, not {kind}"));
            }
            for (argument, (kind, _)) in arguments {
                match their_arguments.get(argument) {
                    Some((their_kind, _)) if kind == their_kind => {}
                    Some((their_kind, _)) => {
                        wrong.push(format!("{name}.{field}({argument}) is {their_kind}, not {kind}"));
                    }
                    None => wrong.push(format!("{name}.{field}({argument}) does not exist")),
                }
            }
        }
    }
    for (name, values) in &part.enums {
        let theirs = whole.enums.get(name).cloned().unwrap_or_default();
        wrong.extend(values.difference(&theirs).map(|value| format!("{name}.{value} does not exist")));
    }
    wrong.extend(part.scalars.difference(&whole.scalars).map(|name| format!("scalar {name} does not exist")));
    wrong
}

/// Walks a document along the schema and remembers which fields it asks for.
struct Walk<'a> {
    schema: &'a Schema,
    fragments: BTreeMap<&'a str, &'a query::FragmentDefinition<'a, &'a str>>,
    variables: BTreeMap<&'a str, String>,
    asked: BTreeSet<(String, String)>,
    wrong: Vec<String>,
}

impl<'a> Walk<'a> {
    fn over(document: &'a query::Document<'a, &'a str>, schema: &'a Schema) -> Self {
        let mut walk = Walk {
            schema,
            fragments: BTreeMap::new(),
            variables: BTreeMap::new(),
            asked: BTreeSet::new(),
            wrong: Vec::new(),
        };
        let mut roots = Vec::new();
        for definition in &document.definitions {
            match definition {
                query::Definition::Fragment(fragment) => {
                    walk.fragments.insert(fragment.name, fragment);
                }
                query::Definition::Operation(query::OperationDefinition::Query(operation)) => {
                    for variable in &operation.variable_definitions {
                        walk.variables.insert(variable.name, variable.var_type.to_string());
                    }
                    roots.push(&operation.selection_set);
                }
                query::Definition::Operation(_) => walk.wrong.push("an operation that is not a query".to_owned()),
            }
        }
        for root in roots {
            walk.set("Query", root);
        }
        walk
    }

    fn set(&mut self, on: &str, set: &'a SelectionSet<'a, &'a str>) {
        for selection in &set.items {
            match selection {
                Selection::Field(field) => self.field(on, field),
                Selection::FragmentSpread(spread) => match self.fragments.get(spread.fragment_name).copied() {
                    Some(fragment) => {
                        let TypeCondition::On(condition) = &fragment.type_condition;
                        if *condition != on {
                            self.wrong.push(format!("fragment {} is on {condition}, used on {on}", fragment.name));
                        }
                        self.set(condition, &fragment.selection_set);
                    }
                    None => self.wrong.push(format!("no fragment {}", spread.fragment_name)),
                },
                Selection::InlineFragment(_) => self.wrong.push("an inline fragment".to_owned()),
            }
        }
    }

    fn field(&mut self, on: &str, field: &'a query::Field<'a, &'a str>) {
        let schema = self.schema;
        let Some((kind, arguments)) = schema.fields.get(on).and_then(|fields| fields.get(field.name)) else {
            self.wrong.push(format!("{on}.{} does not exist", field.name));
            return;
        };
        self.asked.insert((on.to_owned(), field.name.to_owned()));
        self.arguments(on, field, arguments);
        let named = kind.trim_matches(['[', ']', '!']);
        if schema.fields.contains_key(named) == field.selection_set.items.is_empty() {
            self.wrong.push(format!(
                "{on}.{} must {} a selection",
                field.name,
                if field.selection_set.items.is_empty() { "have" } else { "not have" }
            ));
        }
        self.set(named, &field.selection_set);
    }

    fn arguments(&mut self, on: &str, field: &query::Field<'a, &'a str>, known: &Arguments) {
        for (name, value) in &field.arguments {
            match (known.get(*name), value) {
                (None, _) => self.wrong.push(format!("{on}.{}({name}) does not exist", field.name)),
                (Some((kind, _)), query::Value::Variable(variable)) => {
                    let declared = self.variables.get(variable).cloned().unwrap_or_default();
                    if declared != *kind && declared.strip_suffix('!') != Some(kind) {
                        self.wrong.push(format!("{on}.{}({name}) is {kind}, ${variable} is {declared:?}", field.name));
                    }
                }
                (Some((kind, _)), query::Value::Enum(value)) => {
                    let values = self.schema.enums.get(kind.trim_end_matches('!'));
                    if !values.is_some_and(|values| values.contains(*value)) {
                        self.wrong.push(format!("{value} is not a {kind}"));
                    }
                }
                _ => {}
            }
        }
        for (name, (_, required)) in known {
            if *required && !field.arguments.iter().any(|(given, _)| given == name) {
                self.wrong.push(format!("{on}.{} needs {name}", field.name));
            }
        }
    }
}

#[test]
fn our_schema_is_a_part_of_gitlabs() {
    let Some(full) = full_schema() else { return };
    assert_eq!(differences(&subset(), &full), Vec::<String>::new());
}

#[test]
fn our_documents_are_valid_for_gitlab() {
    let Some(full) = full_schema() else { return };
    for (name, text) in documents() {
        let document = graphql_parser::parse_query(&text).unwrap();
        assert_eq!(Walk::over(&document, &full).wrong, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn our_schema_holds_what_we_ask_for_and_nothing_else() {
    let subset = subset();
    let mut asked = BTreeSet::new();
    for (name, text) in documents() {
        let document = graphql_parser::parse_query(&text).unwrap();
        let walk = Walk::over(&document, &subset);
        assert_eq!(walk.wrong, Vec::<String>::new(), "{name}");
        asked.extend(walk.asked);
    }
    let known =
        subset.fields.iter().flat_map(|(on, fields)| fields.keys().map(move |field| (on.clone(), field.clone())));
    let unused: Vec<_> = known.filter(|field| !asked.contains(field)).collect();
    assert_eq!(unused, Vec::<(String, String)>::new());
}

#[test]
fn every_optional_field_may_be_absent() {
    let subset = subset();
    for (name, text) in documents() {
        for line in text.lines().filter_map(|line| line.strip_suffix(" # optional")) {
            let field = line.trim().trim_end_matches([' ', '{']);
            let kinds: Vec<_> = subset.fields.values().filter_map(|fields| fields.get(field)).collect();
            assert!(!kinds.is_empty(), "{name}: {field}");
            assert!(kinds.iter().any(|(kind, _)| !kind.ends_with('!')), "{name}: {field} is never null");
        }
    }
}

#[test]
fn a_wrong_subset_is_found_out() {
    let whole = Schema::parse("type Query { a(x: Int!): String! b: E } enum E { one }");
    let part =
        Schema::parse("scalar S type Query { a(x: Int, y: Int): String c: Int } type T { d: Int } enum E { two }");
    let wrong = differences(&part, &whole);
    assert_eq!(wrong.len(), 7, "{wrong:#?}");
}
