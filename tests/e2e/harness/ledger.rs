//! What must hold of the jobs, whatever has happened.

use super::Database;

/// No two live jobs do the same.
pub(crate) fn assert_no_twins(database: &Database) {
    let twins = database.texts(
        "SELECT dedupe_key AS v FROM jobs WHERE state IN ('queued', 'waiting', 'running', 'aborting') \
         GROUP BY dedupe_key HAVING count(*) > 1",
    );
    assert!(twins.is_empty(), "live more than once: {twins:?}");
}

/// The figures that are kept equal those that are counted.
pub(crate) fn assert_sound(database: &Database) {
    assert_no_twins(database);
    let kept = "SELECT kind, state, lane, user_id, n FROM job_counts WHERE n <> 0";
    let counted = "SELECT kind, state, lane, coalesce(user_id, 0), count(*) FROM jobs GROUP BY 1, 2, 3, 4";
    assert_same(database, "job_counts", kept, counted);
    let kept = "SELECT area_id, kind, n FROM resource_counters WHERE n <> 0";
    let counted = "SELECT area_id, kind, count(*) FROM resources WHERE deleted_at IS NULL GROUP BY 1, 2";
    assert_same(database, "resource_counters", kept, counted);
}

fn assert_same(database: &Database, what: &str, kept: &str, counted: &str) {
    let differences = database.number(&format!(
        "SELECT (SELECT count(*) FROM ({kept} EXCEPT {counted})) + (SELECT count(*) FROM ({counted} EXCEPT {kept})) AS v"
    ));
    assert_eq!(differences, 0, "{what} is not what is counted");
}

/// After a crawl: each job was done exactly once, however often it was begun, and its attempts tell one story.
pub(crate) fn assert_undisturbed(database: &Database) {
    assert_sound(database);
    let none = |what: &str, sql: &str| {
        let found = database.texts(sql);
        assert!(found.is_empty(), "{what}: {found:?}");
    };
    none(
        "did not complete",
        "SELECT dedupe_key || ' ' || state || ' ' || coalesce(error, '') AS v FROM jobs WHERE state <> 'completed'",
    );
    none("was done twice", "SELECT dedupe_key AS v FROM jobs GROUP BY dedupe_key HAVING count(*) > 1");
    none("an attempt has no end", "SELECT job_id AS v FROM attempts WHERE ended_at IS NULL OR outcome IS NULL");
    none(
        "completed other than once and at last",
        "SELECT id AS v FROM jobs WHERE (SELECT group_concat(lease_token) FROM attempts \
         WHERE job_id = jobs.id AND outcome = 'completed') IS NOT CAST(lease_token AS TEXT)",
    );
    none(
        "has not one attempt for each claim",
        "SELECT id AS v FROM jobs WHERE (SELECT count(*) FROM attempts WHERE job_id = jobs.id) <> lease_token",
    );
}
