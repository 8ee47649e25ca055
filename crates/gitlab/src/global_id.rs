//! Reads the scalars that GitLab writes as text: global ids, numbers within a project, times and days.

use chrono::{DateTime, NaiveDate, Utc};

/// The number at the end of `gid://gitlab/Issue/42`.
pub(crate) fn id(text: &str) -> Result<i64, String> {
    text.strip_prefix("gid://gitlab/")
        .and_then(|rest| rest.rsplit_once('/'))
        .and_then(|(_kind, number)| positive(number))
        .ok_or_else(|| format!("{} is not a global id with a number", shown(text)))
}

/// A number within a project.
pub(crate) fn iid(text: &str) -> Result<i64, String> {
    positive(text).ok_or_else(|| format!("{} is not a number within a project", shown(text)))
}

pub(crate) fn time(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|time| time.with_timezone(&Utc))
        .map_err(|_| format!("{} is not a time", shown(text)))
}

pub(crate) fn optional_time(text: Option<&str>) -> Result<Option<DateTime<Utc>>, String> {
    text.map(time).transpose()
}

/// A day. The schema calls it a time, but GitLab sends `2026-05-20`; a time is cut to its day as written.
pub(crate) fn optional_day(text: Option<&str>) -> Result<Option<NaiveDate>, String> {
    text.map(|text| {
        text.get(..10).and_then(|day| day.parse().ok()).ok_or_else(|| format!("{} is not a day", shown(text)))
    })
    .transpose()
}

/// Digits only: `i64::from_str` alone would take a sign.
fn positive(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// The text as it appears in a sentence: quoted, bounded.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(80).collect();
    format!("{short:?}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ids_of_every_kind() {
        assert_eq!(id("gid://gitlab/Issue/42"), Ok(42));
        assert_eq!(id("gid://gitlab/Namespaces::UserNamespace/7"), Ok(7));
        for bad in [
            "",
            "42",
            "gid://gitlab/Issue/",
            "gid://gitlab/Issue/-1",
            "gid://gitlab/Issue/+1",
            "gid://gitlab/LabelNote/0b3e",
            "gid://other/Issue/1",
            "gid://gitlab/Issue/99999999999999999999",
        ] {
            assert!(id(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn times_and_days() {
        assert_eq!(time("2026-05-20T10:00:00+02:00").unwrap().to_rfc3339(), "2026-05-20T08:00:00+00:00");
        assert!(time("yesterday").is_err());
        let day = NaiveDate::from_ymd_opt(2026, 5, 20);
        assert_eq!(optional_day(Some("2026-05-20")), Ok(day));
        assert_eq!(optional_day(Some("2026-05-20T00:00:00Z")), Ok(day));
        assert!(optional_day(Some("soon")).is_err());
        assert_eq!(optional_day(None), Ok(None));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".*", number in 0_i64..) {
            let _ = (id(&text), iid(&text), time(&text), optional_day(Some(&text)));
            prop_assert_eq!(id(&format!("gid://gitlab/X/{number}")), Ok(number));
        }
    }
}
