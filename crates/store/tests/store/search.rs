//! Objects by their words.

use crate::{
    resources::{issue, put},
    world::{World, execute},
};
use trawl_jobs::{AreaId, Record, RecordKind, WholeList};
use trawl_store::{
    Conn, resources,
    search::{self, Search},
};

async fn found(world: &World, text: &str, among: &[AreaId], confidential: &[AreaId]) -> Vec<i64> {
    let wanted = Search {
        text: text.to_owned(),
        kind: None,
        among: among.to_vec(),
        confidential: confidential.to_vec(),
        restricted: [confidential.to_vec(), confidential.to_vec(), Vec::new()],
    };
    let rows = world.read(move |conn| search::search(conn, &wanted, 10)).await;
    rows.iter().map(|row| row.gitlab_id).collect()
}

fn said(id: i64, title: &str, description: &str) -> Record {
    let payload = serde_json::json!({ "description": description }).to_string();
    Record { title: title.to_owned(), payload, ..issue(id, id) }
}

async fn titles_come_before_texts_and_late_before_early(world: &World) {
    let area = world.area(1).await;
    put(world, area, said(1, "Gateway crashes on reload", "")).await;
    put(world, area, said(2, "Reload is slow", "The gateway takes a minute")).await;
    put(world, area, said(3, "Crash of the gateway", "")).await;
    put(world, area, said(4, "Größe der Warteschlange", "")).await;
    let all = [area];
    assert_eq!(found(world, "gateway", &all, &all).await, [3, 1, 2]);
    assert_eq!(found(world, "reload GATE", &all, &all).await, [2, 1], "each word, the last of which may go on");
    assert_eq!(found(world, "gate reload", &all, &all).await, [0; 0]);
    assert_eq!(found(world, "größe", &all, &all).await, [4]);
    assert_eq!(found(world, "gateway nonsense", &all, &all).await, [0; 0]);
    for nothing in ["", " * ", "\"", "' OR 1=1 --", "title:", "NOT", "a AND"] {
        found(world, nothing, &all, &all).await;
    }
}

async fn nobody_finds_what_they_may_not_see(world: &World) {
    let (area, other) = (world.area(1).await, world.area(2).await);
    put(world, area, said(1, "Plan", "")).await;
    put(world, area, Record { confidential: true, ..said(2, "Secret plan", "") }).await;
    put(world, other, said(3, "Another plan", "")).await;
    assert_eq!(found(world, "plan", &[area], &[]).await, [1]);
    assert_eq!(found(world, "plan", &[area], &[area]).await, [2, 1]);
    assert_eq!(found(world, "plan", &[area, other], &[]).await, [3, 1]);
    assert_eq!(found(world, "plan", &[], &[]).await, [0; 0]);
    put(world, area, Record { kind: RecordKind::Commit, ..said(4, "Plan the code", "") }).await;
    put(world, area, Record { kind: RecordKind::Package, ..said(5, "Plan of a package", "") }).await;
    put(world, area, Record { kind: RecordKind::PipelineJob, ..said(6, "Plan of a job", "") }).await;
    put(world, area, Record { kind: RecordKind::Vulnerability, ..said(7, "Plan with a hole", "") }).await;
    put(world, area, Record { kind: RecordKind::Attachment, ..said(8, "plan.pdf", "") }).await;
    assert_eq!(found(world, "plan", &[area], &[]).await, [1], "nor the code and what is made of it");
    assert_eq!(found(world, "plan", &[area], &[area]).await, [7, 5, 4, 2, 1], "as a developer, and not a maintainer");
}

async fn a_beginning_of_many_words_hides_none_beside_another_word(world: &World) {
    let area = world.area(1).await;
    for id in 1..=150 {
        put(world, area, said(id, "Item", &format!("Its Part{id:03}"))).await;
    }
    put(world, area, said(200, "zebra with part150", "")).await;
    put(world, area, said(201, "zebra with counterpart1 and opart1", "")).await;
    assert_eq!(found(world, "zebra part", &[area], &[]).await, [200]);
    assert_eq!(found(world, "zebra with part", &[area], &[]).await, [200]);
    assert_eq!(found(world, "part", &[area], &[]).await.len(), 10, "as many as were asked for");
    assert_eq!(found(world, "item part", &[area], &[]).await, (141..=150).rev().collect::<Vec<_>>());
    assert_eq!(found(world, "item its part", &[area], &[]).await, (141..=150).rev().collect::<Vec<_>>());
    assert_eq!(found(world, "part15", &[area], &[]).await, [200, 150]);
}

async fn what_is_older_than_many_others_is_found(world: &World) {
    let area = world.area(1).await;
    put(world, area, said(1, "Zebra", "near the counter")).await;
    put(world, area, said(2, "The counter", "of a zebra")).await;
    put(world, area, said(3, "Zebras", "of part1")).await;
    for id in 11..=150 {
        put(world, area, said(id, &format!("part{id:03}"), "")).await;
    }
    world
        .write(move |conn| {
            // One of two has a word that begins as some do which nothing else here has.
            let rows = "WITH RECURSIVE c (n) AS (SELECT 1000 UNION ALL SELECT n + 1 FROM c WHERE n < 12000) \
                        SELECT instance_id, kind, n, area_id, 'common' || CASE n % 2 WHEN 0 THEN ' part' || n ELSE '' END, \
                        confidential, '{}', written_at FROM c, resources WHERE gitlab_id = 1";
            let into = "instance_id, kind, gitlab_id, area_id, title, confidential, payload, written_at";
            execute(conn, &format!("INSERT INTO resources ({into}) {rows}"))
        })
        .await;
    let all = [area];
    assert_eq!(found(world, "zebra", &all, &all).await, [1, 2, 3], "in a title, in a text, as a beginning");
    assert_eq!(found(world, "zebra counter", &all, &all).await, [2, 1]);
    assert_eq!(
        found(world, "zebras part", &all, &all).await,
        [3],
        "a word that is seldom, and a beginning that is not"
    );
    assert_eq!(found(world, "part01", &all, &all).await, (11..=19).rev().collect::<Vec<_>>());
    assert_eq!(found(world, "common part01", &all, &all).await, [0; 0], "a word that is not seldom");
    assert_eq!(found(world, "common part", &all, &all).await.first(), Some(&12000));
}

async fn words_follow_their_object(world: &World) {
    let area = world.area(1).await;
    let all = [area];
    put(world, area, said(1, "Before", "old text")).await;
    put(world, area, Record { updated_at: issue(1, 9).updated_at, ..said(1, "After", "new text") }).await;
    assert_eq!(found(world, "before", &all, &all).await, [0; 0]);
    assert_eq!(found(world, "old", &all, &all).await, [0; 0]);
    assert_eq!(found(world, "after new", &all, &all).await, [1]);
    put(world, area, Record { updated_at: issue(1, 9).updated_at, ..said(1, "After", "new text") }).await;
    assert_eq!(found(world, "after new", &all, &all).await, [1], "seen again as it was");
    let whole = WholeList { kind: RecordKind::Issue, seen: Some(0), sure: true };
    world.write(move |conn| resources::sweep(conn, area, whole, 2, true)).await;
    assert_eq!(found(world, "after", &all, &all).await, [0; 0]);
    let system = r#"{"system":true,"body":"changed the milestone"}"#.to_owned();
    put(world, area, Record { kind: RecordKind::Note, title: String::new(), payload: system, ..issue(5, 5) }).await;
    put(world, area, Record { payload: "not JSON".to_owned(), title: "Odd".to_owned(), ..issue(6, 6) }).await;
    assert_eq!(found(world, "milestone", &all, &all).await, [0; 0], "GitLab says so itself");
    assert_eq!(found(world, "odd", &all, &all).await, [6]);
    // Far more words than an index takes of one object.
    let long: Vec<_> = (0..400_000).map(|n| format!("w{n}")).collect();
    assert!(put(world, area, said(7, "Long", &long.join(" "))).await);
    assert_eq!(found(world, "long", &all, &all).await, [7]);
}

crate::on_both!(
    titles_come_before_texts_and_late_before_early,
    nobody_finds_what_they_may_not_see,
    a_beginning_of_many_words_hides_none_beside_another_word,
    what_is_older_than_many_others_is_found,
    words_follow_their_object,
);

/// PostgreSQL plans the query of a trigger while the table is empty and nothing is known of it, and keeps that plan.
#[tokio::test]
async fn a_table_is_filled_without_being_read_for_each_row() {
    let Some(world) = World::postgres().await else { return };
    let (instance, area) = (world.instance, world.area(1).await);
    let fill = move |conn: &mut Conn<'_>| {
        for id in 0..300 {
            resources::upsert(conn, instance, area, &issue(id, id), 1)?;
        }
        execute(conn, "SELECT pg_stat_force_next_flush()")
    };
    world.write(fill).await;
    let read = "SELECT (SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes WHERE relname = 'resources') \
                + (SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'resources') AS n";
    assert_eq!(world.count(read).await, 0, "each is new, so that there is none to read");
    world.write(fill).await;
    assert!((300..=1200).contains(&world.count(read).await), "each is there, and found at its place");
}
