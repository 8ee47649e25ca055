use std::time::{Duration, SystemTime};

use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};

/// Longest wait that we believe.
const LONGEST: Duration = Duration::from_hours(24);

/// How long a server asks to be left alone: seconds, or a date. Dates are compared with the server's own clock where it
/// tells it.
pub(crate) fn retry_after(headers: &HeaderMap, our_now: SystemTime) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let asked = text(RETRY_AFTER)?;
    let wait = if let Ok(seconds) = asked.parse() {
        Duration::from_secs(seconds)
    } else {
        let then = httpdate::parse_http_date(asked).ok()?;
        let now = text(DATE).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or(our_now);
        then.duration_since(now).unwrap_or_default()
    };
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait_s(pairs: &[(&'static str, &'static str)]) -> Option<u64> {
        let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        retry_after(&headers, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn every_form_of_asking_to_wait() {
        assert_eq!(wait_s(&[("retry-after", "17")]), Some(17));
        assert_eq!(wait_s(&[("retry-after", "Sun, 06 Nov 1994 08:50:37 GMT")]), Some(60));
        assert_eq!(wait_s(&[("retry-after", "Sun, 06 Nov 1994 08:40:00 GMT")]), Some(0));
        assert_eq!(wait_s(&[("retry-after", "18446744073709551615")]), Some(86_400));
        let skewed = [("date", "Sun, 06 Nov 1994 09:49:37 GMT"), ("retry-after", "Sun, 06 Nov 1994 09:49:47 GMT")];
        assert_eq!(wait_s(&skewed), Some(10));
        for nothing in ["soon", "", "-1", "99999999999999999999999"] {
            assert_eq!(wait_s(&[("retry-after", nothing)]), None, "{nothing:?}");
        }
        assert_eq!(wait_s(&[]), None);
    }
}
