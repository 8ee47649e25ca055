//! `/-/sim/`: the truth, and the levers. Without a token, and for this machine only.

use actix_web::{HttpRequest, HttpResponse, http::Method, web::Query};
use serde::{
    Deserialize,
    de::{IntoDeserializer as _, value::Error as InvalidKind},
};
use serde_json::json;

use super::answer;
use crate::{
    faults::Rule,
    forge::{
        model::{Kind, World},
        motion::Change,
        rights::Reader,
    },
    state::State,
    truth::{ListKind, Scope, counts, facts, keys},
};

#[derive(Debug, Deserialize)]
struct Params {
    user: Option<String>,
    kind: Option<String>,
    /// Only where the user is a member.
    membership: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    #[serde(default = "one")]
    steps: u32,
    #[serde(default)]
    change: Option<Change>,
}

fn one() -> u32 {
    1
}

pub(super) fn handle(req: &HttpRequest, path: &str, body: &[u8], state: &State) -> HttpResponse {
    if !req.peer_addr().is_some_and(|peer| peer.ip().is_loopback()) {
        return answer::message(403, "only for this machine");
    }
    match (req.method(), path) {
        (&Method::GET, "counts" | "truth" | "keys") => truth(req, path, state),
        (&Method::GET, "requests") => HttpResponse::Ok().json(state.requests()),
        (&Method::GET, "refusals") => HttpResponse::Ok().json(state.refusals()),
        (&Method::GET, "faults") => HttpResponse::Ok().json(state.faults().rules()),
        (&Method::POST, "faults") => match serde_json::from_slice::<Vec<Rule>>(body) {
            Ok(rules) => {
                state.faults().replace(rules);
                HttpResponse::NoContent().finish()
            }
            Err(error) => answer::message(400, &format!("not a list of fault rules: {error}")),
        },
        (&Method::DELETE, "faults") => {
            state.faults().replace(Vec::new());
            HttpResponse::NoContent().finish()
        }
        (&Method::POST, "move") => match serde_json::from_slice::<Move>(body) {
            Ok(wanted) => {
                let done = state.advance(wanted.steps, wanted.change);
                HttpResponse::Ok().json(json!({ "changes": done }))
            }
            Err(error) => answer::message(400, &format!("not a move: {error}")),
        },
        (&Method::GET, "grants") => HttpResponse::Ok().json(state.grants().figures()),
        (&Method::POST, "expire") => {
            state.grants().expire();
            HttpResponse::NoContent().finish()
        }
        (&Method::POST, "end-sign-ins") => {
            state.grants().end_all();
            HttpResponse::NoContent().finish()
        }
        _ => answer::message(404, "no such lever"),
    }
}

fn truth(req: &HttpRequest, path: &str, state: &State) -> HttpResponse {
    let Ok(Query(params)) = Query::<Params>::from_query(req.query_string()) else {
        return answer::message(400, "a parameter is invalid");
    };
    let world = state.world();
    let Some(scope) = scope(&world, &params) else {
        return answer::message(404, "no such user");
    };
    if path == "counts" {
        return HttpResponse::Ok().json(counts(&world, scope));
    }
    if path == "keys" {
        let kind = params.kind.as_deref().unwrap_or_default();
        return match ListKind::deserialize(kind.into_deserializer()) {
            Ok(kind) => HttpResponse::Ok().json(keys(&world, kind, scope)),
            Err(error) => answer::message(400, &invalid_kind(&error)),
        };
    }
    match params.kind.as_deref() {
        Some("issues") => HttpResponse::Ok().json(facts(&world, Kind::Issue, scope)),
        Some("merge_requests") => HttpResponse::Ok().json(facts(&world, Kind::MergeRequest, scope)),
        _ => answer::message(400, "kind is issues or merge_requests"),
    }
}

fn invalid_kind(error: &InvalidKind) -> String {
    format!("kind is no list: {error}")
}

fn scope(world: &World, params: &Params) -> Option<Scope> {
    let Some(user) = &params.user else {
        return Some(Scope::All);
    };
    let reader = Reader(Some(world.person(user)?));
    Some(if params.membership == Some(true) { Scope::Member(reader) } else { Scope::Seen(reader) })
}
