//! A database that has been used for long: a million jobs that have ended, and a hundred thousand that are queued.

use diesel::{Connection as _, PgConnection, SqliteConnection, connection::SimpleConnection as _};
use std::path::Path;

/// Jobs that have ended, and their attempts.
pub(crate) const PAST: u32 = 1_000_000;
/// Jobs that wait for a crawler.
pub(crate) const QUEUED: u32 = 100_000;
/// A job with everything that a page of a job can have.
pub(crate) const FULL: u32 = PAST / 2;
const AREAS: u32 = 200;
const MESSAGES: u32 = 1_000;
const ITEMS: u32 = 5_000;
const ATTEMPTS: u32 = 500;

/// What the two databases call the same things.
struct Words {
    /// A table of numbers `n`, to be completed with the last one.
    numbers: fn(u32) -> String,
    /// Milliseconds since 1970 as a time.
    time: fn(&str) -> String,
    /// A number as so many hexadecimal digits.
    hex: fn(&str, u32) -> String,
}

const SQLITE: Words = Words {
    numbers: |last| {
        format!("(WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {last}) SELECT n FROM c)")
    },
    time: |ms| format!("strftime('%Y-%m-%d %H:%M:%f', ({ms}) / 1000.0, 'unixepoch')"),
    hex: |number, digits| format!("printf('%0{digits}x', {number})"),
};
const POSTGRES: Words = Words {
    numbers: |last| format!("(SELECT n FROM generate_series(1, {last}::bigint) n) numbers"),
    time: |ms| format!("(to_timestamp(({ms}) / 1000.0) AT TIME ZONE 'UTC')"),
    hex: |number, digits| format!("lpad(to_hex({number}), {digits}, '0')"),
};

/// Fills the database of a website that has one user.
pub(crate) fn fill(url: Option<&str>, file: &Path) {
    if let Some(url) = url {
        let mut conn = PgConnection::establish(url).unwrap();
        conn.batch_execute(&format!("BEGIN; {} COMMIT", statements(&POSTGRES))).unwrap();
        conn.batch_execute("VACUUM ANALYZE").unwrap();
    } else {
        let mut conn = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
        let pragmas = "PRAGMA busy_timeout = 60000; PRAGMA foreign_keys = ON; PRAGMA cache_size = -200000;";
        conn.batch_execute(&format!("{pragmas} BEGIN IMMEDIATE; {} COMMIT;", statements(&SQLITE))).unwrap();
    }
}

/// When the job of this number was submitted: a tenth of a second after the one before, until an hour ago.
fn submitted(number: &str) -> String {
    format!("(1750000000000 + {number} * 100)")
}

fn id(words: &Words, number: &str) -> String {
    let ms = submitted(number);
    let (high, low) = ((words.hex)(&format!("{ms} / 65536"), 8), (words.hex)(&format!("{ms} % 65536"), 4));
    format!("{high} || '-' || {low} || '-7000-8000-' || {}", (words.hex)(number, 12))
}

/// The id of [`FULL`].
pub(crate) fn full_id() -> String {
    let ms = 1_750_000_000_000_u64 + u64::from(FULL) * 100;
    format!("{:08x}-{:04x}-7000-8000-{FULL:012x}", ms / 65_536, ms % 65_536)
}

fn statements(words: &Words) -> String {
    let (id, at) = (id(words, "n"), (words.time)(&submitted("n")));
    let full = full_id();
    let numbers = words.numbers;
    let columns = "id, kind, payload, dedupe_key, state, priority, lane, rank, max_attempts, attempt, lease_token, \
                   user_id, area_id, instance_id, parent_id, run_at, created_at, updated_at, started_at, finished_at, \
                   progress, result, completed_by, error_class, error";
    // One in fifty has failed, for one of seven reasons, and one in a hundred was stopped.
    let state = "CASE WHEN n % 50 = 7 THEN 'failed' WHEN n % 100 = 9 THEN 'aborted' ELSE 'completed' END";
    let kind = "CASE n % 3 WHEN 0 THEN 'issues' WHEN 1 THEN 'merge_requests' ELSE 'project' END";
    [
        "INSERT INTO instances (url, created_at) VALUES ('https://gitlab.example', '2026-01-01 00:00:00');".to_owned(),
        format!(
            "INSERT INTO areas (instance_id, kind, gitlab_id, full_path, name, archived, issues_enabled, \
             merge_requests_enabled, first_seen_at, seen_at) SELECT (SELECT min(id) FROM instances), 'project', n, \
             'group/project-' || n, 'Project ' || n, false, true, true, '2026-01-01 00:00:00', '2026-01-01 00:00:00' \
             FROM {};",
            numbers(AREAS)
        ),
        format!(
            "INSERT INTO job_rows ({columns}) SELECT {id}, {kind}, '{{\"full\":false}}', 'past:' || n, {state}, 60, \
             CASE WHEN n % 20 = 0 THEN 'priority' ELSE 'normal' END, n, 5, 1, 1, (SELECT min(id) FROM users), \
             (SELECT min(id) FROM areas) + n % {AREAS}, (SELECT min(id) FROM instances), \
             CASE WHEN n > {FULL} AND n <= {FULL} + 1000 THEN '{full}' END, {at}, {at}, {at}, {at}, {at}, 1, \
             '{{\"records\":12}}', CASE WHEN {state} = 'completed' THEN 'node/crawler-1/00000001' END, \
             CASE WHEN n % 50 = 7 THEN 'transient' END, \
             CASE WHEN n % 50 = 7 THEN 'GitLab answered 50' || n % 7 || ' to request ' || n END FROM {};",
            numbers(PAST)
        ),
        format!(
            "INSERT INTO job_attempts (job_id, lease_token, worker, started_at, ended_at, outcome) \
             SELECT {id}, 1, 'node/crawler-1/00000001', {at}, {at}, {state} FROM {} WHERE {state} <> 'completed';",
            numbers(PAST)
        ),
        format!(
            "INSERT INTO job_attempts (job_id, lease_token, worker, started_at, ended_at, outcome, error) \
             SELECT '{full}', n + 1, 'node/crawler-1/00000001', {at}, {at}, 'failed', 'the connection was reset' \
             FROM {};",
            numbers(ATTEMPTS)
        ),
        format!(
            "INSERT INTO job_messages (job_id, level, at, text, nr) SELECT '{full}', l.level, {at}, \
             'something happened for the time number ' || n, n FROM {}, (SELECT 'info' AS level UNION ALL \
             SELECT 'warning' UNION ALL SELECT 'error') l;",
            numbers(MESSAGES)
        ),
        format!(
            "INSERT INTO job_items (job_id, name, state, verdict, updated_at) SELECT '{full}', \
             'https://example.org/' || n, CASE WHEN n % 9 = 0 THEN 'failed' ELSE 'done' END, \
             CASE WHEN n % 9 = 0 THEN 'dead' ELSE 'alive' END, {at} FROM {};",
            numbers(ITEMS)
        ),
        format!(
            "INSERT INTO job_rows ({columns}) SELECT {}, 'drill', '{{\"name\":\"' || n || '\",\"steps\":1,\"step_ms\":100}}', 'drill:queued:' || n, \
             'queued', 50, 'normal', n, 5, 0, 0, (SELECT min(id) FROM users), NULL, NULL, NULL, {at}, {at}, {at}, NULL, \
             NULL, 0, NULL, NULL, NULL, NULL FROM {};",
            self::id(words, &format!("({PAST} + n)")),
            numbers(QUEUED)
        ),
    ]
    .concat()
}
