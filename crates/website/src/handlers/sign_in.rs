//! Signing in and out.

use crate::{
    answer::{PageError, page, page_with, see_other},
    app::App,
    handlers::set_up::where_the_link_is,
    manager::plan,
    pages::SignIn,
    password,
    session::{self, PageUser},
    throttle::sign_in_keys,
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Data, Form, Query},
};
use secrecy::SecretString;
use serde::Deserialize;
use trawl_store::{accounts, users};

/// Where to go on.
#[derive(Debug, Deserialize)]
pub struct Next {
    next: Option<String>,
}

/// `POST /sign-in`.
#[derive(Debug, Deserialize)]
pub struct SignInForm {
    username: String,
    password: SecretString,
    next: Option<String>,
}

/// `POST /sign-out`.
#[derive(Debug, Deserialize)]
pub struct Csrf {
    /// The session's token.
    pub csrf: String,
}

/// `GET /sign-in`.
///
/// # Errors
/// The database is down.
pub async fn form(app: Data<App>, query: Query<Next>) -> Result<HttpResponse, PageError> {
    let next = query.into_inner().next;
    page(&SignIn { csrf: String::new(), username: String::new(), error: None, next, hint: hint(&app).await? })
}

/// How to begin, while there is nobody who could sign in.
async fn hint(app: &App) -> Result<Option<String>, PageError> {
    Ok(app.db.read(users::is_empty).await?.then(|| where_the_link_is(app)))
}

/// `POST /sign-in`.
///
/// # Errors
/// The database is down. A wrong password shows the form again.
pub async fn submit(app: Data<App>, request: HttpRequest, form: Form<SignInForm>) -> Result<HttpResponse, PageError> {
    let form = form.into_inner();
    let hint = hint(&app).await?;
    let refused = |status, error: String, form: &SignInForm| {
        let (username, next) = (form.username.clone(), form.next.clone());
        page_with(status, &SignIn { csrf: String::new(), username, error: Some(error), next, hint: hint.clone() })
    };
    let address = request.peer_addr().map_or_else(String::new, |address| address.ip().to_string());
    if let Err(wait) = app.throttle.attempt(&sign_in_keys(&address, &form.username)) {
        let error = format!("Too many attempts. Wait {} s and try again.", wait.as_secs() + 1);
        return refused(StatusCode::TOO_MANY_REQUESTS, error, &form);
    }
    let name = form.username.trim().to_owned();
    let user = app.db.read(move |conn| users::by_name(conn, &name)).await?;
    let stored = user.as_ref().map(|user| user.password_hash.clone());
    let right = password::verify(form.password.clone(), stored).await;
    let Some(user) = user.filter(|_| right) else {
        tracing::info!(%address, "a sign-in was refused");
        return refused(StatusCode::UNAUTHORIZED, "The name or the password is wrong.".to_owned(), &form);
    };
    let rules = app.rules;
    let token = app
        .db
        .write(move |conn| {
            for account in accounts::list(conn, Some(user.id()))? {
                plan::handle_new_authorization(conn, &rules, &account)?;
            }
            session::begin(conn, user.id())
        })
        .await?;
    app.dispatcher.wake();
    let mut answer = see_other(own_path(form.next.as_deref()));
    // A cookie of our own making is a valid header.
    answer.add_cookie(&session::cookie(token, app.settings.server.is_tls())).ok();
    Ok(answer)
}

/// `POST /sign-out`.
///
/// # Errors
/// The form is not from this session.
pub async fn sign_out(app: Data<App>, user: PageUser, form: Form<Csrf>) -> Result<HttpResponse, PageError> {
    user.0.check_csrf(&form.csrf)?;
    let token = user.0.token;
    app.db.write(move |conn| session::end(conn, &token)).await?;
    let mut answer = see_other("/sign-in");
    answer.add_cookie(&session::no_cookie()).ok();
    Ok(answer)
}

/// Only a path of ours: `//elsewhere` and `/\elsewhere` are other sites to a browser, which also leaves out tabs and
/// line breaks before it looks.
fn own_path(next: Option<&str>) -> &str {
    match next {
        Some(path)
            if path.starts_with('/')
                && !path.starts_with("//")
                && !path.contains(|c: char| c == '\\' || c.is_control()) =>
        {
            path
        }
        _ => "/",
    }
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn only_our_own_pages_are_next() {
        assert_eq!(own_path(Some("/jobs?state=active")), "/jobs?state=active");
        assert_eq!(own_path(None), "/");
        for elsewhere in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r\nSet-Cookie: a=b",
            "/jobs/..\\..\\evil",
            "/\u{0}",
            "\t//evil.example",
        ] {
            assert_eq!(own_path(Some(elsewhere)), "/", "{elsewhere:?}");
        }
    }
}
