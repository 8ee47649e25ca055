//! Any answer that is not the page that was asked for.

use askama::Template;

/// An error in words, with a next step. Needs neither session nor database.
#[derive(Debug, Clone, Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    /// HTTP status.
    pub status: u16,
    /// What happened, as a heading without a full stop.
    pub title: String,
    /// What it means and what to do, in a sentence or two.
    pub sentence: String,
    /// A link that helps, where there is one.
    pub next: Option<NextStep>,
}

/// A link that helps.
#[derive(Debug, Clone)]
pub struct NextStep {
    /// Where it leads; a path of ours.
    pub href: String,
    /// What it does.
    pub label: String,
}

impl NextStep {
    /// Back to the overview.
    #[must_use]
    pub fn overview() -> Self {
        Self { href: "/".to_owned(), label: "Go to the overview".to_owned() }
    }
}

impl ErrorPage {
    /// The usual words for a status.
    #[must_use]
    pub fn of(status: u16) -> Self {
        let (title, sentence) = match status {
            400 => ("This request is not understood", "Go back, check what was entered, and try again."),
            401 => ("You are not signed in", "Sign in to see this page."),
            403 => (
                "This is not allowed",
                "Your account may not do this, or the form was open for too long. Go back, reload the page and try again.",
            ),
            404 => (
                "There is nothing here",
                "The address may be mistyped, or what it named is gone, or your accounts cannot reach it.",
            ),
            405 => ("This address cannot do that", "Go back and use the page's own buttons."),
            409 => ("Something has changed meanwhile", "Go back, reload the page and look again before you repeat it."),
            415 => ("This kind of content is not understood", "Send the form from Trawl's own pages."),
            413 => ("That is too large", "Send less at once."),
            429 => ("Too many tries", "Wait a minute, then try again."),
            503 => ("Not ready yet", "Trawl is starting. Reload this page in a few seconds."),
            _ => (
                "Something went wrong here",
                "It has been written to the log. Try again; if it happens again, show the log to whoever runs Trawl.",
            ),
        };
        let next = match status {
            401 => NextStep { href: "/sign-in".to_owned(), label: "Sign in".to_owned() },
            _ => NextStep::overview(),
        };
        Self { status, title: title.to_owned(), sentence: sentence.to_owned(), next: Some(next) }
    }
}
