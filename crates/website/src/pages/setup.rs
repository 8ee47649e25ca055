//! `/setup/{token}`: the first administrator.

use askama::Template;

/// The form that creates the first administrator.
#[derive(Debug, Clone, Default, Template)]
#[template(path = "setup.html")]
pub struct Setup {
    /// The one-time token of the link: the form is sent to the same address.
    pub token: String,
    /// CSRF token: field `csrf`.
    pub csrf: String,
    /// `username`, as it was sent.
    pub username: String,
    /// What is wrong with the username.
    pub username_error: Option<String>,
    /// What is wrong with `password`.
    pub password_error: Option<String>,
    /// What is wrong with `password_repeat`.
    pub repeat_error: Option<String>,
}

impl Setup {
    /// Shortest password, in characters.
    pub const MIN_PASSWORD: usize = 10;
}
