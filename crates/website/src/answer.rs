//! Answers to requests that cannot be served: pages for people, problem documents (RFC 9457) for programs.

use crate::pages::{ErrorPage, Template};
use actix_web::{HttpResponse, ResponseError, http::StatusCode, http::header};
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

/// RFC 9457.
#[derive(Serialize)]
struct Problem {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    detail: String,
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::SignIn => StatusCode::UNAUTHORIZED,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
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
