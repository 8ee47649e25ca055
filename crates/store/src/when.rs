//! Times. UTC, in microseconds, which is what both databases keep.

use chrono::{DateTime, NaiveDateTime, SubsecRound as _, Utc};

/// The time, no finer than a database keeps it.
#[must_use]
pub fn now() -> DateTime<Utc> {
    Utc::now().trunc_subsecs(6)
}

/// For a column.
pub(crate) fn stored(time: DateTime<Utc>) -> NaiveDateTime {
    time.naive_utc().trunc_subsecs(6)
}
