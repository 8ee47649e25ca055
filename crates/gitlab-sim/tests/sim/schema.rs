//! Everything that the simulator offers is in GitLab's own schema, with the same types.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use graphql_parser::schema::{
    Definition, Document, EnumType, Field, InputValue, ObjectType, TypeDefinition, parse_schema,
};

const BUILT_IN: [&str; 5] = ["ID", "String", "Int", "Float", "Boolean"];

type Types<'a> = HashMap<&'a str, &'a TypeDefinition<'a, String>>;

fn types<'a>(document: &'a Document<'a, String>) -> Types<'a> {
    document
        .definitions
        .iter()
        .filter_map(|one| match one {
            Definition::TypeDefinition(definition) => Some((name(definition), definition)),
            _ => None,
        })
        .collect()
}

fn name<'a>(definition: &'a TypeDefinition<'a, String>) -> &'a str {
    match definition {
        TypeDefinition::Scalar(one) => &one.name,
        TypeDefinition::Object(one) => &one.name,
        TypeDefinition::Interface(one) => &one.name,
        TypeDefinition::Union(one) => &one.name,
        TypeDefinition::Enum(one) => &one.name,
        TypeDefinition::InputObject(one) => &one.name,
    }
}

/// What is offered and not in the real schema, or otherwise there.
fn differences(offered: &str, real: &str) -> Vec<String> {
    let offered: Document<String> = parse_schema(offered).unwrap();
    let real: Document<String> = parse_schema(real).unwrap();
    let real = types(&real);
    let mut out = Vec::new();
    for (name, ours) in types(&offered) {
        match (ours, real.get(name)) {
            (TypeDefinition::Object(ours), Some(TypeDefinition::Object(theirs))) => {
                objects(ours, theirs, &mut out);
            }
            (TypeDefinition::Enum(ours), Some(TypeDefinition::Enum(theirs))) => {
                enums(ours, theirs, &mut out);
            }
            (TypeDefinition::Scalar(_), Some(TypeDefinition::Scalar(_))) => {}
            (TypeDefinition::Scalar(_), None) if BUILT_IN.contains(&name) => {}
            (_, other) => out.push(format!("{name}: {}", if other.is_some() { "of another sort" } else { "unknown" })),
        }
    }
    out.sort();
    out
}

fn objects<'a>(ours: &ObjectType<'a, String>, theirs: &ObjectType<'a, String>, out: &mut Vec<String>) {
    let known: HashMap<&str, &Field<'a, String>> =
        theirs.fields.iter().map(|field| (field.name.as_str(), field)).collect();
    for field in &ours.fields {
        let place = format!("{}.{}", ours.name, field.name);
        match known.get(field.name.as_str()) {
            None => out.push(format!("{place}: unknown")),
            Some(real) => {
                if field.field_type != real.field_type {
                    out.push(format!("{place}: {} instead of {}", field.field_type, real.field_type));
                }
                arguments(&place, &field.arguments, &real.arguments, out);
            }
        }
    }
}

fn arguments(place: &str, ours: &[InputValue<String>], theirs: &[InputValue<String>], out: &mut Vec<String>) {
    let known: BTreeMap<&str, String> =
        theirs.iter().map(|one| (one.name.as_str(), one.value_type.to_string())).collect();
    for one in ours {
        let wanted = one.value_type.to_string();
        match known.get(one.name.as_str()) {
            None => out.push(format!("{place}({}): unknown", one.name)),
            Some(real) if *real != wanted => {
                out.push(format!("{place}({}): {wanted} instead of {real}", one.name));
            }
            Some(_) => {}
        }
    }
    for one in theirs {
        let required = one.value_type.to_string().ends_with('!') && one.default_value.is_none();
        if required && ours.iter().all(|own| own.name != one.name) {
            out.push(format!("{place}({}): required, not offered", one.name));
        }
    }
}

fn enums(ours: &EnumType<String>, theirs: &EnumType<String>, out: &mut Vec<String>) {
    for value in &ours.values {
        if theirs.values.iter().all(|one| one.name != value.name) {
            out.push(format!("{}.{}: unknown", ours.name, value.name));
        }
    }
}

fn real_schema() -> Result<String, PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/gitlab/schema.graphql");
    let path = std::env::var_os("TRAWL_GITLAB_SCHEMA").map_or(beside, PathBuf::from);
    std::fs::read_to_string(&path).map_err(|_| path)
}

#[test]
fn offers_nothing_that_gitlab_does_not() {
    let real = match real_schema() {
        Ok(real) => real,
        Err(path) => {
            eprintln!(
                "skipped: the comparison with GitLab's schema; {} is not there. Set TRAWL_GITLAB_SCHEMA to its file.",
                path.display()
            );
            return;
        }
    };
    let differences = differences(&trawl_gitlab_sim::sdl(), &real);
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_comparison_finds_what_differs() {
    let real = "type Query { a(x: Int!, z: Int = 1): Int b: String } enum E { ONE } scalar Time";
    let offered = "type Query { a(x: Int): Int! b: String c: Int d: F } enum E { ONE TWO } type F { g: Int } type Time { h: Int }";
    assert_eq!(
        differences(offered, real),
        [
            "E.TWO: unknown",
            "F: unknown",
            "Query.a(x): Int instead of Int!",
            "Query.a: Int! instead of Int",
            "Query.c: unknown",
            "Query.d: unknown",
            "Time: of another sort",
        ]
    );
    assert_eq!(differences("type Query { a(z: Int): Int }", real), ["Query.a(x): required, not offered"]);
}
