//! Who is signed in. The cookie holds a random token, the database its hash, so that a copy of the database opens no
//! session, and a session ends when its row goes.

use crate::{
    answer::{ApiError, PageError},
    app::App,
    pages::Frame,
    token,
};
use actix_web::{
    FromRequest, HttpRequest,
    cookie::{Cookie, SameSite, time},
    dev::Payload,
    web,
};
use chrono::TimeDelta;
use futures_util::future::{FutureExt as _, LocalBoxFuture};
use subtle::ConstantTimeEq as _;
use trawl_jobs::UserId;
use trawl_store::{Conn, StoreError, now, sessions, users::User};

const COOKIE: &str = "trawl_session";
const LIFETIME_DAYS: i64 = 30;

/// Begins a session for a user; returns the cookie's token. Always a new one: a token from before the sign-in is
/// worth nothing after it.
pub fn begin(conn: &mut Conn<'_>, user: UserId) -> Result<String, StoreError> {
    let token = token::random();
    sessions::delete_expired(conn)?;
    sessions::create(conn, &token::hash(&token), user, &token::random(), now() + TimeDelta::days(LIFETIME_DAYS))?;
    Ok(token)
}

/// Ends a session.
pub fn end(conn: &mut Conn<'_>, token: &str) -> Result<(), StoreError> {
    sessions::delete(conn, &token::hash(token))
}

/// The cookie of a session.
#[must_use]
pub fn cookie(token: String, tls: bool) -> Cookie<'static> {
    Cookie::build(COOKIE, token)
        .path("/")
        .http_only(true)
        .secure(tls)
        .same_site(SameSite::Lax)
        .max_age(time::Duration::days(LIFETIME_DAYS))
        .finish()
}

/// The cookie that takes a session's away.
#[must_use]
pub fn no_cookie() -> Cookie<'static> {
    let mut cookie = cookie(String::new(), false);
    cookie.make_removal();
    cookie
}

/// A user who is signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// What their forms have to send along.
    pub csrf: String,
    /// The cookie's token.
    pub token: String,
}

impl SignedIn {
    /// Whose jobs they may see: their own, or everybody's.
    #[must_use]
    pub fn job_scope(&self) -> Option<UserId> {
        (!self.user.is_admin).then(|| self.user.id())
    }

    /// What surrounds their pages.
    #[must_use]
    pub fn frame(&self, app: &App) -> Frame {
        Frame {
            user_name: self.user.username.clone(),
            is_admin: self.user.is_admin,
            csrf: self.csrf.clone(),
            lamp: app.processes.lamp(),
            now: now(),
            seen: app.hub.last_id(),
        }
    }

    /// Checks a form's token.
    ///
    /// # Errors
    /// It is another one.
    pub fn check_csrf(&self, sent: &str) -> Result<(), PageError> {
        if bool::from(self.csrf.as_bytes().ct_eq(sent.as_bytes())) { Ok(()) } else { Err(PageError::Forged) }
    }
}

async fn find(request: HttpRequest) -> Result<Option<SignedIn>, StoreError> {
    let Some(app) = request.app_data::<web::Data<App>>() else { return Ok(None) };
    let Some(token) = request.cookie(COOKIE).map(|cookie| cookie.value().to_owned()).filter(|token| !token.is_empty())
    else {
        return Ok(None);
    };
    let hashed = token::hash(&token);
    let found = app.db.read(move |conn| sessions::find(conn, &hashed)).await?;
    Ok(found.map(|(user, csrf)| SignedIn { user, csrf, token }))
}

/// A user on a page; others are sent to sign in.
#[derive(Debug)]
pub struct PageUser(pub SignedIn);

impl FromRequest for PageUser {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        async move {
            let asked = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
            match find(request).await? {
                Some(user) => Ok(Self(user)),
                None => Err(PageError::SignIn { next: asked }),
            }
        }
        .boxed_local()
    }
}

/// A user of the API; others are refused.
#[derive(Debug)]
pub struct ApiUser(pub SignedIn);

impl ApiUser {
    /// The same, where it is an administrator.
    ///
    /// # Errors
    /// It is none.
    pub fn administrator(self) -> Result<SignedIn, ApiError> {
        if self.0.user.is_admin { Ok(self.0) } else { Err(ApiError::Forbidden) }
    }
}

impl FromRequest for ApiUser {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        async move { find(request).await?.map(Self).ok_or(ApiError::SignIn) }.boxed_local()
    }
}
