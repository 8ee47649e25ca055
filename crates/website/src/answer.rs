//! Answers to requests that cannot be served: pages for people, problem documents (RFC 9457) for programs.

use crate::pages::{ErrorPage, Template};
use actix_web::{
    HttpRequest, HttpResponse, ResponseError,
    error::{JsonPayloadError, PathError, QueryPayloadError, UrlencodedError},
    http::StatusCode,
    http::header,
};
use serde::Serialize;
use trawl_store::StoreError;

/// A page.
///
/// # Errors
/// The template cannot be rendered, which a test of each template rules out.
pub fn page(template: &impl Template) -> Result<HttpResponse, PageError> {
    page_with(StatusCode::OK, template)
}

/// A page with a status.
///
/// # Errors
/// As [`page`].
pub fn page_with(status: StatusCode, template: &impl Template) -> Result<HttpResponse, PageError> {
    let html = template.render().map_err(|error| PageError::Internal(error.to_string()))?;
    Ok(HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(html))
}

/// To another page, with GET.
#[must_use]
pub fn see_other(to: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish()
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// Nobody is signed in.
    #[error("sign in first")]
    SignIn {
        /// Where to go on after it.
        next: String,
    },
    /// Not there, or nothing this user may know of.
    #[error("not found")]
    NotFound,
    /// Not for this user.
    #[error("not allowed")]
    Forbidden,
    /// A form that another site, or another session, has sent.
    #[error("the form is not from this session")]
    Forged,
    /// It cannot be done in this state.
    #[error("{0}")]
    Conflict(String),
    /// With words of its own.
    #[error("{}", .0.title)]
    Told(Box<ErrorPage>),
    /// Our fault.
    #[error("{0}")]
    Internal(String),
}

impl From<StoreError> for PageError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::NotFound,
            StoreError::Illegal(step) => Self::Conflict(step.to_string()),
            other => Self::Internal(other.to_string()),
        }
    }
}

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::SignIn { .. } => StatusCode::SEE_OTHER,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden | Self::Forged => StatusCode::FORBIDDEN,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::Told(page) => StatusCode::from_u16(page.status).unwrap_or(StatusCode::BAD_REQUEST),
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        if let Self::SignIn { next } = self {
            let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
            return see_other(&if next == "/" { "/sign-in".to_owned() } else { format!("/sign-in?{query}") });
        }
        if let Self::Internal(why) = self {
            tracing::error!(error = why, "a page cannot be shown");
        }
        let mut error = ErrorPage::of(self.status_code().as_u16());
        match self {
            Self::Told(page) => error.clone_from(page),
            Self::Conflict(why) => error.sentence = format!("It {why}. Go back and load the page anew."),
            Self::Forged => {
                "The form has expired or came from another site. Go back, load the page anew and send it again."
                    .clone_into(&mut error.sentence);
            }
            _ => {}
        }
        page_with(self.status_code(), &error).unwrap_or_else(|_| HttpResponse::InternalServerError().finish())
    }
}

/// Why there is no JSON.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Nobody is signed in.
    #[error("sign in first")]
    SignIn,
    /// Not there, or nothing this user may know of.
    #[error("there is no such thing, or it is not yours to see")]
    NotFound,
    /// Not for this user.
    #[error("only administrators may do this")]
    Forbidden,
    /// What was sent cannot be understood.
    #[error("{0}")]
    Invalid(String),
    /// The body is of another type.
    #[error("{0}")]
    ContentType(String),
    /// The body is too large.
    #[error("the body is larger than 256 KiB; send less at once")]
    TooLarge,
    /// It cannot be done in this state.
    #[error("{0}")]
    Conflict(String),
    /// Too often.
    #[error("too many attempts; wait {0} s")]
    TooMany(u64),
    /// Our fault.
    #[error("something went wrong here; the log says more")]
    Internal(String),
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NotFound => Self::NotFound,
            StoreError::Illegal(step) => Self::Conflict(step.to_string()),
            other => Self::Internal(other.to_string()),
        }
    }
}

/// A problem document, as in RFC 9457.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    /// What is wrong, and what to do.
    detail: String,
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::SignIn => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::ContentType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn error_response(&self) -> HttpResponse {
        if let Self::Internal(why) = self {
            tracing::error!(error = why, "a request of the API cannot be served");
        }
        let status = self.status_code();
        let problem = Problem {
            r#type: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: self.to_string(),
        };
        let mut response = HttpResponse::build(status);
        if let Self::TooMany(seconds) = self {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        response
            .content_type("application/problem+json")
            .body(serde_json::to_string(&problem).unwrap_or_else(|_| "{}".to_owned()))
    }
}

fn is_api(request: &HttpRequest) -> bool {
    request.path().starts_with("/api/")
}

/// An error page that says this.
#[must_use]
pub fn told(status: u16, sentence: String) -> PageError {
    PageError::Told(Box::new(ErrorPage { sentence, ..ErrorPage::of(status) }))
}

/// A part of the address is not what its route wants, such as a word for a number: there is nothing there.
#[must_use]
pub fn refuse_path(_: PathError, request: &HttpRequest) -> actix_web::Error {
    if is_api(request) { ApiError::NotFound.into() } else { PageError::NotFound.into() }
}

/// The query cannot be read.
#[must_use]
pub fn refuse_query(error: QueryPayloadError, request: &HttpRequest) -> actix_web::Error {
    let why = match error {
        QueryPayloadError::Deserialize(error) => error.to_string(),
        other => other.to_string(),
    };
    if is_api(request) {
        ApiError::Invalid(format!("the query of the address is not what is expected: {why}")).into()
    } else {
        told(
            400,
            "What follows the question mark in the address cannot be read. Follow a link, or leave it out.".to_owned(),
        )
        .into()
    }
}

/// A form cannot be read.
#[must_use]
#[expect(clippy::needless_pass_by_value, reason = "what the framework hands to its handlers")]
pub fn refuse_form(error: UrlencodedError, request: &HttpRequest) -> actix_web::Error {
    let kind = "application/x-www-form-urlencoded";
    let (status, sentence) = match error {
        UrlencodedError::ContentType => (415, format!("Forms are sent as {kind}. Use the form on Trawl's own page.")),
        UrlencodedError::Overflow { .. } => (413, ErrorPage::of(413).sentence),
        _ => (
            400,
            "A field of the form is missing or cannot be read. Go back, load the page anew and send it again."
                .to_owned(),
        ),
    };
    if !is_api(request) {
        return told(status, sentence).into();
    }
    match status {
        415 => ApiError::ContentType(format!("send the body as {kind}")).into(),
        413 => ApiError::TooLarge.into(),
        _ => ApiError::Invalid("a field of the form is missing or cannot be read".to_owned()).into(),
    }
}

/// A JSON body cannot be read. Only the API takes any.
#[must_use]
pub fn refuse_json(error: JsonPayloadError, _: &HttpRequest) -> actix_web::Error {
    match error {
        JsonPayloadError::ContentType => ApiError::ContentType("send the body as application/json".to_owned()),
        JsonPayloadError::Overflow { .. } | JsonPayloadError::OverflowKnownLength { .. } => ApiError::TooLarge,
        JsonPayloadError::Deserialize(error) => ApiError::Invalid(format!("the body is not what is expected: {error}")),
        other => ApiError::Invalid(format!("the body cannot be read: {other}")),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::{
        App, test,
        web::{Form, FormConfig, Json, JsonConfig, Path, PathConfig, Query, QueryConfig, post},
    };
    use std::collections::HashMap;

    type Fields = HashMap<String, i64>;

    /// No answer has the framework's own words.
    #[actix_web::test]
    async fn what_cannot_be_read_is_answered_by_us() {
        async fn path(_: Path<i64>) -> &'static str {
            "ok"
        }
        async fn query(_: Query<Fields>) -> &'static str {
            "ok"
        }
        async fn form(_: Form<Fields>) -> &'static str {
            "ok"
        }
        async fn json(_: Json<Fields>) -> &'static str {
            "ok"
        }
        let app = App::new()
            .app_data(PathConfig::default().error_handler(refuse_path))
            .app_data(QueryConfig::default().error_handler(refuse_query))
            .app_data(FormConfig::default().limit(64).error_handler(refuse_form))
            .app_data(JsonConfig::default().limit(64).error_handler(refuse_json))
            .route("/path/{id}", post().to(path))
            .route("/query", post().to(query))
            .route("/api/query", post().to(query))
            .route("/form", post().to(form))
            .route("/api/json", post().to(json));
        let app = test::init_service(app).await;
        let (urlencoded, long) = ("application/x-www-form-urlencoded", "a=1&".repeat(100));
        for (uri, kind, body, status, words) in [
            ("/path/x", "", "", 404, "There is nothing here"),
            ("/query?a=x", "", "", 400, "question mark"),
            ("/api/query?a=x", "", "", 422, "the query of the address"),
            ("/form", "text/plain", "a=1", 415, urlencoded),
            ("/form", urlencoded, "a=x", 400, "A field of the form"),
            ("/form", urlencoded, &long, 413, "Send less"),
            ("/api/json", "text/plain", "{}", 415, "send the body as application/json"),
            ("/api/json", "application/json", "{", 422, "the body is not what is expected"),
            ("/api/json", "application/json", &long, 413, "send less"),
        ] {
            let request = test::TestRequest::post().uri(uri).insert_header(("content-type", kind));
            let answer = test::call_service(&app, request.set_payload(body.to_owned()).to_request()).await;
            assert_eq!(answer.status(), status, "{uri} {kind}");
            let kind = answer.headers().get("content-type").unwrap().to_str().unwrap().to_owned();
            let wanted = if uri.starts_with("/api/") { "application/problem+json" } else { "text/html; charset=utf-8" };
            assert_eq!(kind, wanted, "{uri}");
            let text = String::from_utf8(test::read_body(answer).await.to_vec()).unwrap();
            assert!(text.contains(words), "{uri}: {text}");
        }
    }
}
