//! `/oauth/`: a page to agree on, tokens for codes, new tokens for old ones.

use actix_web::{HttpRequest, HttpResponse, http::Method, web::Query};
use serde::Deserialize;
use serde_json::json;

use super::answer;
use crate::{
    forge::layout::{MARIA, TOM},
    state::State,
};

pub(crate) const CLIENT_ID: &str = "trawl-demo-application";
pub(crate) const CLIENT_SECRET: &str = "gloas-demo-secret";
/// Where people may be sent back to: any port of this machine, so that every test and demo is registered.
const REDIRECT_HOSTS: [&str; 2] = ["http://127.0.0.1", "http://localhost"];

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    client_id: String,
    redirect_uri: String,
    response_type: String,
    scope: String,
    state: String,
    code_challenge: String,
    code_challenge_method: String,
    /// Who agrees; nobody: the request is refused.
    user: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    grant_type: String,
    client_id: String,
    client_secret: String,
    code: String,
    code_verifier: String,
    redirect_uri: String,
    refresh_token: String,
    token: String,
}

pub(super) fn handle(req: &HttpRequest, path: &str, body: &[u8], state: &State) -> HttpResponse {
    match (req.method(), path) {
        (&Method::GET, "authorize") => match Query::<Asked>::from_query(req.query_string()) {
            Ok(asked) => page(&asked),
            Err(_) => answer::status(400).body("a parameter is invalid"),
        },
        (&Method::POST, "authorize") => agree(&form(body), state),
        (&Method::POST, "token") => token(&form(body), state),
        (&Method::POST, "revoke") => {
            let wanted: Wanted = form(body);
            if known(&wanted) {
                state.grants().revoke(&wanted.token);
                HttpResponse::Ok().json(json!({}))
            } else {
                refused(401, "invalid_client")
            }
        }
        _ => answer::message(404, "404 Not Found"),
    }
}

fn form<T: for<'a> Deserialize<'a> + Default>(body: &[u8]) -> T {
    // The form of a body is that of a query.
    std::str::from_utf8(body)
        .ok()
        .and_then(|text| Query::<T>::from_query(text).ok())
        .map(Query::into_inner)
        .unwrap_or_default()
}

impl Asked {
    /// What is wrong, to be told to the person: nobody may be sent on.
    fn problem(&self) -> Option<&'static str> {
        let registered = REDIRECT_HOSTS.iter().any(|host| {
            self.redirect_uri.strip_prefix(host).is_some_and(|rest| rest.starts_with(':') || rest.starts_with('/'))
        });
        if self.client_id != CLIENT_ID {
            Some("Client authentication failed due to unknown client.")
        } else if !registered {
            Some("The redirect URI included is not valid.")
        } else if self.response_type != "code" || self.code_challenge.is_empty() || self.code_challenge_method != "S256"
        {
            Some("The request is missing a required parameter.")
        } else {
            None
        }
    }

    fn back(&self, what: (&str, &str)) -> HttpResponse {
        let mark = if self.redirect_uri.contains('?') { '&' } else { '?' };
        let (name, value) = what;
        let state = percent(&self.state);
        let url = format!("{}{mark}{name}={}&state={state}", self.redirect_uri, percent(value));
        HttpResponse::Found().insert_header(("Location", url)).finish()
    }
}

fn page(asked: &Asked) -> HttpResponse {
    if let Some(problem) = asked.problem() {
        return answer::status(400).content_type("text/html; charset=utf-8").body(format!("<p>{problem}</p>"));
    }
    let fields = [
        ("client_id", &asked.client_id),
        ("redirect_uri", &asked.redirect_uri),
        ("response_type", &asked.response_type),
        ("scope", &asked.scope),
        ("state", &asked.state),
        ("code_challenge", &asked.code_challenge),
        ("code_challenge_method", &asked.code_challenge_method),
    ];
    let field = |(name, value): (&str, &String)| {
        format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escaped(value))
    };
    let hidden = fields.map(field).concat();
    let button = |user: &str, says: &str| format!("<button name=\"user\" value=\"{user}\">{says}</button> ");
    let body = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Simulated GitLab</title></head>\
         <body><h1>Authorize Trawl to use your account?</h1><p>It asks to read what you may read: {}.</p>\
         <form action=\"/oauth/authorize\" method=\"post\">{hidden}{}{}{}</form></body></html>",
        escaped(&asked.scope),
        button(MARIA.0, "Authorize as maria"),
        button(TOM.0, "Authorize as tom"),
        button("", "Deny"),
    );
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(body)
}

fn agree(asked: &Asked, state: &State) -> HttpResponse {
    if let Some(problem) = asked.problem() {
        return answer::status(400).body(problem);
    }
    if state.world().person(&asked.user).is_none() {
        return asked.back(("error", "access_denied"));
    }
    let code = state.grants().agree(&asked.user, &asked.code_challenge, &asked.redirect_uri);
    asked.back(("code", &code))
}

/// Whether it is our application that asks. A secret that is not told is that of an application without one.
fn known(wanted: &Wanted) -> bool {
    wanted.client_id == CLIENT_ID && matches!(wanted.client_secret.as_str(), "" | CLIENT_SECRET)
}

fn token(wanted: &Wanted, state: &State) -> HttpResponse {
    if !known(wanted) {
        return refused(401, "invalid_client");
    }
    let lifetime = state.options.oauth_token_lifetime;
    let given = match wanted.grant_type.as_str() {
        "authorization_code" => {
            state.grants().exchange(&wanted.code, &wanted.code_verifier, &wanted.redirect_uri, lifetime)
        }
        "refresh_token" => state.grants().renew(&wanted.refresh_token, lifetime),
        _ => return refused(400, "unsupported_grant_type"),
    };
    match given {
        Some(tokens) => HttpResponse::Ok().json(json!({
            "access_token": tokens.access,
            "token_type": "Bearer",
            "expires_in": lifetime.as_secs(),
            "refresh_token": tokens.refresh,
            "scope": "read_api",
            "created_at": chrono::Utc::now().timestamp(),
        })),
        None => refused(400, "invalid_grant"),
    }
}

fn refused(status: u16, error: &str) -> HttpResponse {
    answer::status(status).json(json!({ "error": error, "error_description": "It is not accepted." }))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

/// For a query. What we make ourselves needs nothing, what came along is quoted.
fn percent(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut quoted, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            quoted.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(quoted, "%{byte:02X}");
        }
        quoted
    })
}
