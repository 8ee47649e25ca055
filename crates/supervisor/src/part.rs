//! The parts that a system consists of.

use std::fmt;
use trawl_protocol::ProcessId;
use trawl_settings::Settings;

/// What a supervised process is for. In the order of starting; stopping goes the other way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// The simulated GitLab of the demo.
    GitlabSim,
    /// UI, API, job manager, database.
    Website,
    /// The worker with this number, from 1.
    Crawler(u16),
}

impl Part {
    /// File name of its program.
    #[must_use]
    pub const fn program(self) -> &'static str {
        match self {
            Self::GitlabSim => "gitlab-sim",
            Self::Website => "website",
            Self::Crawler(_) => "crawler",
        }
    }

    /// Its address, where it comes to the bus at all.
    #[must_use]
    pub const fn id(self) -> Option<ProcessId> {
        match self {
            Self::GitlabSim => None,
            Self::Website => Some(ProcessId::WEBSITE),
            Self::Crawler(number) => Some(ProcessId::crawler(number)),
        }
    }

    /// Whether `name`, as a person types it, means this part: `crawler` means all crawlers.
    #[must_use]
    pub fn is_called(self, name: &str) -> bool {
        name == self.program() || name == self.to_string()
    }
}

/// The parts of a system with these settings, in the order of starting.
#[must_use]
pub fn all(settings: &Settings, demo: bool) -> Vec<Part> {
    let simulator = demo.then_some(Part::GitlabSim);
    let crawlers = (1..=settings.crawler.instances).map(Part::Crawler);
    simulator.into_iter().chain([Part::Website]).chain(crawlers).collect()
}

/// Those of `all` that `names` mean; no names mean all.
///
/// # Errors
/// A name means nothing: a sentence that says which.
pub fn select(all: &[Part], names: &[String]) -> Result<Vec<Part>, String> {
    if let Some(unknown) = names.iter().find(|name| !all.iter().any(|part| part.is_called(name))) {
        let known: Vec<String> = all.iter().map(ToString::to_string).collect();
        return Err(format!("{unknown:?} is no process of this system; there are {}", known.join(", ")));
    }
    let meant = |part: &Part| names.is_empty() || names.iter().any(|name| part.is_called(name));
    Ok(all.iter().copied().filter(meant).collect())
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crawler(number) => write!(f, "crawler-{number}"),
            other => f.write_str(other.program()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_on_the_bus_are_names_in_the_table() {
        for part in [Part::Website, Part::Crawler(1), Part::Crawler(12)] {
            assert_eq!(part.id().unwrap().to_string(), part.to_string());
        }
    }

    #[test]
    fn crawler_means_every_crawler() {
        assert!(Part::Crawler(2).is_called("crawler") && Part::Crawler(2).is_called("crawler-2"));
        assert!(!Part::Crawler(2).is_called("crawler-1") && !Part::Website.is_called("crawler"));
    }
}
