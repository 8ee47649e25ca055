//! Numbers, times and names in words. `assets/time.js` says the same words for relative times.

use chrono::{DateTime, TimeDelta, Utc};
use trawl_jobs::{Lane, RecordKind, WaitReason};

/// A count with thousands separators: `12,400`.
#[must_use]
pub fn count(number: impl Into<i128>) -> String {
    let number = number.into();
    let digits = number.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        out.push('-');
    }
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// The length of a list, as a count.
#[must_use]
pub fn len<T>(items: &[T]) -> i64 {
    i64::try_from(items.len()).unwrap_or(i64::MAX)
}

/// A count with its noun: `1 job`, `1,204 jobs`.
#[must_use]
pub fn plural(number: impl Into<i128>, one: &str, many: &str) -> String {
    let number = number.into();
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// What a mirrored test report says: `1,200 tests, 3 failed`.
#[must_use]
pub fn tests(report: &serde_json::Value) -> String {
    let figure = |name: &str| report[name].as_u64().unwrap_or_default();
    let mut words = plural(figure("count"), "test", "tests");
    for (name, what) in [("failed", "failed"), ("error", "with an error"), ("skipped", "skipped")] {
        if figure(name) > 0 {
            words = format!("{words}, {} {what}", count(figure(name)));
        }
    }
    match report["suite_error"].as_str() {
        Some(error) => format!("{words}: {error}"),
        None => words,
    }
}

/// A share in whole percent. Rounded down, so that only what is done says `100 %`.
#[must_use]
pub fn percent(share: f64) -> String {
    // The little bit makes up for 0.29 * 100 = 28.999….
    format!("{:.0} %", (share.clamp(0.0, 1.0) * 100.0 + 1e-9).floor())
}

/// A share of counts with one decimal: `98.7 %`. Rounded down; nothing of nothing is all.
#[must_use]
pub fn share(part: i64, whole: i64) -> String {
    if part >= whole {
        return "100 %".to_owned();
    }
    let tenths = i128::from(part.max(0)) * 1000 / i128::from(whole);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// How long ago, or how soon: `just now`, `42 s ago`, `2 min ago`, `in 3 h`, and the date beyond two weeks.
#[must_use]
pub fn relative(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let ago = now - at;
    let distance = ago.abs();
    if distance < TimeDelta::seconds(5) {
        return "just now".to_owned();
    }
    let amount = match distance {
        d if d < TimeDelta::minutes(1) => format!("{} s", d.num_seconds()),
        d if d < TimeDelta::hours(1) => format!("{} min", d.num_minutes()),
        d if d < TimeDelta::days(1) => format!("{} h", d.num_hours()),
        d if d < TimeDelta::days(14) => format!("{} d", d.num_days()),
        _ => return at.format("%Y-%m-%d").to_string(),
    };
    if ago < TimeDelta::zero() { format!("in {amount}") } else { format!("{amount} ago") }
}

/// The exact time: `2026-11-22 14:02:11 UTC`.
#[must_use]
pub fn exact(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The time of day: `14:02:11`.
#[must_use]
pub fn clock(at: DateTime<Utc>) -> String {
    at.format("%H:%M:%S").to_string()
}

/// A time for machines, in the attribute `datetime`.
#[must_use]
pub fn machine(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// How long something took: `0.2 s`, and from ten seconds on as a clock shows it: `00:01:37`, `3 d 04:00:00`.
#[must_use]
pub fn duration(span: TimeDelta) -> String {
    if span < TimeDelta::seconds(10) {
        // Cut off, not rounded, so that it never says 10.0 s.
        let tenths = (span.num_milliseconds() / 100).max(0);
        return format!("{}.{} s", tenths / 10, tenths % 10);
    }
    let seconds = span.num_seconds();
    let clock = format!("{:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    match seconds / 86400 {
        0 => clock,
        days => format!("{} d {clock}", count(days)),
    }
}

/// A rough amount of time: `3 s`, `7 min`, `2 h 10 min`, `4 d`.
#[must_use]
pub fn rough(seconds: i64) -> String {
    match seconds.max(1) {
        s @ ..90 => format!("{s} s"),
        s @ ..5400 => format!("{} min", (s + 30) / 60),
        s @ ..86_400 if s / 60 % 60 == 0 => format!("{} h", s / 3600),
        s @ ..86_400 => format!("{} h {} min", s / 3600, s / 60 % 60),
        s => plural((s + 43_200) / 86_400, "day", "days"),
    }
}

/// A rate: `38/s`, `0.4/s`, `5/min`.
#[must_use]
pub fn rate(per_second: f64) -> String {
    match per_second {
        r if !r.is_finite() || r <= 0.0 => "0/s".to_owned(),
        r if r >= 9.95 => format!("{}/s", whole(r)),
        r if r >= 0.1 => format!("{r:.1}/s"),
        r => format!("{:.1}/min", r * 60.0),
    }
}

fn whole(number: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "a cast of a float saturates")]
    count(number.round() as i64)
}

/// A size: `812 bytes`, `12.4 MB`.
#[must_use]
pub fn bytes(size: i64) -> String {
    let mut unit = "bytes";
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let mut amount = size.max(0) as f64;
    for next in ["kB", "MB", "GB", "TB"] {
        if amount < 1000.0 {
            break;
        }
        amount /= 1000.0;
        unit = next;
    }
    if unit == "bytes" { format!("{amount:.0} bytes") } else { format!("{amount:.1} {unit}") }
}

/// A job kind in words. A kind that this build does not know keeps its own name.
#[must_use]
pub fn kind(kind: &str) -> String {
    match kind {
        "authorization_scope" => "account scope".to_owned(),
        other => other.replace('_', " "),
    }
}

/// A job kind in words, as a heading.
#[must_use]
pub fn kind_heading(name: &str) -> String {
    let mut letters = kind(name);
    if let Some(first) = letters.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    letters
}

/// Name of a lane, where it is worth a word.
#[must_use]
pub const fn lane(lane: Lane) -> Option<&'static str> {
    match lane {
        Lane::Priority => Some("priority lane"),
        Lane::Normal => None,
    }
}

/// Objects of a kind, as a heading.
#[must_use]
pub fn records(kind: RecordKind) -> String {
    kind_heading(kind.plural())
}

/// Why jobs are parked, after `3 jobs wait`.
#[must_use]
pub const fn waits_for(reason: WaitReason) -> &'static str {
    match reason {
        WaitReason::Credentials => "for a token that works",
        WaitReason::RateLimited => "because GitLab asked to slow down",
        WaitReason::Retry => "for another attempt",
        WaitReason::Paused => "because they are paused",
    }
}

/// The host of a URL, for names such as `maria @ gitlab.example.com`; what is not a URL stays as it is.
#[must_use]
pub fn host(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(parsed) => match (parsed.host_str(), parsed.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (Some(host), None) => host.to_owned(),
            (None, _) => url.to_owned(),
        },
        Err(_) => url.to_owned(),
    }
}

/// JSON with line breaks; what is not JSON stays as it is.
#[must_use]
pub fn json(text: &str) -> String {
    serde_json::from_str::<serde_json::Value>(text)
        .and_then(|value| serde_json::to_string_pretty(&value))
        .unwrap_or_else(|_| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn thousands_are_separated() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1000), "1,000");
        assert_eq!(count(-12_345_678), "-12,345,678");
        assert_eq!(plural(1, "job", "jobs"), "1 job");
        assert_eq!(plural(1204, "job", "jobs"), "1,204 jobs");
    }

    #[test]
    fn a_test_report_says_what_went_wrong() {
        let report = serde_json::json!({ "count": 1200, "failed": 3, "error": 0, "skipped": 1, "suite_error": null });
        assert_eq!(tests(&report), "1,200 tests, 3 failed, 1 skipped");
        let broken = serde_json::json!({ "count": 0, "suite_error": "no XML" });
        assert_eq!(tests(&broken), "0 tests: no XML");
    }

    #[test]
    fn only_what_is_done_is_a_hundred_percent() {
        assert_eq!(percent(0.999), "99 %");
        assert_eq!(percent(0.29), "29 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(share(213, 214), "99.5 %");
        assert_eq!(share(0, 7), "0.0 %");
        assert_eq!(share(0, 0), "100 %");
    }

    #[test]
    fn relative_times_read_both_ways() {
        let now = at("2026-11-22T12:00:00Z");
        let told = |text| relative(at(text), now);
        assert_eq!(told("2026-11-22T11:59:58Z"), "just now");
        assert_eq!(told("2026-11-22T11:59:18Z"), "42 s ago");
        assert_eq!(told("2026-11-22T11:57:01Z"), "2 min ago");
        assert_eq!(told("2026-11-22T08:59:00Z"), "3 h ago");
        assert_eq!(told("2026-11-12T12:00:00Z"), "10 d ago");
        assert_eq!(told("2026-03-01T12:00:00Z"), "2026-03-01");
        assert_eq!(told("2026-11-22T12:20:30Z"), "in 20 min");
    }

    #[test]
    fn spans_and_rates() {
        assert_eq!(duration(TimeDelta::seconds(97)), "00:01:37");
        assert_eq!(duration(TimeDelta::seconds(3 * 86_400 + 4 * 3600)), "3 d 04:00:00");
        assert_eq!(duration(TimeDelta::milliseconds(240)), "0.2 s");
        assert_eq!(duration(TimeDelta::milliseconds(9_999)), "9.9 s");
        assert_eq!(duration(TimeDelta::seconds(10)), "00:00:10");
        assert_eq!(duration(TimeDelta::seconds(-4)), "0.0 s");
        assert_eq!(rough(0), "1 s");
        assert_eq!(rough(420), "7 min");
        assert_eq!(rough(7800), "2 h 10 min");
        assert_eq!(rough(4 * 86_400), "4 days");
        assert_eq!(rate(38.2), "38/s");
        assert_eq!(rate(0.42), "0.4/s");
        assert_eq!(rate(0.05), "3.0/min");
        assert_eq!(rate(f64::NAN), "0/s");
        assert_eq!(bytes(812), "812 bytes");
        assert_eq!(bytes(12_400_000), "12.4 MB");
    }

    #[test]
    fn names() {
        assert_eq!(kind("merge_requests"), "merge requests");
        assert_eq!(kind_heading("merge_requests"), "Merge requests");
        assert_eq!(host("https://gitlab.example.com/x"), "gitlab.example.com");
        assert_eq!(host("http://127.0.0.1:8080"), "127.0.0.1:8080");
        assert_eq!(host("nonsense"), "nonsense");
        assert_eq!(json("{\"a\":1}"), "{\n  \"a\": 1\n}");
        assert_eq!(json("not json"), "not json");
    }
}
