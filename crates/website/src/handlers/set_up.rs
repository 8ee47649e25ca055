//! The first visit: whoever has the one-time link becomes the administrator, or looks around the demo.

use crate::{
    answer::{PageError, page, page_with, see_other},
    app::App,
    first_visit::{self, Purpose},
    pages::{ErrorPage, NextStep, Setup},
    password, session,
};
use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Form, Path},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use trawl_store::{StoreError, audit, users};

/// `POST /setup/{token}`.
#[derive(Debug, Deserialize)]
pub struct SetUpForm {
    username: String,
    password: SecretString,
    password_repeat: SecretString,
}

/// `GET /setup/{token}`.
///
/// # Errors
/// The link is not, or no longer, valid.
pub async fn form(app: Data<App>, token: Path<String>) -> Result<HttpResponse, PageError> {
    let token = token.into_inner();
    if app.first_visit.purpose(&token) != Some(Purpose::SetUp) {
        return Err(refused(&app).await);
    }
    page(&Setup { token, ..blank() })
}

/// `POST /setup/{token}`: creates the administrator and signs them in.
///
/// # Errors
/// The link is not, or no longer, valid.
pub async fn submit(app: Data<App>, token: Path<String>, form: Form<SetUpForm>) -> Result<HttpResponse, PageError> {
    let (token, form) = (token.into_inner(), form.into_inner());
    if app.first_visit.purpose(&token) != Some(Purpose::SetUp) {
        return Err(refused(&app).await);
    }
    let username = form.username.trim().to_owned();
    let said = Setup {
        token,
        username_error: username_problem(&username),
        password_error: password_problem(&form.password),
        repeat_error: (form.password.expose_secret() != form.password_repeat.expose_secret())
            .then(|| "The two passwords differ.".to_owned()),
        username: username.clone(),
        ..blank()
    };
    if said.username_error.is_some() || said.password_error.is_some() || said.repeat_error.is_some() {
        return page_with(StatusCode::UNPROCESSABLE_ENTITY, &said);
    }
    let hash = password::hash(form.password).await.map_err(PageError::Internal)?;
    let begun = app
        .db
        .write(move |conn| {
            // Two may have the link; the first to send the form wins.
            if !users::is_empty(conn)? {
                return Err(StoreError::NotFound);
            }
            let user = users::create(conn, &username, &hash, true)?;
            audit::record(conn, Some(user), "set up", &username)?;
            session::begin(conn, user)
        })
        .await;
    let begun = match begun {
        Err(StoreError::NotFound) => return Err(refused(&app).await),
        other => other?,
    };
    app.first_visit.done();
    Ok(signed_in(&app, begun, "/accounts"))
}

/// `GET /welcome/{token}`: signs the demo's user in. The link stays good for as long as the demo runs.
///
/// # Errors
/// The link is not valid.
pub async fn welcome(app: Data<App>, token: Path<String>) -> Result<HttpResponse, PageError> {
    let Some(Purpose::Demo(user)) = app.first_visit.purpose(&token) else {
        return Err(PageError::Told(Box::new(ErrorPage {
            title: "This link does not open the demo".to_owned(),
            sentence: "The right one is in the terminal where the demo was started.".to_owned(),
            next: None,
            ..ErrorPage::of(404)
        })));
    };
    let begun = app.db.write(move |conn| session::begin(conn, user)).await?;
    Ok(signed_in(&app, begun, "/"))
}

/// Where whoever started Trawl finds the link.
#[must_use]
pub fn where_the_link_is(app: &App) -> String {
    let file = app.settings.runtime_dir().join(first_visit::FILE);
    format!("The set-up link is in the terminal where Trawl was started (and in {}).", file.display())
}

/// A link that is wrong or has served.
async fn refused(app: &App) -> PageError {
    let page = match app.db.read(users::is_empty).await {
        Err(error) => return error.into(),
        Ok(true) => ErrorPage {
            title: "This is not the set-up link".to_owned(),
            sentence: where_the_link_is(app),
            next: None,
            ..ErrorPage::of(404)
        },
        Ok(false) => ErrorPage {
            title: "This link has done its work".to_owned(),
            sentence: "Trawl is set up already. Sign in.".to_owned(),
            next: Some(NextStep { href: "/sign-in".to_owned(), label: "Sign in".to_owned() }),
            ..ErrorPage::of(404)
        },
    };
    PageError::Told(Box::new(page))
}

fn signed_in(app: &App, token: String, to: &str) -> HttpResponse {
    let mut answer = see_other(to);
    // A cookie of our own making is a valid header.
    answer.add_cookie(&session::cookie(token, app.settings.server.is_tls())).ok();
    answer
}

fn blank() -> Setup {
    Setup {
        token: String::new(),
        csrf: String::new(),
        username: String::new(),
        username_error: None,
        password_error: None,
        repeat_error: None,
    }
}

fn username_problem(username: &str) -> Option<String> {
    let fine = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '@');
    if username.is_empty() {
        Some("Choose a name to sign in with.".to_owned())
    } else if username.len() > 100 || !username.chars().all(fine) {
        Some("Use at most 100 letters, digits, dots, dashes, underscores and @.".to_owned())
    } else {
        None
    }
}

fn password_problem(password: &SecretString) -> Option<String> {
    let text = password.expose_secret();
    if text.chars().count() < password::MIN_LENGTH {
        Some(format!("Use at least {} characters.", password::MIN_LENGTH))
    } else if text.len() > password::MAX_LENGTH {
        Some(format!("Use at most {} bytes.", password::MAX_LENGTH))
    } else {
        None
    }
}
