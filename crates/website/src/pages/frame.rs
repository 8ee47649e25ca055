//! What surrounds every page of a signed-in user.

use chrono::{DateTime, Utc};

/// Who looks, when, and whether the processes are up. The same for all pages of one request.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Name of the user who is signed in.
    pub user_name: String,
    /// Whether the user may see the administration.
    pub is_admin: bool,
    /// CSRF token of the session: the value of the field `csrf` in every form that changes something.
    pub csrf: String,
    /// State of the processes.
    pub lamp: Lamp,
    /// The time of the request, to which relative times refer.
    pub now: DateTime<Utc>,
    /// Id of the newest live event before the page was loaded: what comes after it, the page does not show yet.
    pub seen: u64,
}

/// The process lamp: one dot and a few words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lamp {
    /// All of this many processes are ready.
    AllUp(usize),
    /// All are ready but those that wait for something, such as an account.
    Waiting {
        /// Ready processes.
        up: usize,
        /// Processes that wait.
        waiting: usize,
    },
    /// Some are starting, or come back after a pause.
    Restarting {
        /// Ready processes.
        up: usize,
        /// All processes.
        of: usize,
    },
    /// At least one has ended and stays down.
    Down {
        /// Ready processes.
        up: usize,
        /// All processes.
        of: usize,
    },
    /// The website runs by itself: nobody starts crawlers.
    NoSupervisor,
}

impl Lamp {
    /// The word that the style sheet and the browser modules know.
    #[must_use]
    pub const fn class(self) -> &'static str {
        match self {
            Self::AllUp(_) | Self::Waiting { .. } => "up",
            Self::Restarting { .. } => "restarting",
            Self::Down { .. } => "down",
            Self::NoSupervisor => "none",
        }
    }

    /// The lamp in words.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::AllUp(1) => "The only process is up".to_owned(),
            Self::AllUp(2) => "Both processes up".to_owned(),
            Self::AllUp(count) => format!("All {count} processes up"),
            Self::Waiting { up: 1, waiting } => format!("1 process up, {waiting} waiting"),
            Self::Waiting { up, waiting } => format!("{up} processes up, {waiting} waiting"),
            Self::Restarting { up, of } => format!("{up} of {of} processes up, the rest starting"),
            Self::Down { up, of } => format!("{up} of {of} processes up"),
            Self::NoSupervisor => "No supervisor".to_owned(),
        }
    }
}

/// An entry of the rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    /// What runs and what needs a person.
    Overview,
    /// All jobs.
    Jobs,
    /// The mirror.
    Explore,
    /// Linked GitLab accounts.
    Accounts,
    /// Processes and storage; for administrators.
    Admin,
}

impl Section {
    const ALL: [Self; 5] = [Self::Overview, Self::Jobs, Self::Explore, Self::Accounts, Self::Admin];

    /// The entries that this user has.
    pub fn shown(is_admin: bool) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |section| is_admin || *section != Self::Admin)
    }

    /// Its word, as shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Jobs => "Jobs",
            Self::Explore => "Explore",
            Self::Accounts => "Accounts",
            Self::Admin => "Admin",
        }
    }

    /// Where it leads.
    #[must_use]
    pub const fn href(self) -> &'static str {
        match self {
            Self::Overview => "/",
            Self::Jobs => "/jobs",
            Self::Explore => "/explore",
            Self::Accounts => "/accounts",
            Self::Admin => "/admin",
        }
    }
}
