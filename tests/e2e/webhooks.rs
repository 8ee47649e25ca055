//! GitLab tells that something has changed: it is here at once, and nothing that it tells is believed.

use crate::harness::{Client, Site, System, assert_lists, assert_mirrors, assert_sound, eventually, forge};
use serde_json::{Value, json};
use trawl_gitlab_sim::{Change, Fact, Sim, TruthKind};

/// GitLab's side of a webhook.
struct Hook {
    http: reqwest::Client,
    url: String,
    secret: String,
}

impl Hook {
    async fn new(client: &Client, forge: &Sim) -> Self {
        let answer = client.post("/api/admin/webhooks", &json!({ "instance_url": forge.url() })).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        let text = |name: &str| answer.json()[name].as_str().unwrap().to_owned();
        Self { http: reqwest::Client::new(), url: text("url"), secret: text("secret") }
    }

    /// Sends an event as GitLab does; returns the status and the number of new jobs.
    async fn tell(&self, event: &Value) -> (u16, i64) {
        self.send(&self.secret, event.to_string()).await
    }

    async fn send(&self, secret: &str, body: String) -> (u16, i64) {
        let request = self.http.post(&self.url).header("x-gitlab-token", secret).header("x-gitlab-event", "Issue Hook");
        let response = request.header("content-type", "application/json").body(body).send().await.unwrap();
        let status = response.status().as_u16();
        let answer: Value = response.json().await.unwrap();
        (status, answer["jobs"].as_i64().unwrap_or_default())
    }
}

/// The project whose issues or merge requests have changed.
fn changed(before: &[Fact], after: &[Fact]) -> u64 {
    after.iter().find(|fact| !before.contains(fact)).expect("something has changed").project_id
}

#[tokio::test(flavor = "multi_thread")]
async fn what_gitlab_tells_of_is_read_at_once() {
    // Nothing is looked for by itself within a day.
    let site = Site::linked(System::new(), forge(0.05)).await;
    let database = site.crawled().await;
    let hook = Hook::new(&site.client, &site.forge).await;

    for (change, kind, event) in [
        (Change::NewIssue, TruthKind::Issues, "issue"),
        (Change::NewMergeRequest, TruthKind::MergeRequests, "merge_request"),
        (Change::Merge, TruthKind::MergeRequests, "merge_request"),
    ] {
        let before = site.forge.truth(kind);
        assert_eq!(site.forge.advance(1, Some(change)), [change]);
        let project = changed(&before, &site.forge.truth(kind));
        let told = hook.tell(&json!({ "object_kind": event, "project": { "id": project } })).await;
        assert_eq!(told.0, 200);
        // Where the last pass has just ended, it takes a few seconds.
        eventually("it is here", async || {
            let wanted = "SELECT count(*) AS v FROM sync_states WHERE wanted_at IS NOT NULL";
            (database.number(wanted) == 0).then_some(())
        })
        .await;
    }
    assert_eq!(site.forge.advance(1, Some(Change::Push)), [Change::Push]);
    // Which project it was is not asked: all of them are told of, and each is read once for many events.
    let projects = database.texts("SELECT cast(gitlab_id AS TEXT) AS v FROM areas WHERE kind = 'project'");
    for project in projects.iter().flat_map(|id| [id, id, id]) {
        let id: i64 = project.parse().unwrap();
        let (status, _) = hook.tell(&json!({ "object_kind": "push", "project_id": id, "commits": [] })).await;
        assert_eq!(status, 200);
        let pipeline = json!({ "object_kind": "pipeline", "project": { "id": id } });
        assert_eq!(hook.tell(&pipeline).await.0, 200);
    }
    eventually("all of it is heeded", async || {
        let left = "SELECT (SELECT count(*) FROM sync_states WHERE wanted_at IS NOT NULL) + \
                    (SELECT count(*) FROM jobs WHERE finished_at IS NULL) AS v";
        (database.number(left) == 0).then_some(())
    })
    .await;
    assert_mirrors(&database, &site.forge);
    assert_lists(&database, &site.forge);
    assert_sound(&database);
    let metrics = site.client.get("/metrics").await.text;
    assert!(metrics.contains("trawl_webhook_events_total{event=\"issue\",result=\"used\"} 1"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_instance_is_believed() {
    let site = Site::linked(System::new(), forge(0.05)).await;
    let database = site.crawled().await;
    let jobs = || database.number("SELECT count(*) AS v FROM jobs");
    let before = jobs();
    let hook = Hook::new(&site.client, &site.forge).await;
    let event = json!({ "object_kind": "issue", "project": { "id": 1 } });
    for wrong in ["", "guess", &hook.secret[1..]] {
        assert_eq!(hook.send(wrong, event.to_string()).await.0, 401, "{wrong}");
    }
    // A new secret takes the place of the old one.
    let newer = Hook::new(&site.client, &site.forge).await;
    assert_eq!(hook.tell(&event).await.0, 401);
    for (body, status) in [
        (json!({ "object_kind": "snowfall", "project": { "id": 1 } }).to_string(), 200),
        (json!({ "object_kind": "issue", "project": { "id": -5 } }).to_string(), 200),
        (json!({ "object_kind": "issue", "project": { "id": "1; DROP TABLE jobs" } }).to_string(), 400),
        ("hello".to_owned(), 400),
        (
            json!({ "object_kind": "issue", "project": { "id": 1 }, "description": "x".repeat(3 << 20) }).to_string(),
            200,
        ),
    ] {
        assert_eq!(newer.send(&newer.secret, body.clone()).await.0, status, "{}", &body[..60.min(body.len())]);
    }
    let elsewhere = Hook { url: format!("{}99", newer.url), ..newer };
    assert_eq!(elsewhere.tell(&event).await.0, 401);
    assert!(jobs() <= before + 1, "a wrong event leads to no job");
    let metrics = site.client.get("/metrics").await.text;
    assert!(metrics.contains("trawl_webhook_events_total{event=\"-\",result=\"ignored\"} 1"), "{metrics}");
    let (page, listed) = (site.client.get("/admin").await, site.client.get("/api/admin/webhooks").await);
    assert!(!page.text.contains(&hook.secret) && !listed.text.contains("secret"), "{}", listed.text);
}
