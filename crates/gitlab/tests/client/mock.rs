//! The client against a server that makes up its answers from GitLab's own schema: everything that may be null is null now
//! and then, lists are of any length, and enums have values that nobody knows.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use graphql_parser::query::{self, Definition, OperationDefinition, Selection, SelectionSet, TypeCondition};
use graphql_parser::schema::{self, Type, TypeDefinition};
use rand::rngs::SmallRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use serde_json::{Map, Value, json};
use trawl_gitlab::{Client, Cursor, Error, IssuesQuery, MergeRequestsQuery, NotesOf, NotesQuery, Page};
use wiremock::{MockServer, Request, Respond, ResponseTemplate};

use crate::server::{client, graphql};

/// A value that no enum of GitLab's has.
const UNKNOWN: &str = "SOMETHING_NEW";
/// Answers to each operation.
const TIMES: u64 = 60;

type Fields = HashMap<String, Type<'static, &'static str>>;

/// Types by name; the whole schema where it is at hand, else our part of it.
struct Schema {
    objects: HashMap<String, Fields>,
    enums: HashMap<String, Vec<String>>,
}

impl Schema {
    fn read() -> Self {
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("graphql/schema.graphql");
        let whole = std::env::var_os("TRAWL_GITLAB_SCHEMA").map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/gitlab/schema.graphql"),
            PathBuf::from,
        );
        let text = std::fs::read_to_string(whole).or_else(|_| std::fs::read_to_string(ours)).unwrap();
        let text: &'static str = Box::leak(text.into_boxed_str());
        let document: schema::Document<'static, &'static str> = graphql_parser::parse_schema(text).unwrap();
        let (mut objects, mut enums) = (HashMap::new(), HashMap::new());
        for definition in document.definitions {
            let schema::Definition::TypeDefinition(definition) = definition else { continue };
            match definition {
                TypeDefinition::Object(object) => {
                    let fields = object.fields.into_iter().map(|field| (field.name.to_owned(), field.field_type));
                    objects.insert(object.name.to_owned(), fields.collect());
                }
                TypeDefinition::Interface(object) => {
                    let fields = object.fields.into_iter().map(|field| (field.name.to_owned(), field.field_type));
                    objects.insert(object.name.to_owned(), fields.collect());
                }
                TypeDefinition::Enum(list) => {
                    enums.insert(list.name.to_owned(), list.values.iter().map(|value| value.name.to_owned()).collect());
                }
                _ => {}
            }
        }
        Self { objects, enums }
    }
}

/// How an answer is made up.
#[derive(Clone, Copy)]
struct Mood {
    /// How often what may be null is.
    nulls: f64,
    /// How often a value of an enum is one that nobody knows.
    news: f64,
}

const CAPRICIOUS: Mood = Mood { nulls: 0.3, news: 0.2 };
const NEWER: Mood = Mood { nulls: 0.0, news: 1.0 };

struct Maker<'a> {
    schema: &'a Schema,
    fragments: HashMap<&'a str, (&'a str, &'a SelectionSet<'a, &'a str>)>,
    mood: Mood,
    dice: SmallRng,
}

impl<'a> Maker<'a> {
    fn object(&mut self, name: &str, set: &'a SelectionSet<'a, &'a str>) -> Value {
        let mut object = Map::new();
        self.fill(name, set, &mut object);
        Value::Object(object)
    }

    fn fill(&mut self, name: &str, set: &'a SelectionSet<'a, &'a str>, object: &mut Map<String, Value>) {
        for selection in &set.items {
            match selection {
                Selection::Field(field) => {
                    let kind =
                        self.schema.objects[name].get(field.name).unwrap_or_else(|| panic!("{name}.{}", field.name));
                    let value = self.value(kind, name, field.name, &field.selection_set);
                    object.insert(field.alias.unwrap_or(field.name).to_owned(), value);
                }
                Selection::FragmentSpread(spread) => {
                    let (on, set) = self.fragments[spread.fragment_name];
                    self.fill(on, set, object);
                }
                Selection::InlineFragment(inline) => self.fill(name, &inline.selection_set, object),
            }
        }
    }

    fn value(
        &mut self,
        kind: &Type<'static, &'static str>,
        on: &str,
        field: &str,
        set: &'a SelectionSet<'a, &'a str>,
    ) -> Value {
        match kind {
            Type::NonNullType(inner) => self.present(inner, on, field, set),
            _ if self.dice.random_bool(self.mood.nulls) => Value::Null,
            other => self.present(other, on, field, set),
        }
    }

    fn present(
        &mut self,
        kind: &Type<'static, &'static str>,
        on: &str,
        field: &str,
        set: &'a SelectionSet<'a, &'a str>,
    ) -> Value {
        match kind {
            Type::NonNullType(inner) => self.present(inner, on, field, set),
            Type::ListType(inner) => {
                let length = self.dice.random_range(0..4);
                (0..length).map(|_| self.value(inner, on, field, set)).collect()
            }
            Type::NamedType(name) if self.schema.objects.contains_key(*name) => self.object(name, set),
            // A text to the schema, a number to everybody else.
            Type::NamedType(_) if field == "iid" => json!(self.dice.random_range(1..10_000).to_string()),
            Type::NamedType(name) => self.leaf(name, on),
        }
    }

    fn leaf(&mut self, name: &str, on: &str) -> Value {
        if let Some(values) = self.schema.enums.get(name) {
            let known = &values[self.dice.random_range(0..values.len())];
            return if self.dice.random_bool(self.mood.news) { json!(UNKNOWN) } else { json!(known) };
        }
        let number = self.dice.random_range(1..1_000_000_000_u64);
        match name {
            "Boolean" => json!(self.dice.random_bool(0.5)),
            "Int" => json!(self.dice.random_range(-1..100_000)),
            "Float" => json!(1.5),
            "BigInt" => json!(number.to_string()),
            "Time" => json!("2026-01-02T03:04:05Z"),
            "Date" | "ISO8601Date" => json!("2026-01-02"),
            _ if name.ends_with("ID") => {
                let of = name.strip_suffix("ID").filter(|of| !of.is_empty()).unwrap_or(on);
                json!(format!("gid://gitlab/{of}/{number}"))
            }
            _ => json!("text \u{1F980}\u{0}\"\\"),
        }
    }
}

/// Makes up an answer to each request, and keeps the last one.
struct MadeUp {
    schema: Arc<Schema>,
    mood: Mood,
    dice: Mutex<SmallRng>,
    last: Arc<Mutex<Value>>,
}

impl Respond for MadeUp {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let text = body["query"].as_str().unwrap();
        let document: query::Document<'_, &str> = graphql_parser::parse_query(text).unwrap();
        let (mut fragments, mut operation) = (HashMap::new(), None);
        for definition in &document.definitions {
            match definition {
                Definition::Fragment(fragment) => {
                    let TypeCondition::On(on) = fragment.type_condition;
                    fragments.insert(fragment.name, (on, &fragment.selection_set));
                }
                Definition::Operation(OperationDefinition::Query(query)) => operation = Some(&query.selection_set),
                Definition::Operation(other) => panic!("{other}"),
            }
        }
        let dice = SmallRng::seed_from_u64(self.dice.lock().unwrap().next_u64());
        let mut maker = Maker { schema: &self.schema, fragments, mood: self.mood, dice };
        let answer = maker.object("Query", operation.unwrap());
        *self.last.lock().unwrap() = answer.clone();
        ResponseTemplate::new(200).set_body_json(json!({ "data": answer }))
    }
}

async fn server(mood: Mood) -> (Client, MockServer, Arc<Mutex<Value>>) {
    let server = MockServer::start().await;
    let last = Arc::new(Mutex::new(Value::Null));
    let dice = Mutex::new(SmallRng::seed_from_u64(7));
    let made_up = MadeUp { schema: Arc::new(Schema::read()), mood, dice, last: Arc::clone(&last) };
    graphql().respond_with(made_up).mount(&server).await;
    (client(&server), server, last)
}

/// Whatever was in the list is in the page, or is named as left out.
fn all_there<T>(page: Result<Page<T>, Error>, answer: &Value, list: &str) {
    let nodes = answer.pointer(list).and_then(Value::as_array);
    let there = nodes.map_or(0, Vec::len);
    match page {
        Ok(page) => assert_eq!(page.items.len() + page.skipped.len(), there, "{list}: {:?}", page.skipped),
        // A project that is not shown, or a page that says that there is a next one and not where.
        Err(Error::NotFound | Error::Forbidden | Error::Server { .. } | Error::Query { .. }) => {}
        Err(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn nothing_that_the_schema_allows_is_a_surprise() {
    let (client, _server, last) = server(CAPRICIOUS).await;
    let answer = || last.lock().unwrap().clone();
    let note = NotesQuery { iid: 7, after: Some(Cursor::new("c")) };
    for _ in 0..TIMES {
        client.current_user().await.ok();
        client.group("acme").await.ok();
        client.project("acme/hammer").await.ok();
        client.notes_batch(NotesOf::Issues, "acme/hammer", std::slice::from_ref(&note)).await.ok();
        client.notes_batch(NotesOf::MergeRequests, "acme/hammer", std::slice::from_ref(&note)).await.ok();
        all_there(client.groups(None).await, &answer(), "/groups/nodes");
        all_there(client.projects(None).await, &answer(), "/projects/nodes");
        all_there(client.issues("acme/hammer", &IssuesQuery::default()).await, &answer(), "/project/issues/nodes");
        let merge_requests = client.merge_requests("acme/hammer", &MergeRequestsQuery::default()).await;
        all_there(merge_requests, &answer(), "/project/mergeRequests/nodes");
        let vulnerabilities = client.vulnerabilities("acme/hammer", None, 100).await;
        all_there(vulnerabilities, &answer(), "/project/vulnerabilities/nodes");
        client.test_reports("acme/hammer", None, 50, None).await.ok();
    }
}

#[tokio::test]
async fn a_newer_gitlab_loses_nothing() {
    let (client, _server, last) = server(NEWER).await;
    let count = |list: &str| last.lock().unwrap().pointer(list).and_then(Value::as_array).map_or(0, Vec::len);
    let mut seen = 0;
    for _ in 0..TIMES {
        let issues = client.issues("acme/hammer", &IssuesQuery::default()).await.unwrap();
        assert_eq!(issues.skipped, [""; 0]);
        assert_eq!(issues.items.len(), count("/project/issues/nodes"));
        for issue in &issues.items {
            assert_eq!(json!(issue)["state"], UNKNOWN, "{issue:?}");
        }
        let merge_requests = client.merge_requests("acme/hammer", &MergeRequestsQuery::default()).await.unwrap();
        assert_eq!(merge_requests.skipped, [""; 0]);
        assert_eq!(merge_requests.items.len(), count("/project/mergeRequests/nodes"));
        let vulnerabilities = client.vulnerabilities("acme/hammer", None, 100).await.unwrap();
        assert_eq!(vulnerabilities.skipped, [""; 0]);
        assert_eq!(vulnerabilities.items.len(), count("/project/vulnerabilities/nodes"));
        let reports = client.test_reports("acme/hammer", None, 50, None).await.unwrap();
        assert_eq!(reports.skipped, [""; 0]);
        seen += issues.items.len() + merge_requests.items.len() + vulnerabilities.items.len();
    }
    assert!(seen > 20);
}
