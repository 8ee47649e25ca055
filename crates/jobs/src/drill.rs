//! `drill`: a job that does nothing but what it is told, to see how the others would fare.

use serde::{Deserialize, Serialize};

/// How a drill ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum DrillEnd {
    /// It completes.
    #[default]
    Completes,
    /// It fails for good.
    Fails,
    /// Each attempt fails for a reason that may pass.
    Hiccups,
    /// Each attempt panics.
    Panics,
}

/// Does nothing but take its time and end as it is told: shows that jobs run, how fast, and what becomes of failures.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Drill {
    /// Tells drills apart: of each name at most one is live for a person.
    #[serde(default)]
    pub name: String,
    /// Steps to take; each is a checkpoint.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(maximum = 10_000))]
    pub steps: u32,
    /// How long each step takes, in milliseconds.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(maximum = 3_600_000))]
    pub step_ms: u64,
    /// Messages to write with each step.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(maximum = 1000))]
    pub messages: u32,
    /// Items to report with each step.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(maximum = 1000))]
    pub items: u32,
    /// How it ends.
    #[serde(default)]
    pub end: DrillEnd,
    /// Whether it goes on, without listening, when it is asked to stop.
    #[serde(default)]
    pub stubborn: bool,
}

impl Drill {
    /// What is wrong with it, in words.
    pub(crate) fn problem(&self) -> Option<String> {
        if self.name.len() > 200 {
            return Some("name must not be longer than 200 bytes".to_owned());
        }
        if self.steps > 10_000 || self.step_ms > 3_600_000 || self.messages > 1000 || self.items > 1000 {
            return Some(
                "steps must not be above 10000, step_ms not above 3600000, messages and items not above 1000"
                    .to_owned(),
            );
        }
        None
    }
}
