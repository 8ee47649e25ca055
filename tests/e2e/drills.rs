//! Jobs of every sort through the real processes: those that succeed, fail, hiccup, panic, and will not stop.

use crate::harness::{Client, Running, System, eventually, forge, strike};
use serde_json::{Value, json};
use trawl_gitlab_sim::MARIA_TOKEN;

/// A system without any GitLab: drills need none.
struct Range {
    client: Client,
    _supervisor: Running,
    system: System,
}

impl Range {
    async fn new() -> Self {
        let system = System::new();
        let supervisor = system.supervise(&[]);
        let client = system.set_up().await;
        Self { client, _supervisor: supervisor, system }
    }

    async fn submit(&self, payload: Value) -> String {
        let answer = self.client.post("/api/jobs", &json!({ "kind": "drill", "payload": payload })).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    async fn job(&self, id: &str) -> Value {
        self.client.get(&format!("/api/jobs/{id}")).await.json()
    }

    async fn becomes(&self, id: &str, status: &str) -> Value {
        let look = async || Some(self.job(id).await).filter(|job| job["status"] == status);
        eventually(&format!("the job is {status}"), look).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_end_is_told_apart() {
    let range = Range::new().await;
    let well = json!({ "name": "well", "steps": 3, "messages": 2, "items": 4 });
    let (well, fails, panics) = (
        range.submit(well).await,
        range.submit(json!({ "name": "fails", "end": "fails" })).await,
        range.submit(json!({ "name": "panics", "end": "panics" })).await,
    );
    let job = range.becomes(&well, "completed").await;
    assert_eq!((&job["progress"], &job["result"]["steps"]), (&json!(1.0), &json!(3)), "{job}");
    assert_eq!(job["items"], json!([{ "state": "done", "verdict": null, "count": 12 }]));
    let items = range.client.get(&format!("/api/jobs/{well}/items?state=done&after=3-3")).await.json();
    assert_eq!(items.as_array().unwrap().iter().map(|item| &item["name"]).collect::<Vec<_>>(), ["3-4"]);
    let messages = range.client.get(&format!("/api/jobs/{well}/messages?level=info")).await.json();
    assert_eq!(messages.as_array().unwrap().len(), 6);
    let job = range.becomes(&fails, "failed").await;
    assert_eq!((&job["error_class"], &job["attempt"]), (&json!("permanent"), &json!(1)));
    let job = range.becomes(&panics, "failed").await;
    assert!(job["error"].as_str().unwrap().contains("told to panic"), "{job}");
    // Another attempt waits, and says so.
    let hiccups = range.submit(json!({ "name": "hiccups", "end": "hiccups" })).await;
    let job = range.becomes(&hiccups, "waiting").await;
    assert_eq!((&job["wait_reason"], &job["attempt"]), (&json!("retry"), &json!(1)));
    assert_eq!(job["attempts"][0]["outcome"], "failed");
    for (path, status) in [
        (format!("/api/admin/jobs/single/{well}/progress"), 200),
        ("/api/admin/jobs/past?kind=drill".to_owned(), 200),
        ("/api/jobs?kind=none".to_owned(), 422),
        ("/api/jobs?lane=none".to_owned(), 422),
        ("/api/jobs/no-id".to_owned(), 404),
    ] {
        assert_eq!(range.client.get(&path).await.status, status, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn even_what_will_not_listen_is_stopped() {
    let range = Range::new().await;
    let id = range.submit(json!({ "name": "stubborn", "steps": 1, "step_ms": 60_000, "stubborn": true })).await;
    range.becomes(&id, "running").await;
    assert_eq!(range.client.post(&format!("/api/jobs/{id}/abort"), &json!({})).await.status, 202);
    range.becomes(&id, "aborting").await;
    range.becomes(&id, "aborted").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_paused_waits_and_what_is_scheduled_comes() {
    let range = Range::new().await;
    let pause = json!({ "scope": "kind", "subject": "drill", "reason": "a look at pauses" });
    assert_eq!(range.client.post("/api/admin/pauses", &pause).await.status, 204);
    let id = range.submit(json!({ "name": "paused" })).await;
    let job = range.becomes(&id, "waiting").await;
    assert_eq!((&job["wait_reason"], &job["attempt"]), (&json!("paused"), &json!(0)));
    let admin = range.client.get("/admin").await;
    assert!(admin.text.contains("a look at pauses"), "{admin:?}");
    assert_eq!(range.client.delete("/api/admin/pauses/kind/drill").await.status, 204);
    range.becomes(&id, "completed").await;

    let schedule = |cron: &str| json!({ "name": "nightly", "cron": cron, "job": { "kind": "drill", "payload": { "name": "scheduled" } } });
    let refused = range.client.post("/api/schedules", &schedule("every night")).await;
    assert!(refused.status == 422 && refused.detail().contains("five fields"), "{refused:?}");
    let made = range.client.post("/api/schedules", &schedule("30 2 * * 1-5")).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(range.client.post("/api/schedules", &schedule("0 0 * * *")).await.status, 409);
    let schedules = range.client.get("/api/schedules").await.json();
    assert_eq!(schedules[0]["next_runs"].as_array().unwrap().len(), 5, "{schedules}");
    let url = format!("/api/schedules/{}/run", made.json()["id"]);
    let job = range.client.post(&url, &json!({})).await.json()["job"].as_str().unwrap().to_owned();
    range.becomes(&job, "completed").await;
    let page = range.client.get("/schedules").await;
    assert!(page.status == 200 && page.text.contains("30 2 * * 1-5") && page.text.contains(&job), "{page:?}");
    let metrics = range.client.get("/metrics").await.text;
    assert!(metrics.contains("trawl_jobs{kind=\"drill\",state=\"completed\"} 2"), "{metrics}");
    let elsewhere = json!({ "name": "theirs", "every_seconds": 60, "job": { "kind": "issues", "area": 4711 } });
    assert_eq!(range.client.post("/api/schedules", &elsewhere).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_some_or_all_are_stopped() {
    let range = Range::new().await;
    let slow = |name: &str| json!({ "name": name, "steps": 1000, "step_ms": 100 });
    let one = range.submit(slow("one")).await;
    range.becomes(&one, "running").await;
    let asked = std::time::Instant::now();
    assert_eq!(range.client.post(&format!("/api/jobs/{one}/abort"), &json!({})).await.status, 202);
    range.becomes(&one, "aborted").await;
    assert!(asked.elapsed().as_secs() < 5, "it stops at its next await, not when patience with it ends");
    let again = range.client.post("/api/jobs/retry", &json!({ "ids": [one] })).await.json();
    assert_eq!(again, json!({ "done": 1, "skipped": 0 }));
    // More than there are slots: some run, some are queued.
    let batch: Vec<Value> =
        (0..30).map(|n| json!({ "kind": "drill", "payload": slow(&format!("many {n}")) })).collect();
    let answer = range.client.post("/api/jobs/batch", &json!({ "jobs": batch })).await;
    assert_eq!((answer.status, answer.json().as_array().unwrap().len()), (201, 30));
    range.becomes(&one, "running").await;
    let stop = async |path: &str| {
        let accepted = range.client.post(path, &json!({})).await;
        assert_eq!(accepted.status, 202, "{accepted:?}");
        let id = accepted.json()["id"].as_str().unwrap().to_owned();
        range.becomes(&id, "completed").await["result"].clone()
    };
    assert_eq!(stop("/api/admin/jobs/abort-all").await, json!({ "done": 31, "skipped": 0 }));
    let none = stop("/api/admin/jobs/abort-all?kind=issues").await;
    assert_eq!(none, json!({ "done": 0, "skipped": 0 }), "what has ended is none of its business");
    let database = range.system.database();
    eventually("everything has stopped", async || {
        let live = "SELECT count(*) AS v FROM jobs WHERE state <> 'aborted' AND kind = 'drill'";
        (database.number(live) == 0).then_some(())
    })
    .await;
    let ended = range.client.post("/api/admin/jobs/abort-all?status=completed", &json!({})).await;
    assert_eq!(ended.status, 422, "{ended:?}");
}

/// Thousands of jobs are one job of the website's own, which goes on where it was when the website is killed.
#[tokio::test(flavor = "multi_thread")]
async fn all_that_a_filter_finds_is_run_again_by_a_job() {
    const JOBS: usize = 3000;
    let range = Range::new().await;
    let drill = |n: usize| json!({ "kind": "drill", "payload": { "name": format!("broken {n}"), "end": "fails" } });
    let drills: Vec<Value> = (0..JOBS).map(drill).collect();
    for some in drills.chunks(1000) {
        assert_eq!(range.client.post("/api/jobs/batch", &json!({ "jobs": some })).await.status, 201);
    }
    let database = range.system.database();
    let count =
        |what: &str| database.number(&format!("SELECT count(*) AS v FROM jobs WHERE kind = 'drill' AND {what}"));
    let all = i64::try_from(JOBS).unwrap();
    eventually("all have failed", async || (count("state = 'failed'") == all).then_some(())).await;
    let other = range.submit(json!({ "name": "other", "end": "panics" })).await;
    range.becomes(&other, "failed").await;
    // What is run again is to wait, so that it can be counted.
    let pause = json!({ "scope": "kind", "subject": "drill", "reason": "to count" });
    assert_eq!(range.client.post("/api/admin/pauses", &pause).await.status, 204);
    let bulk = json!({ "kind": "bulk_action", "payload": { "action": "retry", "kind": "drill", "q": "broken" } });
    let id = range.client.post("/api/jobs", &bulk).await.json()["id"].as_str().unwrap().to_owned();
    let again = "state <> 'failed'";
    eventually("it has begun", async || (count(again) > 0).then_some(())).await;
    strike(&range.system, &["website"]).await;
    let done = format!("SELECT count(*) AS v FROM jobs WHERE id = '{id}' AND state = 'completed'");
    eventually("it is over", async || (database.number(&done) == 1).then_some(())).await;
    let job = range.job(&id).await;
    assert_eq!((&job["result"], count(again)), (&json!({ "done": JOBS, "skipped": 0 }), all), "{job}");
    assert_eq!(range.job(&other).await["status"], "failed", "the filter does not find it");
    let page = range.client.get(&format!("/jobs/{id}")).await.text;
    assert!(page.contains("retry all jobs of the kind drill with “broken”"), "{page}");
    assert!(page.contains("3000 jobs were queued again"), "{page}");
}

/// What the overview offers for failures that have the same reason.
#[tokio::test(flavor = "multi_thread")]
async fn jobs_that_failed_alike_are_run_again_together() {
    let range = Range::new().await;
    // The overview is about what is mirrored: without an account it says how to begin.
    let forge = forge(0.05);
    assert_eq!(range.client.link(&forge.url(), MARIA_TOKEN).await.status, 201);
    let alike = [
        range.submit(json!({ "name": "one", "end": "fails" })).await,
        range.submit(json!({ "name": "two", "end": "fails" })).await,
    ];
    let other = range.submit(json!({ "name": "other", "end": "panics" })).await;
    for id in alike.iter().chain([&other]) {
        range.becomes(id, "failed").await;
    }
    let page = range.client.get("/").await.text;
    let forms: Vec<&str> = page.split("<form action=\"/jobs/bulk\"").skip(1).collect();
    assert_eq!(forms.len(), 2, "{page}");
    let form = forms[0].split("</form>").next().unwrap();
    assert!(form.contains("Retry these 2"), "the most frequent comes first: {form}");
    let values = |name: &str| -> Vec<&str> {
        form.split(&format!("name=\"{name}\" value=\"")).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    };
    let mut fields = vec![("csrf", values("csrf")[0]), ("action", "retry")];
    fields.extend(values("id").into_iter().map(|id| ("id", id)));
    assert_eq!(range.client.form("/jobs/bulk", &fields).await.status, 303);
    for id in &alike {
        let again = async || Some(range.job(id).await).filter(|job| job["attempts"].as_array().unwrap().len() == 2);
        eventually("it is tried again", again).await;
    }
    assert_eq!(range.job(&other).await["attempts"].as_array().unwrap().len(), 1);
}
