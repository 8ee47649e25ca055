use serde::{Deserialize, Serialize};

/// A user of the instance, as far as an author or an assignee shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Numeric id on the instance.
    pub id: i64,
    /// Login name.
    pub username: String,
    /// Display name.
    pub name: String,
    /// Picture; a path for pictures that the instance itself holds.
    pub avatar_url: Option<String>,
    /// Whether this is a bot or a service account.
    pub bot: bool,
}

/// Whose token the client holds, and what it speaks to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The token's owner.
    pub person: Person,
    /// Version of the instance, e.g. `18.7.0-ee`; `None` where the token may not read it.
    pub version: Option<String>,
    /// Whether the instance is an Enterprise Edition build.
    pub enterprise: Option<bool>,
}
