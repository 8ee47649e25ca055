//! `scripts/bench search`: how long a search takes among a million issues, how long the charts of their project take, and how
//! fast they are exported, with the memory that the website needs for all of it.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures are printed, and so is how it goes")]

#[path = "shared/figures.rs"]
#[expect(dead_code, reason = "others use more of it")]
mod figures;
#[path = "../e2e/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use more of it")]
mod harness;
#[path = "../../crates/store/tests/support/postgres.rs"]
#[expect(dead_code, reason = "the tests use another part of it")]
mod postgres;
#[path = "shared/process.rs"]
mod process;

use diesel::{Connection as _, PgConnection, SqliteConnection, connection::SimpleConnection as _};
use harness::System;
use std::{path::Path, time::Instant};

/// Issues in the mirror.
const ISSUES: u32 = 1_000_000;
/// How often each search is made.
const TIMES: usize = 50;
/// How often the charts of their project are asked for.
const CHARTS: usize = 10;
/// What is searched for, and how often it is there.
const SEARCHES: [(&str, &str); 14] = [
    ("gateway", "in every title"),
    ("everywhere", "in every text"),
    ("topic7", "in the title of one in ten, as a beginning"),
    ("word123", "in the text of one in a thousand"),
    ("gateway%20word123", "one everywhere and one seldom"),
    ("gateway%20everywhere", "two words everywhere"),
    ("gateway%20everywhere%20topic", "two words everywhere and the beginning of another one"),
    ("gate", "the beginning of what is everywhere"),
    ("needle", "the beginning of another word in each title"),
    ("gateway%20needle", "one everywhere and the beginning of another word in each title"),
    ("word123%20needle", "one seldom and the beginning of another word in each title"),
    ("gateway%20needle12345", "one everywhere and the beginning of eleven words"),
    ("needle777777", "in one title"),
    ("nowhere", "not at all"),
];

#[tokio::main]
async fn main() {
    measure("SQLite", None).await;
    match postgres::Server::durable() {
        Some(server) => measure("PostgreSQL", Some(server.create_database())).await,
        None => eprintln!("PostgreSQL is not installed: no figures for it"),
    }
}

async fn measure(database: &str, url: Option<String>) {
    let mut system = System::new().with("TRAWL_LOG__FILTER", "warn");
    if let Some(url) = &url {
        system = system.with("TRAWL_DATABASE__URL", url);
    }
    let _supervisor = system.supervise(&["website"]);
    let client = system.set_up().await;
    let begun = Instant::now();
    fill(url.as_deref(), &system.path("state/trawl.db"));
    eprintln!("{database}: {ISSUES} issues are there after {:.0?}", begun.elapsed());
    let website = system.process("website").unwrap()["pid"].as_u64().unwrap();
    let mut slowest = 0.0_f64;
    for (words, place) in SEARCHES {
        let path = format!("/api/search?q={words}&limit=50");
        let mut times = Vec::with_capacity(TIMES);
        for _ in 0..TIMES {
            let begun = Instant::now();
            let answer = client.get(&path).await;
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(answer.json().as_array().unwrap().is_empty(), words == "nowhere", "{words}");
        }
        let (p50, p99) = (figures::median(times.clone()), figures::p99(times));
        eprintln!("{database}: p50 {p50:6.1} ms, p99 {p99:6.1} ms  {words}, {place}");
        slowest = slowest.max(p99);
    }
    figures::print("search", &format!("{database}, slowest p99 of a search"), "ms", slowest, 1, None);
    let areas = client.get("/api/areas").await.json();
    let area = areas.as_array().unwrap()[0]["id"].to_string();
    let mut times = Vec::with_capacity(CHARTS);
    for _ in 0..CHARTS {
        let begun = Instant::now();
        let answer = client.get(&format!("/api/areas/{}/charts", area.trim_matches('"'))).await;
        times.push(begun.elapsed().as_secs_f64() * 1000.0);
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    figures::print(
        "search",
        &format!("{database}, all charts of the project, p99"),
        "ms",
        figures::p99(times),
        1,
        None,
    );
    for file in ["issues.jsonl", "issues.csv"] {
        let begun = Instant::now();
        let mut answer = client.stream(&format!("/api/export/{file}"), None).await;
        let mut bytes = 0_usize;
        while let Some(part) = answer.chunk().await.unwrap() {
            bytes += part.len();
        }
        let mib = f64::from(u32::try_from(bytes >> 10).unwrap()) / 1024.0;
        let per_second = f64::from(ISSUES) / begun.elapsed().as_secs_f64();
        eprintln!("{database}: {file} is {mib:.0} MiB and took {:.1?}", begun.elapsed());
        figures::print("search", &format!("{database}, export of {file}"), "issues/s", per_second, 1, None);
    }
    let peak = process::peak_mib(website);
    figures::print("search", &format!("{database}, peak memory of the website"), "MiB", peak, 1, None);
}

/// Fills the database of a website that has one user, who sees everything.
fn fill(url: Option<&str>, file: &Path) {
    let numbers = match url {
        Some(_) => format!("(SELECT n FROM generate_series(1, {ISSUES}::bigint) n) numbers"),
        None => format!(
            "(WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {ISSUES}) SELECT n FROM c)"
        ),
    };
    let at = "'2026-01-01 00:00:00'";
    // Over a year, half of them closed within some days.
    let (opened, closed) = match url {
        Some(_) => (
            "date_trunc('second', now()::timestamp) - (n % 360) * interval '1 day'",
            "CASE WHEN n % 2 = 0 THEN date_trunc('second', now()::timestamp) - (n % 360) * interval '1 day' + (n % 9) * interval '1 hour' END",
        ),
        None => (
            "datetime('now', '-' || (n % 360) || ' days')",
            "CASE WHEN n % 2 = 0 THEN datetime('now', '-' || (n % 360) || ' days', '+' || (n % 9) || ' hours') END",
        ),
    };
    let statements = format!(
        "INSERT INTO instances (url, created_at) VALUES ('https://gitlab.example', {at});
         INSERT INTO areas (instance_id, kind, gitlab_id, full_path, name, archived, issues_enabled, merge_requests_enabled, \
            first_seen_at, seen_at) SELECT min(id), 'project', 7, 'group/project', 'Project', false, true, true, {at}, {at} \
            FROM instances;
         INSERT INTO accounts (user_id, instance_id, gitlab_user_id, username, token_cipher, state, state_since, linked_at) \
            SELECT (SELECT min(id) FROM users), (SELECT min(id) FROM instances), 1, 'maria', '', 'working', {at}, {at};
         INSERT INTO area_authorizations (account_id, area_id, access_level, seen_at) \
            SELECT (SELECT min(id) FROM accounts), (SELECT min(id) FROM areas), 50, {at};
         INSERT INTO resources (instance_id, kind, gitlab_id, area_id, iid, title, state, author, created_at, closed_at, \
            updated_at, confidential, payload, written_at) \
            SELECT (SELECT min(id) FROM instances), 'issue', n, (SELECT min(id) FROM areas), n, \
            'The gateway and topic' || (n % 100) || ' with needle' || n, 'opened', 'ada', {opened}, {closed}, {at}, false, \
            '{{\"description\":\"It happens everywhere and about word' || (n % 1000) || ' as part' || (n % 77) \
            || ' has it, and nobody knows what step' || (n % 31) || ' is to be taken next\"}}', {at} FROM {numbers};"
    );
    if let Some(url) = url {
        let mut conn = PgConnection::establish(url).unwrap();
        conn.batch_execute(&format!("BEGIN; {statements} COMMIT")).unwrap();
        conn.batch_execute("VACUUM ANALYZE").unwrap();
    } else {
        let mut conn = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
        let pragmas = "PRAGMA busy_timeout = 60000; PRAGMA foreign_keys = ON; PRAGMA cache_size = -200000;";
        conn.batch_execute(&format!("{pragmas} BEGIN IMMEDIATE; {statements} COMMIT;")).unwrap();
    }
}
