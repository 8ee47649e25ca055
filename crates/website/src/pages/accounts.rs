//! `/accounts`: linked GitLab accounts.

use super::{
    frame::{Frame, Section},
    link, parts, words,
};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};

/// The user's linked accounts, and the form to link one.
#[derive(Debug, Template)]
#[template(path = "accounts.html")]
pub struct Accounts {
    /// What surrounds the page.
    pub frame: Frame,
    /// In the order in which they were linked.
    pub accounts: Vec<LinkedAccount>,
    /// What has just been linked, in words.
    pub linked: Option<String>,
    /// Instances where people can sign in: our id and the base URL.
    pub sign_ins: Vec<(i64, String)>,
    /// The form.
    pub form: LinkForm,
}

/// A linked account.
#[derive(Debug, Clone)]
pub struct LinkedAccount {
    /// Our id.
    pub id: i64,
    /// Base URL of the instance.
    pub instance_url: String,
    /// Username in GitLab, once a crawler has asked.
    pub username: Option<String>,
    /// Whether its token works.
    pub token: TokenState,
    /// Groups that it reaches.
    pub groups: i64,
    /// Projects that it reaches.
    pub projects: i64,
    /// When its token ends, where that is known and nobody renews it.
    pub expires_at: Option<DateTime<Utc>>,
    /// It came by signing in, and is renewed by itself.
    pub renews: bool,
    /// What the token may do, as GitLab tells it.
    pub scopes: Option<String>,
    /// Jobs that wait for a new token.
    pub waiting_jobs: i64,
    /// When it was linked.
    pub linked_at: DateTime<Utc>,
}

/// What GitLab says about a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenState {
    /// No job has used it yet.
    NotChecked,
    /// Accepted.
    Works,
    /// It has ended, and is being renewed.
    Renewing {
        /// Since when.
        since: DateTime<Utc>,
    },
    /// Refused: wrong, expired or revoked.
    Refused {
        /// Since when.
        since: DateTime<Utc>,
        /// What GitLab answered, in words.
        reason: Option<String>,
    },
}

/// The form that links an account, as it was sent, with what is wrong with it. The token is never sent back.
#[derive(Debug, Clone, Default)]
pub struct LinkForm {
    /// `instance_url`.
    pub instance_url: String,
    /// What is wrong with the URL.
    pub instance_error: Option<String>,
    /// What is wrong with the token.
    pub token_error: Option<String>,
    /// What else went wrong.
    pub error: Option<String>,
}

/// Somebody should think of a new token.
const SOON: TimeDelta = TimeDelta::days(7);

impl Accounts {
    const SECTION: Section = Section::Accounts;
    const LIVE: &str = "account area";
}

impl LinkedAccount {
    /// `maria @ gitlab.example.com`, as far as it is known.
    fn name(&self) -> String {
        let host = words::host(&self.instance_url);
        self.username.as_ref().map_or_else(|| host.clone(), |username| format!("{username} @ {host}"))
    }

    /// The scopes without the one that is asked for.
    fn needless(&self) -> Option<String> {
        let scopes = self.scopes.as_ref()?.split(' ').filter(|scope| !scope.is_empty() && *scope != "read_api");
        let needless = scopes.collect::<Vec<_>>().join(", ");
        (!needless.is_empty()).then_some(needless)
    }

    /// Whether its token ends within a week.
    fn ends_soon(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_some_and(|end| end - now < SOON)
    }

    /// The form with this instance filled in.
    fn again_href(&self) -> String {
        link::Query::new("/accounts").with("instance_url", Some(&self.instance_url)).url() + "#link"
    }
}
