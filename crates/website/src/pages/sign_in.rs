//! `/sign-in`.

use askama::Template;

/// The sign-in form.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "sign_in.html")]
pub struct SignIn {
    /// CSRF token: field `csrf`.
    pub csrf: String,
    /// `username`, as it was sent.
    pub username: String,
    /// Why it was refused, in words.
    pub error: Option<String>,
    /// `next`: path of the page that was asked for.
    pub next: Option<String>,
    /// How to begin, while there is nobody who could sign in.
    pub hint: Option<String>,
}
