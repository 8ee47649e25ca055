//! The API described for programs: made from the handlers themselves.

use crate::answer::Problem;
use crate::handlers::{
    api_accounts, api_admin, api_admin_jobs, api_applications, api_areas, api_export, api_job, api_jobs, api_outlook,
    api_pauses, api_schedules, api_search, api_submit, api_webhooks, charts, stream,
};
use actix_web::HttpResponse;
use serde_json::Value;
use std::sync::OnceLock;
use trawl_jobs::{
    ItemState, JobSpec, Lane, Level, RecordKind, State,
    kind::{BulkVerb, DrillEnd},
};
use utoipa::{
    Modify, OpenApi, PartialSchema as _,
    openapi::{
        Content, ObjectBuilder, PathItem, Ref, RefOr, ResponseBuilder, Schema, Type,
        path::Operation,
        schema::{AnyOfBuilder, SchemaType},
    },
};

/// The whole description.
#[derive(Debug, OpenApi)]
#[openapi(
    info(
        title = "Trawl",
        description = "Jobs, schedules, and what is mirrored of GitLab. A browser session authenticates."
    ),
    paths(
        api_jobs::list,
        api_submit::submit,
        api_submit::submit_batch,
        api_jobs::pending,
        api_job::show,
        api_job::messages,
        api_job::items,
        api_job::abort,
        api_job::retry,
        api_jobs::abort_some,
        api_jobs::retry_some,
        stream::show,
        api_schedules::list,
        api_schedules::create,
        api_schedules::change,
        api_schedules::delete,
        api_schedules::run,
        api_admin_jobs::active,
        api_admin_jobs::past,
        api_admin_jobs::start,
        api_admin_jobs::progress,
        api_admin_jobs::abort,
        api_admin_jobs::abort_all,
        api_pauses::list,
        api_pauses::pause,
        api_pauses::go_on,
        api_admin::processes,
        api_applications::list,
        api_applications::set,
        api_applications::remove,
        api_webhooks::list,
        api_webhooks::set,
        api_webhooks::remove,
        api_outlook::show,
        api_areas::list,
        api_areas::resources,
        api_export::show,
        charts::for_programs,
        api_search::show,
        api_accounts::list,
        api_accounts::link,
        api_accounts::unlink,
    ),
    components(schemas(Problem)),
    modifiers(&Problems, &Kinds, &FilterWords, &Words),
)]
pub struct Description;

fn operations(path: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut path.get, &mut path.post, &mut path.patch, &mut path.delete].into_iter().filter_map(Option::as_mut)
}

/// Whatever is asked for, the answer may be a problem.
struct Problems;

impl Modify for Problems {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let problem = ResponseBuilder::new()
            .description("A problem, in words")
            .content("application/problem+json", Content::new(Some(Ref::from_schema_name("Problem"))))
            .build();
        for path in description.paths.paths.values_mut() {
            for operation in operations(path) {
                operation.responses.responses.insert("default".to_owned(), RefOr::T(problem.clone()));
            }
        }
    }
}

/// The handlers' documentation is for those who read the source: it begins with the route, and ends with a list of errors.
struct Words;

impl Modify for Words {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        for path in description.paths.paths.values_mut() {
            for operation in operations(path) {
                operation.summary = operation.summary.as_deref().map(for_users);
                operation.description = operation.description.as_deref().map(for_users).filter(|text| !text.is_empty());
            }
        }
        let schemas = description.components.iter_mut().flat_map(|components| components.schemas.values_mut());
        for schema in schemas {
            if let RefOr::T(Schema::Object(object)) = schema {
                object.description = object.description.as_deref().map(for_users);
            }
        }
    }
}

fn for_users(text: &str) -> String {
    let text = text.split("# Errors").next().unwrap_or_default().trim();
    let text = match text.strip_prefix('`').and_then(|text| text.split_once("`: ")) {
        Some((_, rest)) => rest,
        None => text,
    };
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

/// What may be submitted is a closed list, and so are the options of each kind.
struct Kinds;

impl Modify for Kinds {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        let Some(components) = description.components.as_mut() else { return };
        let mut options = AnyOfBuilder::new().description(Some("The options of the kind"));
        for (name, schema) in JobSpec::schemas() {
            options = options.item(Ref::from_schema_name(&name));
            components.schemas.insert(name, schema);
        }
        components.schemas.insert("DrillEnd".to_owned(), DrillEnd::schema());
        components.schemas.insert("BulkVerb".to_owned(), BulkVerb::schema());
        let options = RefOr::T(Schema::from(options.item(ObjectBuilder::new().schema_type(Type::Null))));
        let Some(RefOr::T(Schema::Object(body))) = components.schemas.get_mut("SubmitBody") else { return };
        if let Some(RefOr::T(Schema::Object(kind))) = body.properties.get_mut("kind") {
            let names = JobSpec::KINDS.iter().map(|&kind| Value::from(kind));
            kind.enum_values = Some(names.chain([Value::Null]).collect());
        }
        body.properties.insert("payload".to_owned(), options);
    }
}

/// Words that a filter understands are a closed list as well.
struct FilterWords;

impl FilterWords {
    /// The words of a parameter; none where it is free text. The API takes a state of a job by two names.
    fn of(path: &str, parameter: &str) -> Vec<&'static str> {
        match parameter {
            "status" => ["pending", "active", "past"].into_iter().chain(State::ALL.map(State::as_str)).collect(),
            "lane" => Lane::ALL.map(Lane::as_str).to_vec(),
            "level" => Level::ALL.map(Level::as_str).to_vec(),
            "state" if path.ends_with("/items") => ItemState::ALL.map(ItemState::as_str).to_vec(),
            "kind" if path.contains("/jobs") => JobSpec::KINDS.to_vec(),
            "kind" => RecordKind::ALL.iter().map(|kind| kind.as_str()).collect(),
            _ => Vec::new(),
        }
    }
}

impl Modify for FilterWords {
    fn modify(&self, description: &mut utoipa::openapi::OpenApi) {
        for (path, item) in &mut description.paths.paths {
            for parameter in operations(item).filter_map(|operation| operation.parameters.as_mut()).flatten() {
                let RefOr::T(parameter) = parameter else { continue };
                let words = Self::of(path, &parameter.name);
                if let Some(RefOr::T(Schema::Object(schema))) = parameter.schema.as_mut()
                    && !words.is_empty()
                {
                    // In an address there is no null, only a filter that is left out.
                    schema.schema_type = SchemaType::Type(Type::String);
                    schema.enum_values = Some(words.into_iter().map(Value::from).collect());
                }
            }
        }
    }
}

/// `GET /api/openapi.json`. Open to everybody: it says nothing that the source does not say.
pub async fn show() -> HttpResponse {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| Description::openapi().to_json().unwrap_or_default());
    HttpResponse::Ok().content_type("application/json").body(text.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_reference_leads_somewhere() {
        let text = Description::openapi().to_json().unwrap();
        let description: Value = serde_json::from_str(&text).unwrap();
        let named: BTreeSet<&str> =
            text.split("\"#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let lost: Vec<&&str> =
            named.iter().filter(|name| description["components"]["schemas"][**name].is_null()).collect();
        assert!(lost.is_empty() && named.len() > 20, "{lost:?} of {}", named.len());
    }

    /// The table of routes is read as text, since the framework does not tell what was configured.
    #[test]
    fn every_route_of_the_api_is_described() {
        let table = include_str!("routes.rs");
        let routes: BTreeSet<(String, String)> = table
            .lines()
            .filter_map(|line| {
                let (path, rest) = line.trim().strip_prefix(".route(\"")?.split_once("\", ")?;
                let method = rest.split_once("()")?.0;
                (path.starts_with("/api/") && path != "/api/openapi.json").then(|| (path.to_owned(), method.to_owned()))
            })
            .collect();
        let document = serde_json::to_value(Description::openapi()).unwrap();
        let described: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, methods)| {
                methods.as_object().unwrap().keys().map(move |method| (path.clone(), method.clone()))
            })
            .collect();
        assert!(routes.len() > 25);
        assert_eq!(routes, described);
    }

    #[test]
    fn it_speaks_to_users() {
        let document = serde_json::to_value(Description::openapi()).unwrap();
        let submit = &document["paths"]["/api/jobs"]["post"];
        assert!(submit["summary"].as_str().unwrap().starts_with("201 for a new job"), "{submit}");
        assert!(!document.to_string().contains("# Errors"));
        let kinds = document["components"]["schemas"]["SubmitBody"]["properties"]["kind"]["enum"].as_array().unwrap();
        assert!(kinds.contains(&Value::from("link_scan")));
    }
}
