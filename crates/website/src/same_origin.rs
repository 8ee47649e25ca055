//! Requests that change something must come from our own pages, or from no page at all. Browsers say where they come
//! from; what says nothing is no browser and carries no cookie unasked.

use crate::answer::{ApiError, PageError};
use actix_web::{
    Error,
    body::{BoxBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    http::{Method, header},
    middleware::Next,
};

/// The middleware.
pub async fn require(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !safe && !is_ours(&request) {
        return Err(if request.path().starts_with("/api/") {
            ApiError::Conflict("the request comes from another site".to_owned()).into()
        } else {
            PageError::Forged.into()
        });
    }
    next.call(request).await.map(ServiceResponse::map_into_boxed_body)
}

fn is_ours(request: &ServiceRequest) -> bool {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = header("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    match header(header::ORIGIN.as_str()) {
        None => true,
        Some(origin) => {
            let host = request.connection_info().host().to_owned();
            origin.split_once("://").is_some_and(|(_, from)| from == host)
        }
    }
}
