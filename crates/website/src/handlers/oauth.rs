//! To an instance, to sign in there, and back.

use crate::{
    answer::{PageError, see_other, told},
    app::App,
    oauth,
    session::PageUser,
};
use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path, Query},
};
use serde::Deserialize;
use trawl_jobs::InstanceId;

/// `GET /auth/gitlab/{instance}`: sends the browser to the instance.
///
/// # Errors
/// The instance has no application, or another site has sent the browser here.
pub async fn depart(
    app: Data<App>,
    request: HttpRequest,
    user: PageUser,
    instance: Path<i64>,
) -> Result<HttpResponse, PageError> {
    // Else any page could lead a user to link an account of somebody else's choice.
    if request.headers().get("sec-fetch-site").is_some_and(|from| from != "same-origin" && from != "none") {
        return Err(told(403, "Another site has sent you here. Begin the sign-in on the page Accounts.".to_owned()));
    }
    let to = oauth::depart(&app, user.0.user.id(), InstanceId(instance.into_inner())).await;
    match to.map_err(|error| told(502, error.to_string()))? {
        Some(url) => Ok(see_other(url.as_str())),
        None => Err(PageError::NotFound),
    }
}

/// What GitLab sends the browser back with.
#[derive(Debug, Deserialize)]
pub struct Back {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

/// `GET /auth/gitlab/callback`.
///
/// # Errors
/// Whatever went wrong, in words.
pub async fn come_back(app: Data<App>, user: PageUser, back: Query<Back>) -> Result<HttpResponse, PageError> {
    let back = back.into_inner();
    match (back.state, back.code, back.error) {
        (Some(state), Some(code), None) => {
            let linked = oauth::come_back(&app, user.0.user.id(), &state, &code).await;
            let id = linked.map_err(|error| told(422, error.to_string()))?;
            Ok(see_other(&format!("/accounts?linked={id}")))
        }
        (_, _, Some(error)) if error == "access_denied" => Err(told(
            422,
            "GitLab says that you did not agree. Nothing is linked; you can try again on the page Accounts.".to_owned(),
        )),
        (_, _, Some(_)) => Err(told(
            422,
            "GitLab did not let Trawl in. An administrator has to compare the application on the page Admin with what \
             is registered in GitLab: the redirect address and the scope read_api."
                .to_owned(),
        )),
        _ => Err(PageError::NotFound),
    }
}
