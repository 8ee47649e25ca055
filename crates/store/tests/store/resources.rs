//! Mirrored objects.

use crate::world::{World, number};
use chrono::{DateTime, Utc};
use trawl_jobs::{AreaId, Record, RecordKind, Sighting, WholeList};
use trawl_store::{
    Conn, counters,
    resources::{self, Resource, ResourceFilter},
    sightings,
};

/// An issue that changed `second` seconds after some time.
pub(crate) fn issue(gitlab_id: i64, second: i64) -> Record {
    Record {
        kind: RecordKind::Issue,
        gitlab_id,
        iid: Some(gitlab_id),
        parent: None,
        title: format!("Issue at {second}"),
        state: Some("opened".to_owned()),
        author: Some("ada".to_owned()),
        created_at: Some(time(0)),
        updated_at: Some(time(second)),
        closed_at: None,
        merged_at: None,
        web_url: None,
        confidential: false,
        payload: "{}".to_owned(),
    }
}

fn time(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 123_456_000).unwrap()
}

pub(crate) async fn put(world: &World, area: AreaId, record: Record) -> bool {
    put_in(world, area, record, 1).await
}

/// The same, seen by the pass of this number.
async fn put_in(world: &World, area: AreaId, record: Record, pass: i64) -> bool {
    let instance = world.instance;
    world.write(move |conn| resources::upsert(conn, instance, area, &record, pass)).await
}

fn all_in(area: AreaId) -> ResourceFilter {
    ResourceFilter {
        area,
        kind: RecordKind::Issue,
        state: None,
        text: None,
        confidential: true,
        before: None,
        after: None,
    }
}

async fn list(world: &World, filter: ResourceFilter, limit: i64) -> Vec<Resource> {
    world.read(move |conn| resources::list(conn, &filter, limit)).await
}

async fn an_older_version_never_wins(world: &World) {
    let area = world.area(1).await;
    assert!(put(world, area, issue(1, 10)).await);
    let row = list(world, all_in(area), 9).await.remove(0);
    assert!(!put(world, area, issue(1, 9)).await);
    let same = list(world, all_in(area), 9).await;
    assert_eq!((same.len(), same[0].id, same[0].title.as_str()), (1, row.id, "Issue at 10"));

    put(world, area, issue(1, 10)).await;
    let same = list(world, all_in(area), 9).await.remove(0);
    assert_eq!((same.id, same.updated_at()), (row.id, row.updated_at()));
    assert_eq!((same.title, same.payload), (row.title.clone(), row.payload));

    assert!(put(world, area, issue(1, 11)).await);
    let newer = list(world, all_in(area), 9).await;
    assert_eq!((newer.len(), newer[0].id, newer[0].title.as_str()), (1, row.id, "Issue at 11"));
    assert_eq!(newer[0].updated_at(), Some(time(11)));
}

async fn text_with_nul_is_kept_without_it(world: &World) {
    let area = world.area(1).await;
    let nul = "a\0b".to_owned();
    let record = Record {
        title: nul.clone(),
        state: Some(nul.clone()),
        author: Some(nul.clone()),
        web_url: Some(nul.clone()),
        payload: nul,
        ..issue(1, 0)
    };
    assert!(put(world, area, record).await);
    let row = list(world, all_in(area), 9).await.remove(0);
    assert_eq!((row.title.as_str(), row.payload.as_str()), ("a\u{fffd}b", "a\u{fffd}b"));
    assert_eq!(row.author.as_deref(), Some("a\u{fffd}b"));
}

async fn pages_show_each_object_once_in_both_directions(world: &World) {
    let area = world.area(1).await;
    // Ties: four objects for each time.
    for id in 0..22 {
        put(world, area, issue(id, (id * 7) % 22 / 4)).await;
    }
    let whole = list(world, all_in(area), 100).await;
    let key = |row: &Resource| (row.updated_at(), row.id);
    assert_eq!(whole.len(), 22);
    assert!(whole.windows(2).all(|pair| key(&pair[0]) > key(&pair[1])), "newest first, without ties");
    let whole: Vec<_> = whole.iter().map(key).collect();

    let (mut down, mut before) = (Vec::new(), None);
    loop {
        let page = list(world, ResourceFilter { before, ..all_in(area) }, 5).await;
        let Some(last) = page.last() else { break };
        before = Some(key(last));
        down.extend(page.iter().map(key));
    }
    assert_eq!(down, whole);
    let mut up = vec![*whole.last().unwrap()];
    loop {
        let page = list(world, ResourceFilter { after: Some(up[0]), ..all_in(area) }, 5).await;
        if page.is_empty() {
            break;
        }
        up.splice(0..0, page.iter().map(key));
    }
    assert_eq!(up, whole);
}

async fn pages_of_what_has_no_time_are_whole_as_well(world: &World) {
    let area = world.area(1).await;
    for id in 0..12 {
        put(world, area, Record { kind: RecordKind::Branch, updated_at: None, ..issue(id, 0) }).await;
    }
    let branches = || ResourceFilter { kind: RecordKind::Branch, ..all_in(area) };
    let (mut down, mut before) = (Vec::new(), None);
    loop {
        let page = list(world, ResourceFilter { before, ..branches() }, 5).await;
        let Some(last) = page.last() else { break };
        before = Some((None, last.id));
        down.extend(page.iter().map(|row| row.id));
    }
    assert_eq!(down.len(), 12);
    let up = list(world, ResourceFilter { after: Some((None, down[7])), ..branches() }, 3).await;
    assert_eq!(up.iter().map(|row| row.id).collect::<Vec<_>>(), down[4..7]);
}

async fn what_a_whole_list_does_not_hold_any_more_is_gone(world: &World) {
    let (area, other) = (world.area(1).await, world.area(2).await);
    let note = |id, parent| Record { kind: RecordKind::Note, parent: Some((parent, 1)), ..issue(id, id) };
    let secret = Record { confidential: true, ..issue(6, 6) };
    for record in
        [issue(1, 5), issue(2, 2), secret, note(3, RecordKind::Issue), note(4, RecordKind::MergeRequest), issue(7, 7)]
    {
        put(world, area, record).await;
    }
    put(world, other, issue(5, 1)).await;
    // One is seen as it was, and one as it was before that.
    assert!(put_in(world, area, issue(7, 7), 2).await);
    assert!(!put_in(world, area, issue(1, 1), 2).await, "nothing is written of it");
    let sweep = |confidential| {
        let whole = WholeList { kind: RecordKind::Issue, seen: Some(1), sure: true };
        world.write(move |conn| resources::sweep(conn, area, whole, 2, confidential))
    };
    assert_eq!(sweep(false).await, 1);
    let instance = world.instance;
    let children = |confidential| {
        let kinds = (RecordKind::Note, RecordKind::Issue);
        world.write(move |conn| sightings::children_are_these(conn, instance, kinds, &[1, 2], 2, confidential))
    };
    put(world, area, Record { confidential: true, ..note(8, RecordKind::Issue) }).await;
    assert_eq!(children(false).await, 1, "the other hangs on something else");
    assert_eq!(children(true).await, 1, "a confidential one is missed by who may see it");
    let ids = async |area, kind| {
        let rows = list(world, ResourceFilter { kind, ..all_in(area) }, 9).await;
        rows.iter().map(|row| row.gitlab_id).collect::<Vec<_>>()
    };
    assert_eq!(ids(area, RecordKind::Issue).await, [7, 6, 1], "who may not see one does not miss it");
    assert_eq!(ids(area, RecordKind::Note).await, [4]);
    assert_eq!(ids(other, RecordKind::Issue).await, [5], "of another area");
    assert_eq!(sweep(true).await, 1);
    let counts = world.read(move |conn| counters::of_area(conn, area)).await;
    assert_eq!((counts["issue"], counts["note"]), (2, 1));
    put_in(world, area, issue(2, 1), 3).await;
    assert_eq!(ids(area, RecordKind::Issue).await, [7, 1, 2], "what is seen again is back, older or not");
}

async fn what_is_seen_is_compared_with_what_is_mirrored(world: &World) {
    let (area, other, instance) = (world.area(1).await, world.area(2).await, world.instance);
    let commented = |id, count: &str| Record { payload: format!(r#"{{"user_notes_count":{count}}}"#), ..issue(id, 5) };
    for record in [commented(1, "2"), commented(2, "2"), commented(3, "null"), issue(4, 5), commented(5, "0")] {
        put(world, area, record).await;
    }
    put(world, other, commented(6, "0")).await;
    let seen = |id, second, comments| Sighting { gitlab_id: id, iid: id + 100, updated_at: time(second), comments };
    let sightings = vec![
        seen(1, 5, Some(2)),
        seen(2, 4, Some(1)),
        seen(3, 5, None),
        seen(4, 6, None),
        seen(6, 5, Some(0)),
        seen(7, 5, Some(0)),
    ];
    let compare =
        move |conn: &mut Conn<'_>| sightings::compare(conn, (instance, area), RecordKind::Issue, &sightings, 2);
    assert_eq!(world.write(compare).await, [102, 104, 106, 107], "counted, changed, elsewhere, unknown");
    let whole = WholeList { kind: RecordKind::Issue, seen: Some(6), sure: true };
    assert_eq!(
        world.write(move |conn| resources::sweep(conn, area, whole, 2, true)).await,
        1,
        "the fifth was not seen"
    );

    let job_kind = "issues";
    world.write(move |conn| sightings::miss(conn, area, job_kind, &[3, 1, 3])).await;
    let began = trawl_store::now();
    world.write(move |conn| sightings::miss(conn, area, job_kind, &[7])).await;
    assert_eq!(world.read(move |conn| sightings::missed(conn, area, job_kind)).await, [1, 3, 7]);
    assert_eq!(world.write(move |conn| sightings::heeded(conn, area, job_kind, began)).await, 1);
    assert_eq!(world.read(move |conn| sightings::missed(conn, area, job_kind)).await, [7]);
    world.write(move |conn| sightings::forget(conn, area, job_kind)).await;
    assert_eq!(world.read(move |conn| sightings::missed(conn, area, job_kind)).await, [0; 0]);
}

async fn each_kind_has_a_view_with_columns(world: &World) {
    let area = world.area(1).await;
    let payload = r#"{"id":7,"milestone":{"title":"1.0"},"draft":true,"weight":3,"access_level":30,"default":true,
        "commit":{"id":"abc"},"sha":"abc","tag_name":"v1","internal":false,"priority":null,"labels":[{"title":"bug"}]}"#;
    for &kind in RecordKind::ALL {
        put(world, area, Record { kind, payload: payload.to_owned(), ..issue(1, 0) }).await;
    }
    for (view, fits) in [
        ("issues", "weight = 3 AND milestone = '1.0' AND iid = 1"),
        ("merge_requests", "draft AND milestone = '1.0'"),
        ("notes", "NOT internal"),
        ("labels", "name = 'Issue at 0' AND priority IS NULL"),
        ("milestones", "state = 'opened'"),
        ("members", "user_id = 7 AND access_level = 30 AND username = 'ada'"),
        ("branches", "is_default AND sha = 'abc'"),
        ("tags", "sha = 'abc'"),
        ("releases", "tag_name = 'v1'"),
        ("commits", "author_name = 'ada' AND committed_at IS NOT NULL"),
        ("pipelines", "status = 'opened' AND sha = 'abc'"),
    ] {
        let sql = format!("SELECT count(*) AS v FROM {view} WHERE area_id = {} AND {fits}", area.0);
        assert_eq!(world.read(move |conn| number(conn, &sql)).await, 1, "{view}: {fits}");
    }
    let spent = Record { kind: RecordKind::Timelog, payload: r#"{"time_spent":60}"#.to_owned(), ..issue(2, 0) };
    put(world, area, spent).await;
    let report = r#"{"count":9,"failed":1,"seconds":1.5,"suites":[{"name":"unit"}]}"#.to_owned();
    put(world, area, Record { kind: RecordKind::TestReport, payload: report, ..issue(3, 0) }).await;
    let hole = r#"{"severity":"high","scanner":{"name":"Semgrep"},"identifiers":[]}"#.to_owned();
    put(world, area, Record { kind: RecordKind::Vulnerability, payload: hole, ..issue(4, 0) }).await;
    let file = r#"{"size":1024}"#.to_owned();
    put(world, area, Record { kind: RecordKind::Attachment, payload: file, ..issue(5, 0) }).await;
    for (view, fits) in [
        ("test_reports", "tests = 9 AND failed = 1 AND seconds > 1.4 AND suites LIKE '%unit%'"),
        ("vulnerabilities", "severity = 'high' AND scanner = 'Semgrep' AND detected_at IS NOT NULL"),
        ("attachments", "size = 1024 AND author = 'ada'"),
        ("timelogs", "seconds = 60 AND spent_at IS NOT NULL AND author = 'ada'"),
        (
            "people",
            "username = 'ada' AND user_id = 7 AND issues > 0 AND merge_requests > 0 AND notes > 0 AND memberships > 0",
        ),
    ] {
        let sql = format!("SELECT count(*) AS v FROM {view} WHERE {fits}");
        assert_eq!(world.read(move |conn| number(conn, &sql)).await, 1, "{view}: {fits}");
    }
}

async fn each_question_of_the_documentation_is_answered(world: &World) {
    let area = world.area(1).await;
    for &kind in RecordKind::ALL {
        put(world, area, Record { kind, ..issue(1, 0) }).await;
    }
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/data.md")).unwrap();
    let questions: Vec<_> = text.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(questions.len() >= 10, "{}", questions.len());
    for question in questions {
        let question = question.trim().trim_end_matches(';');
        let rows = format!("SELECT count(*) AS v FROM ({question}) AS answer");
        world.read(move |conn| number(conn, &rows)).await;
    }
    // And no view is forgotten there.
    for kind in RecordKind::ALL.iter().filter(|kind| !matches!(kind, RecordKind::Group | RecordKind::Project)) {
        assert!(text.contains(&format!("| `{}` |", kind.table())), "{kind}");
    }
}

async fn filters_narrow(world: &World) {
    let area = world.area(1).await;
    put(world, area, issue(1, 1)).await;
    put(world, area, Record { state: Some("closed".to_owned()), title: "100% Done".to_owned(), ..issue(2, 2) }).await;
    put(world, area, Record { confidential: true, ..issue(3, 3) }).await;
    let found = |filter| async { list(world, filter, 9).await.iter().map(|row| row.gitlab_id).collect::<Vec<i64>>() };
    assert_eq!(found(all_in(area)).await, [3, 2, 1]);
    assert_eq!(found(ResourceFilter { confidential: false, ..all_in(area) }).await, [2, 1]);
    assert_eq!(found(ResourceFilter { state: Some("closed".to_owned()), ..all_in(area) }).await, [2]);
    assert_eq!(found(ResourceFilter { text: Some("% done".to_owned()), ..all_in(area) }).await, [2]);
    assert_eq!(found(ResourceFilter { text: Some("1__%".to_owned()), ..all_in(area) }).await, [0; 0]);
    assert_eq!(found(ResourceFilter { kind: RecordKind::Note, ..all_in(area) }).await, [0; 0]);
}

async fn what_hangs_on_an_object_is_found(world: &World) {
    let area = world.area(1).await;
    put(world, area, issue(1, 1)).await;
    let note = |id| Record { kind: RecordKind::Note, parent: Some((RecordKind::Issue, 1)), ..issue(id, id) };
    put(world, area, note(7)).await;
    put(world, area, Record { confidential: true, ..note(6) }).await;
    put(world, area, Record { parent: Some((RecordKind::MergeRequest, 1)), ..note(8) }).await;
    let parent = list(world, all_in(area), 1).await.remove(0);
    let children = |confidential| {
        let parent = parent.clone();
        world.read(move |conn| resources::children(conn, &parent, confidential, 9))
    };
    let ids = |rows: Vec<Resource>| rows.iter().map(|row| row.gitlab_id).collect::<Vec<_>>();
    assert_eq!(ids(children(true).await), [6, 7]);
    assert_eq!(ids(children(false).await), [7]);
}

crate::on_both!(
    each_question_of_the_documentation_is_answered,
    pages_of_what_has_no_time_are_whole_as_well,
    what_a_whole_list_does_not_hold_any_more_is_gone,
    what_is_seen_is_compared_with_what_is_mirrored,
    each_kind_has_a_view_with_columns,
    an_older_version_never_wins,
    text_with_nul_is_kept_without_it,
    pages_show_each_object_once_in_both_directions,
    filters_narrow,
    what_hangs_on_an_object_is_found,
);
