//! Who is who on the bus.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Address of a process on the bus. It stays the same across restarts; a [`Boot`] tells the lives apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProcessId(pub u16);

impl ProcessId {
    /// The supervisor itself.
    pub const SUPERVISOR: Self = Self(0);
    /// The website.
    pub const WEBSITE: Self = Self(1);
    /// From here on: crawlers that somebody started by hand.
    const FIRST_EXTERNAL: u16 = 0x8000;

    /// The crawler with this number, counted from 1.
    #[must_use]
    pub const fn crawler(number: u16) -> Self {
        Self(number + 1)
    }

    /// The crawler that was started by hand and came as the `number`th, counted from 1.
    #[must_use]
    pub const fn external_crawler(number: u16) -> Self {
        Self(Self::FIRST_EXTERNAL + number)
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("supervisor"),
            1 => f.write_str("website"),
            n if n >= Self::FIRST_EXTERNAL => write!(f, "crawler-x{}", n - Self::FIRST_EXTERNAL),
            n => write!(f, "crawler-{}", n - 1),
        }
    }
}

impl FromStr for ProcessId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || format!("{text:?} is no process; expected website, crawler-1, crawler-2 …");
        match text {
            "supervisor" => Ok(Self::SUPERVISOR),
            "website" => Ok(Self::WEBSITE),
            _ => {
                let number = text.strip_prefix("crawler-").ok_or_else(unknown)?;
                let (external, number) = number.strip_prefix('x').map_or((false, number), |number| (true, number));
                let number: u16 = number.parse().map_err(|_| unknown())?;
                match number {
                    1..0x7fff if external => Ok(Self::external_crawler(number)),
                    1..0x7fff => Ok(Self::crawler(number)),
                    _ => Err(unknown()),
                }
            }
        }
    }
}

/// One life of a process: a random number drawn at its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Boot(pub u32);

impl Boot {
    /// A new life. Never zero, which stands for "whoever is there".
    #[must_use]
    pub fn random() -> Self {
        Self(rand::random_range(1..=u32::MAX))
    }
}

impl fmt::Display for Boot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for id in [ProcessId::SUPERVISOR, ProcessId::WEBSITE, ProcessId::crawler(1), ProcessId::external_crawler(3)] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for bad in ["", "crawler", "crawler-0", "crawler-x0", "crawler-99999", "gitlab-sim"] {
            assert!(bad.parse::<ProcessId>().is_err(), "{bad}");
        }
    }
}
