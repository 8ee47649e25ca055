//! The lists of a project and of a group over REST: what the truth says, page by page.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use trawl_gitlab_sim::{Change, Counts, ListKind, Options, Sim, TOM_TOKEN, start};

use crate::client::{Client, next_page, small, texts};

/// Each kind, its path below a project, and the field that is its key.
const LISTS: [(ListKind, &str, &str); 20] = [
    (ListKind::Labels, "labels?include_ancestor_groups=false", "name"),
    (ListKind::Milestones, "milestones", "id"),
    (ListKind::Members, "members", "id"),
    (ListKind::Branches, "repository/branches", "name"),
    (ListKind::Tags, "repository/tags", "name"),
    (ListKind::Releases, "releases", "tag_name"),
    (ListKind::Commits, "repository/commits?all=true", "id"),
    (ListKind::Pipelines, "pipelines", "id"),
    (ListKind::PipelineJobs, "jobs", "id"),
    (ListKind::Deployments, "deployments", "id"),
    (ListKind::Environments, "environments", "id"),
    (ListKind::PipelineSchedules, "pipeline_schedules", "id"),
    (ListKind::Snippets, "snippets", "id"),
    (ListKind::WikiPages, "wikis", "slug"),
    (ListKind::Packages, "packages", "id"),
    (ListKind::ContainerRepositories, "registry/repositories", "id"),
    (ListKind::Boards, "boards", "id"),
    (ListKind::Attachments, "uploads", "id"),
    (ListKind::Iterations, "iterations", "id"),
    (ListKind::Epics, "epics", "id"),
];

/// Lists that groups have, and of these those that projects have not.
const OF_GROUPS: [&str; 5] = ["members", "labels", "milestones", "iterations", "epics"];
const OF_GROUPS_ONLY: [&str; 2] = ["iterations", "epics"];

/// All pages of a list; `None` when it is forbidden.
async fn walk(sim: &Sim, client: &Client, path: &str) -> Option<Vec<Value>> {
    let mut next = Some(format!("{path}{}per_page=100", if path.contains('?') { '&' } else { '?' }));
    let mut rows = Vec::new();
    while let Some(path) = next {
        let answer = client.get(&path).await;
        if answer.status() == 403 {
            let body: Value = answer.json().await.unwrap();
            assert_eq!(body, json!({ "message": "403 Forbidden" }));
            return None;
        }
        assert_eq!(answer.status(), 200, "{path}");
        // A wiki has no pages of its pages.
        next = answer.headers().get("link").and_then(|link| next_page(link.to_str().unwrap(), &sim.url()));
        let page: Vec<Value> = answer.json().await.unwrap();
        assert!(next.is_none() || page.len() == 100);
        rows.extend(page);
    }
    Some(rows)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// What a reader finds in all lists of a kind, as the truth writes it.
async fn found(sim: &Sim, client: &Client, list: &str, field: &str) -> Vec<String> {
    let mut keys = Vec::new();
    for place in ["projects", "groups"] {
        let name = list.split('?').next().unwrap();
        let of_groups = if place == "groups" { OF_GROUPS.contains(&name) } else { !OF_GROUPS_ONLY.contains(&name) };
        if !of_groups {
            continue;
        }
        for one in walk(sim, client, &format!("/api/v4/{place}")).await.unwrap() {
            let id = one["id"].to_string();
            let rows = walk(sim, client, &format!("/api/v4/{place}/{id}/{list}")).await.unwrap_or_default();
            let mark = if place == "groups" { "g" } else { "" };
            keys.extend(rows.iter().filter_map(|row| Some(format!("{mark}{id}/{}", text(&row[field])?))));
        }
    }
    keys.sort();
    keys
}

fn sizes(counts: &Counts) -> [usize; 8] {
    [
        counts.labels,
        counts.milestones,
        counts.members,
        counts.branches,
        counts.tags,
        counts.releases,
        counts.commits,
        counts.pipelines,
    ]
}

async fn rows(client: &Client, path: &str) -> Value {
    client.get(path).await.json().await.unwrap()
}

#[tokio::test]
async fn the_owner_finds_everything_that_there_is() {
    let sim = start(Options::default()).unwrap();
    let client = Client::maria(&sim);
    for ((kind, ..), size) in LISTS.into_iter().zip(sizes(&sim.counts())) {
        assert_eq!(sim.keys(kind).len(), size, "{kind:?}");
    }
    for (kind, list, field) in LISTS {
        let keys = sim.keys(kind);
        assert_eq!(found(&sim, &client, list, field).await, keys, "{kind:?}");
        let distinct: BTreeSet<&String> = keys.iter().collect();
        assert_eq!(distinct.len(), keys.len(), "{kind:?}");
    }
    sim.stop().await;
}

#[tokio::test]
async fn tom_finds_what_is_his_to_list() {
    let sim = small();
    let client = Client::new(&sim, Some(TOM_TOKEN));
    for ((kind, list, field), size) in LISTS.into_iter().zip(sizes(&sim.counts_for("tom", false).unwrap())) {
        let keys = sim.keys_for(kind, "tom", false).unwrap();
        assert_eq!(keys.len(), size, "{kind:?}");
        assert!(!keys.is_empty() && keys.len() < sim.keys(kind).len(), "{kind:?}");
        assert_eq!(found(&sim, &client, list, field).await, keys, "{kind:?}");
    }
    sim.stop().await;
}

#[tokio::test]
async fn there_is_as_much_as_promised_and_a_little_of_everything_in_a_tiny_forge() {
    let counts = start(Options::default()).unwrap().counts();
    assert!((3_800..4_200).contains(&counts.commits), "{counts:?}");
    assert!((280..330).contains(&counts.branches), "{counts:?}");
    assert!((230..270).contains(&counts.tags), "{counts:?}");
    assert!((105..140).contains(&counts.releases), "{counts:?}");
    assert!((2_350..2_650).contains(&counts.pipelines), "{counts:?}");
    let tiny = start(Options { scale: 0.001, ..Options::default() }).unwrap().counts();
    assert!(sizes(&tiny).iter().all(|&n| n >= 20), "{tiny:?}");
}

#[tokio::test]
async fn the_same_seed_gives_the_same_lists() {
    let (first, second) = (small(), small());
    let other = start(Options { seed: 2, scale: 0.1, ..Options::default() }).unwrap();
    for (kind, ..) in LISTS {
        assert_eq!(first.keys(kind), second.keys(kind));
    }
    for kind in [ListKind::Commits, ListKind::Branches, ListKind::Pipelines] {
        assert_ne!(first.keys(kind), other.keys(kind));
    }
    let path = "/api/v4/projects/101/pipelines";
    let strip = |rows: &Value, sim: &Sim| rows.to_string().replace(&sim.url(), "");
    let ours = rows(&Client::maria(&first), path).await;
    let theirs = rows(&Client::maria(&second), path).await;
    assert_eq!(strip(&ours, &first), strip(&theirs, &second));
}

#[tokio::test]
async fn commits_come_newest_first_and_uncounted_and_can_be_cut_by_time() {
    let sim = start(Options::default()).unwrap();
    let client = Client::maria(&sim);
    let path = "/api/v4/projects/101/repository/commits";
    let answer = client.get(&format!("{path}?all=true&page=2")).await;
    for absent in ["x-total", "x-total-pages"] {
        assert!(!answer.headers().contains_key(absent));
    }
    assert_eq!(answer.headers()["x-next-page"], "3");
    let links = answer.headers()["link"].to_str().unwrap();
    assert!(links.contains("rel=\"next\"") && links.contains("rel=\"prev\"") && !links.contains("rel=\"last\""));
    let all = walk(&sim, &client, &format!("{path}?all=true")).await.unwrap();
    let times = texts(&json!(all), "committed_date");
    assert!(times.is_sorted_by(|one, next| one >= next));
    let (until, since) = (&times[times.len() / 3], &times[times.len() / 2]);
    let some = walk(&sim, &client, &format!("{path}?all=true&since={since}&until={until}")).await.unwrap();
    let wanted: Vec<&String> = times.iter().filter(|time| *time >= since && *time <= until).collect();
    assert!(!some.is_empty());
    assert_eq!(texts(&json!(some), "committed_date").iter().collect::<Vec<_>>(), wanted);
    let main = walk(&sim, &client, path).await.unwrap();
    assert!(main.len() < all.len());
    assert_eq!(walk(&sim, &client, &format!("{path}?ref_name=main")).await.unwrap(), main);
    assert_eq!(rows(&client, &format!("{path}?ref_name=nowhere")).await, json!([]));
    let known: BTreeSet<String> = texts(&json!(all), "id").into_iter().collect();
    for one in &all {
        assert!(texts_of(&one["parent_ids"]).iter().all(|parent| known.contains(parent)));
    }
    sim.stop().await;
}

fn texts_of(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pipelines_can_be_cut_by_time_and_by_status_and_come_in_order() {
    let sim = small();
    let client = Client::maria(&sim);
    let path = "/api/v4/projects/101/pipelines";
    let by_id = walk(&sim, &client, path).await.unwrap();
    let ids: Vec<u64> = by_id.iter().map(|one| one["id"].as_u64().unwrap()).collect();
    assert!(ids.is_sorted_by(|one, next| one > next));
    let by_time = walk(&sim, &client, &format!("{path}?order_by=updated_at&sort=asc")).await.unwrap();
    let times = texts(&json!(by_time), "updated_at");
    assert!(times.is_sorted());
    assert_eq!(by_time.len(), by_id.len());
    let middle = &times[times.len() / 2];
    let late = walk(&sim, &client, &format!("{path}?updated_after={middle}")).await.unwrap();
    let early = walk(&sim, &client, &format!("{path}?updated_before={middle}")).await.unwrap();
    assert_eq!(late.len(), times.iter().filter(|time| *time >= middle).count());
    assert_eq!(early.len(), times.iter().filter(|time| *time <= middle).count());
    let running = walk(&sim, &client, &format!("{path}?status=success")).await.unwrap();
    assert!(!running.is_empty() && running.len() < by_id.len());
    assert!(running.iter().all(|one| one["status"] == "success"));
    sim.stop().await;
}

#[tokio::test]
async fn what_is_off_or_not_for_the_reader_is_forbidden_and_what_is_empty_is_empty() {
    let sim = small();
    let (maria, tom) = (Client::maria(&sim), Client::new(&sim, Some(TOM_TOKEN)));
    let playbooks = "/api/v4/projects/care%2Fplaybooks";
    let code = ["repository/branches", "repository/tags", "repository/commits?all=true", "releases"];
    for list in code.into_iter().chain(["pipelines"]) {
        assert_eq!(rows(&maria, &format!("{playbooks}/{list}")).await, json!([]), "{list}");
        assert_eq!(tom.get(&format!("{playbooks}/{list}")).await.status(), 404);
    }
    let style_guide = "/api/v4/projects/docs%2Fhandbook%2Fstyle-guide";
    assert_eq!(walk(&sim, &maria, &format!("{style_guide}/pipelines")).await, None);
    assert!(!walk(&sim, &maria, &format!("{style_guide}/repository/branches")).await.unwrap().is_empty());
    let issues_off = "/api/v4/projects/platform%2Finfra%2Fbuild%2Fci-images";
    assert_eq!(walk(&sim, &maria, &format!("{issues_off}/milestones")).await.unwrap().len(), 7);
    let portal = "/api/v4/projects/archive%2F2019%2Flegacy-portal";
    for list in ["repository/branches", "repository/tags", "repository/commits", "pipelines"] {
        assert_eq!(walk(&sim, &tom, &format!("{portal}/{list}")).await, None, "{list}");
        assert!(!walk(&sim, &maria, &format!("{portal}/{list}")).await.unwrap().is_empty(), "{list}");
    }
    let releases = walk(&sim, &tom, &format!("{portal}/releases")).await.unwrap();
    assert!(!releases.is_empty());
    assert!(releases.iter().all(|one| one.get("tag_name").is_none() && one.get("commit").is_none()));
    assert_eq!(maria.get("/api/v4/projects/101/nothing").await.status(), 404);
    assert_eq!(tom.get("/api/v4/groups/care/members").await.status(), 404);
    let public = Client::new(&sim, None);
    assert!(walk(&sim, &public, "/api/v4/projects/docs%2Fwebsite/pipelines").await.is_some());
    sim.stop().await;
}

#[tokio::test]
async fn rows_are_as_gitlab_writes_them() {
    let sim = start(Options::default()).unwrap();
    let client = Client::maria(&sim);
    let project = "/api/v4/projects/101";
    let first = async |list: &str| rows(&client, &format!("{project}/{list}")).await[0].take();
    let label = first("labels?with_counts=true").await;
    assert_eq!(label["name"], "bug");
    assert_eq!(label["is_project_label"], true);
    assert!(label["open_issues_count"].as_u64().unwrap() > 0);
    assert_eq!(first("labels").await.get("open_issues_count"), None);
    let milestone = first("milestones?state=closed").await;
    assert_eq!((&milestone["state"], &milestone["expired"]), (&json!("closed"), &json!(true)));
    assert_eq!(milestone["due_date"].as_str().unwrap().len(), "2026-01-15".len());
    assert!(milestone["updated_at"].as_str().unwrap().contains(".000"));
    let member = rows(&client, "/api/v4/groups/platform/members").await[0].take();
    assert_eq!((&member["username"], &member["access_level"]), (&json!("maria"), &json!(50)));
    assert_eq!((&member["membership_state"], &member["expires_at"]), (&json!("active"), &Value::Null));
    let branches = rows(&client, &format!("{project}/repository/branches?per_page=100")).await;
    let branches = branches.as_array().unwrap();
    let main = branches.iter().find(|one| one["default"] == true).unwrap();
    assert_eq!((&main["name"], &main["protected"], &main["can_push"]), (&json!("main"), &json!(true), &json!(true)));
    assert!(branches.iter().any(|one| one["merged"] == true) && branches.iter().any(|one| one["merged"] == false));
    let tags = rows(&client, &format!("{project}/repository/tags?per_page=100")).await;
    for tag in tags.as_array().unwrap() {
        assert_eq!(tag["target"] == tag["commit"]["id"], tag["created_at"].is_null());
    }
    let release = first("releases").await;
    assert_eq!(release["tag_path"], format!("/platform/gateway/-/tags/{}", release["tag_name"].as_str().unwrap()));
    assert_eq!(release["commit"]["short_id"], release["commit"]["id"].as_str().unwrap()[..8]);
    assert_eq!(release["commit"]["trailers"], json!({}));
    let pipeline = first("pipelines").await;
    assert!(["running", "pending"].contains(&pipeline["status"].as_str().unwrap()));
    assert!(pipeline["web_url"].as_str().unwrap().ends_with(&format!("/-/pipelines/{}", pipeline["id"])));
    sim.stop().await;
}

/// Makes one change that has to come about, and says what came and what went in a list.
fn changed(sim: &Sim, change: Change, kind: ListKind) -> (Vec<String>, Vec<String>) {
    let before: BTreeSet<String> = sim.keys(kind).into_iter().collect();
    assert_eq!(sim.advance(1, Some(change)), [change]);
    let after: BTreeSet<String> = sim.keys(kind).into_iter().collect();
    (after.difference(&before).cloned().collect(), before.difference(&after).cloned().collect())
}

#[tokio::test]
async fn a_push_brings_a_commit_to_the_head_of_a_branch_and_starts_a_pipeline() {
    let sim = small();
    let client = Client::maria(&sim);
    let (mut late, mut piped) = (0, 0);
    for _ in 0..40 {
        let pipelines = sim.counts().pipelines;
        let (came, went) = changed(&sim, Change::Push, ListKind::Commits);
        assert_eq!((came.len(), went.len()), (1, 0));
        let (project, sha) = came[0].split_once('/').unwrap();
        let branches = rows(&client, &format!("/api/v4/projects/{project}/repository/branches?per_page=100")).await;
        let mut heads = branches.as_array().unwrap().iter().filter(|one| one["commit"]["id"] == sha);
        let head = heads.next().unwrap();
        let committed: chrono::DateTime<chrono::Utc> =
            head["commit"]["committed_date"].as_str().unwrap().parse().unwrap();
        late += usize::from(chrono::Utc::now() - committed > chrono::TimeDelta::minutes(59));
        if sim.counts().pipelines > pipelines {
            piped += 1;
            let last = rows(&client, &format!("/api/v4/projects/{project}/pipelines?per_page=1")).await[0].take();
            assert_eq!((&last["sha"], &last["ref"]), (&json!(sha), &head["name"]));
            assert_eq!(last["status"], "running");
        }
    }
    assert!(late > 0 && late < 20, "{late}");
    assert!(piped > 30, "{piped}");
    sim.stop().await;
}

#[tokio::test]
async fn a_pipeline_ends_once_and_is_then_newer() {
    let sim = small();
    let client = Client::maria(&sim);
    let under_way = async || {
        let mut n = 0;
        for project in walk(&sim, &client, "/api/v4/projects").await.unwrap() {
            let list = format!("/api/v4/projects/{}/pipelines", project["id"]);
            for one in walk(&sim, &client, &list).await.unwrap_or_default() {
                n += usize::from(["running", "pending"].contains(&one["status"].as_str().unwrap()));
            }
        }
        n
    };
    let before = under_way().await;
    assert_eq!(sim.advance(5, Some(Change::FinishPipeline)).len(), 5);
    assert_eq!(under_way().await, before - 5);
    let mut newer = 0;
    for project in walk(&sim, &client, "/api/v4/projects").await.unwrap() {
        let list = format!("/api/v4/projects/{}/pipelines?updated_after=2026-02-01T00:00:00Z", project["id"]);
        newer += walk(&sim, &client, &list).await.unwrap_or_default().len();
    }
    assert_eq!(newer, 5);
    sim.advance(100, Some(Change::FinishPipeline));
    assert_eq!(sim.advance(1, Some(Change::FinishPipeline)), []);
    sim.stop().await;
}

#[tokio::test]
async fn branches_tags_and_labels_come_and_go() {
    let sim = small();
    let (came, went) = changed(&sim, Change::NewBranch, ListKind::Branches);
    assert_eq!((came.len(), went.len()), (1, 0));
    let (came, went) = changed(&sim, Change::Tag, ListKind::Tags);
    assert_eq!((came.len(), went.len()), (1, 0));
    let (came, went) = changed(&sim, Change::NewLabel, ListKind::Labels);
    assert_eq!((came.len(), went.len()), (1, 0));
    let (came, went) = changed(&sim, Change::DeleteLabel, ListKind::Labels);
    assert_eq!((came.len(), went.len()), (0, 1));
    let (came, went) = changed(&sim, Change::DeleteBranch, ListKind::Branches);
    assert_eq!((came.len(), went.len()), (0, 1));
    let commits = sim.counts().commits;
    sim.advance(1000, Some(Change::DeleteBranch));
    let left = sim.keys(ListKind::Branches);
    assert_eq!(left.iter().filter(|key| key.ends_with("/main")).count(), 23);
    assert!(sim.counts().commits < commits);
    let (tags, releases) = (sim.counts().tags, sim.counts().releases);
    let gone = sim.advance(1000, Some(Change::DeleteTag)).len();
    assert_eq!(sim.counts().tags, tags - gone);
    assert!(sim.counts().releases < releases);
    for kind in [ListKind::Tags, ListKind::Releases] {
        assert!(sim.keys(kind).iter().all(|key| key.starts_with("262/")), "only the archived project keeps its own");
    }
    sim.stop().await;
}

#[tokio::test]
async fn names_are_not_given_twice() {
    let sim = small();
    let mut tags: BTreeSet<String> = sim.keys(ListKind::Tags).into_iter().collect();
    for _ in 0..30 {
        changed(&sim, Change::DeleteTag, ListKind::Tags);
        let (came, _) = changed(&sim, Change::Tag, ListKind::Tags);
        assert!(tags.insert(came[0].clone()), "{came:?}");
    }
    assert!(sim.counts().releases > 0);
    sim.stop().await;
}

#[tokio::test]
async fn an_edited_milestone_is_newer_and_otherwise_the_same() {
    let sim = small();
    let client = Client::maria(&sim);
    let milestones = sim.counts().milestones;
    let done = sim.advance(6, Some(Change::EditMilestone)).len();
    let mut edited = 0;
    for project in walk(&sim, &client, "/api/v4/projects").await.unwrap() {
        let list = format!("/api/v4/projects/{}/milestones?updated_after=2026-02-01T00:00:00Z", project["id"]);
        edited += walk(&sim, &client, &list).await.unwrap().len();
    }
    assert!((1..=done).contains(&edited), "{edited}");
    assert_eq!(sim.counts().milestones, milestones);
    sim.stop().await;
}

#[tokio::test]
async fn the_keys_are_there_over_http_as_well() {
    let sim = small();
    let client = Client::new(&sim, None);
    assert_eq!(texts_of(&rows(&client, "/-/sim/keys?kind=tags").await), sim.keys(ListKind::Tags));
    let toms = texts_of(&rows(&client, "/-/sim/keys?kind=commits&user=tom").await);
    assert_eq!(Some(toms), sim.keys_for(ListKind::Commits, "tom", false));
    assert_eq!(client.get("/-/sim/keys?kind=hats").await.status(), 400);
    sim.stop().await;
}
