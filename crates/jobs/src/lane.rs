//! Two lanes share the slots: some are kept free for urgent work.

use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Which lane a job runs in. Decided once, by its priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// May use every slot.
    Priority,
    /// May never use a reserved slot.
    Normal,
}

impl Lane {
    /// Both lanes, the urgent one first.
    pub const ALL: [Self; 2] = [Self::Priority, Self::Normal];

    /// The lane of a job with this priority.
    #[must_use]
    pub const fn of(priority: i32, threshold: i32) -> Self {
        if priority >= threshold { Self::Priority } else { Self::Normal }
    }

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Priority => "priority",
            Self::Normal => "normal",
        }
    }
}

impl FromStr for Lane {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|lane| lane.as_str() == text);
        known.ok_or_else(|| format!("there is no lane {text:?}; use priority or normal"))
    }
}

/// How many jobs run at once, and how many of these slots only the priority lane may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    /// All slots.
    pub total: usize,
    /// Those that normal jobs may never take; at most `total`.
    pub reserved: usize,
}

impl Slots {
    /// How many more jobs of each lane may start while these many run: `(any lane, normal lane)`. The first bounds
    /// both lanes together, the second the normal lane alone.
    #[must_use]
    pub fn free(self, running_priority: usize, running_normal: usize) -> (usize, usize) {
        let any = self.total.saturating_sub(running_priority + running_normal);
        let normal = self.total.saturating_sub(self.reserved).saturating_sub(running_normal);
        (any, normal.min(any))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_threshold_belongs_to_the_priority_lane() {
        assert_eq!(Lane::of(90, 90), Lane::Priority);
        assert_eq!(Lane::of(89, 90), Lane::Normal);
    }

    proptest! {
        #[test]
        fn normal_jobs_never_take_a_reserved_slot(total in 0..50_usize, reserved in 0..50_usize, arrivals in proptest::collection::vec(any::<bool>(), 0..100)) {
            let slots = Slots { total, reserved };
            let (mut priority, mut normal) = (0, 0);
            for urgent in arrivals {
                let (any, free_normal) = slots.free(priority, normal);
                if urgent && any > 0 { priority += 1; }
                if !urgent && free_normal > 0 { normal += 1; }
                prop_assert!(priority + normal <= total);
                prop_assert!(normal <= total.saturating_sub(reserved));
            }
        }
    }
}
