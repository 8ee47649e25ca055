//! Accounts that are linked by signing in at GitLab: there and back, and tokens that are renewed without anybody.

use crate::{
    harness::{
        Client, Site, System, USERNAME, assert_lists, assert_mirrors, assert_sound, distant_forge, eventually, forge,
    },
    nodes::node,
    postgres::Server,
};
use serde_json::{Value, json};
use std::time::Duration;
use trawl_gitlab_sim::{CLIENT_ID, CLIENT_SECRET, Options, Sim};
use url::{Url, form_urlencoded};

/// Tells Trawl how the simulated GitLab knows it; returns our id of the instance.
pub(crate) async fn register(client: &Client, forge: &Sim) -> i64 {
    let body = json!({ "instance_url": forge.url(), "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET });
    let answer = client.post("/api/admin/applications", &body).await;
    assert_eq!(answer.status, 204, "{answer:?}");
    let known = client.get("/api/admin/applications").await;
    assert!(!known.text.contains(CLIENT_SECRET), "{known:?}");
    known.json()["applications"][0]["instance"].as_i64().unwrap()
}

/// Goes to GitLab, agrees there as somebody, and returns the path that leads back.
async fn agree(client: &Client, instance: i64, user: &str) -> String {
    let away = client.get(&format!("/auth/gitlab/{instance}")).await;
    let away = Url::parse(&away.location.unwrap_or_else(|| panic!("{}", away.text))).unwrap();
    // Another browser, so that our cookie does not go with it.
    let gitlab = Client::new(away.origin().ascii_serialization().as_str());
    let page = gitlab.get(&format!("{}?{}", away.path(), away.query().unwrap())).await;
    assert!(page.status == 200 && page.text.contains("read_api"), "{page:?}");
    let mut fields: Vec<(String, String)> = away.query_pairs().into_owned().collect();
    fields.push(("user".to_owned(), user.to_owned()));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let back = gitlab.form("/oauth/authorize", &fields).await;
    let back = Url::parse(&back.location.unwrap_or_else(|| panic!("{}", back.text))).unwrap();
    format!("{}?{}", back.path(), back.query().unwrap())
}

pub(crate) async fn sign_in(client: &Client, instance: i64, user: &str) {
    let back = client.get(&agree(client, instance, user).await).await;
    let to = back.location.clone().unwrap_or_else(|| panic!("{back:?}"));
    assert!(to.starts_with("/accounts?linked="), "{back:?}");
    let page = client.get(&to).await;
    assert!(page.text.contains("renewed by itself"), "{}", page.text);
}

/// A simulated GitLab whose tokens live for a few seconds only.
fn hasty_forge(latency_ms: u64, seconds: u64) -> Sim {
    trawl_gitlab_sim::start(Options {
        scale: 0.1,
        rate_limit: 1_000_000,
        latency: Duration::from_millis(latency_ms),
        oauth_token_lifetime: Duration::from_secs(seconds),
        ..Options::default()
    })
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_signs_in_is_mirrored_and_stays_signed_in() {
    let site = Site::new(System::new().with("TRAWL_FORGE__INCREMENTAL_SECONDS", "1"), hasty_forge(5, 2)).await;
    let instance = register(&site.client, &site.forge).await;
    sign_in(&site.client, instance, "maria").await;
    eventually("the token is renewed several times", async || (site.forge.grants().renewed >= 4).then_some(())).await;
    let database = site.system.database();
    let bad = "SELECT dedupe_key || ' ' || coalesce(error, '') AS v FROM jobs WHERE state = 'failed' OR crashes > 0";
    assert_eq!(database.texts(bad), [""; 0]);
    let accounts = site.client.get("/api/accounts").await.json();
    assert_eq!((&accounts[0]["working"], &accounts[0]["renews"]), (&true.into(), &true.into()), "{accounts}");
    assert_eq!(accounts[0]["scopes"], "read_api", "{accounts}");
    let grants = site.forge.grants();
    assert_eq!((grants.signed_in, grants.reused), (1, 0), "no refresh token is used twice");
    for secret in ["gloas-", CLIENT_SECRET] {
        assert!(!site.supervisor.log().contains(secret), "a secret is in the log");
    }

    // What a sign-in has given is given back.
    let id = accounts[0]["id"].as_i64().unwrap();
    assert_eq!(site.client.delete(&format!("/api/accounts/{id}")).await.status, 204);
    assert_eq!(site.forge.grants().revoked, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_ends_in_mid_crawl_is_renewed() {
    let site = Site::new(System::new(), distant_forge(0.2, 5)).await;
    let instance = register(&site.client, &site.forge).await;
    sign_in(&site.client, instance, "maria").await;
    let database = site.committed(60).await;
    site.forge.expire_tokens();
    eventually("it is renewed", async || (site.forge.grants().renewed == 1).then_some(())).await;
    let database_after = site.crawled().await;
    assert_mirrors(&database_after, &site.forge);
    assert_lists(&database_after, &site.forge);
    assert_sound(&database_after);
    let burnt = "SELECT dedupe_key AS v FROM jobs WHERE state <> 'completed' OR attempt > 1";
    assert_eq!(database.texts(burnt), [""; 0], "waiting costs no attempt");
    assert_eq!((site.forge.grants().renewed, site.forge.grants().reused), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_signed_out_in_mid_crawl_signs_in_again() {
    let site = Site::new(System::new(), distant_forge(0.2, 5)).await;
    let instance = register(&site.client, &site.forge).await;
    sign_in(&site.client, instance, "maria").await;
    let database = site.committed(60).await;
    site.forge.end_sign_ins();
    eventually("all that is left waits for somebody", async || {
        let others = "SELECT count(*) AS v FROM jobs WHERE finished_at IS NULL \
                      AND NOT (state = 'waiting' AND wait_reason = 'credentials')";
        let refused = "SELECT count(*) AS v FROM accounts WHERE state = 'refused' AND refresh_cipher IS NULL";
        (database.number(others) == 0 && database.number(refused) == 1).then_some(())
    })
    .await;
    assert!(!database.live_jobs().is_empty(), "the crawl was over before");
    let page = site.client.get("/accounts").await;
    assert!(page.text.contains("Token refused") && page.text.contains("Sign in at"), "{}", page.text);

    sign_in(&site.client, instance, "maria").await;
    let database = site.crawled().await;
    assert_mirrors(&database, &site.forge);
    assert_sound(&database);
    assert_eq!(database.texts("SELECT dedupe_key AS v FROM jobs WHERE state <> 'completed'"), [""; 0]);
    let refreshes = site.forge.grants();
    assert_eq!((refreshes.signed_in, refreshes.renewed, refreshes.reused), (2, 0, 0));
}

/// Two nodes and their crawlers use one account, and each refresh token is used once.
#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_renew_a_token_once() {
    let Some(server) = Server::shared() else { return };
    let url = server.create_database();
    let often = |system: System| system.with("TRAWL_FORGE__INCREMENTAL_SECONDS", "1");
    let (one, two) = (often(node(&url, "one")), often(node(&url, "two")));
    let forge = hasty_forge(5, 2);
    let first = one.supervise(&[]);
    let client = one.set_up().await;
    let second = two.supervise(&[]);
    let at_two = two.sign_in(USERNAME).await;
    let instance = register(&client, &forge).await;
    sign_in(&client, instance, "maria").await;
    // Both would do it: the second asks for what is due as often as the first one.
    eventually("the token is renewed several times", async || (forge.grants().renewed >= 5).then_some(())).await;
    assert_eq!(forge.grants().reused, 0, "a refresh token was used twice");
    let working = at_two.get("/api/accounts").await.json();
    assert_eq!(working[0]["working"], true, "{working}");
    let failed = at_two.get("/api/jobs?status=failed").await.json();
    assert_eq!(failed, json!([]));
    drop((first, second));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_belongs_to_who_began_it() {
    let site = Site::new(System::new(), forge(0.05)).await;
    let instance = register(&site.client, &site.forge).await;
    let database = site.system.database();
    database.change(
        "INSERT INTO users (username, password_hash, is_admin, created_at) \
                  SELECT 'other', password_hash, 0, created_at FROM users",
    );
    let other = site.system.sign_in("other").await;
    let body = json!({ "instance_url": site.forge.url(), "client_id": "x" });
    assert_eq!(other.post("/api/admin/applications", &body).await.status, 403);
    assert_eq!(other.get("/api/admin/applications").await.status, 403);

    // Somebody else's sign-in, brought to an unsuspecting browser.
    let back = agree(&site.client, instance, "maria").await;
    assert_eq!(other.get(&back).await.status, 422);
    // It was not taken from whoever began it, and serves once.
    assert_eq!(site.client.get(&back).await.status, 303);
    assert_eq!(site.client.get(&back).await.status, 422);
    let forged = |state: &str| {
        let query =
            form_urlencoded::Serializer::new(String::new()).extend_pairs([("state", state), ("code", "x")]).finish();
        format!("/auth/gitlab/callback?{query}")
    };
    assert_eq!(site.client.get(&forged("made up")).await.status, 422);
    let denied = agree(&site.client, instance, "").await;
    let told = site.client.get(&denied).await;
    assert!(told.status == 422 && told.text.contains("did not agree"), "{told:?}");
    assert_eq!(site.client.get("/auth/gitlab/999").await.status, 404);
    let accounts: Value = other.get("/api/accounts").await.json();
    assert_eq!(accounts, json!([]));

    // A wrong secret is told to whoever comes back.
    let wrong = json!({ "instance_url": site.forge.url(), "client_id": CLIENT_ID, "client_secret": "wrong" });
    assert_eq!(site.client.post("/api/admin/applications", &wrong).await.status, 204);
    let back = agree(&site.client, instance, "maria").await;
    let told = site.client.get(&back).await;
    assert!(told.status == 422 && told.text.contains("does not accept Trawl as an application"), "{told:?}");
    assert_eq!(site.client.delete(&format!("/api/admin/applications/{instance}")).await.status, 204);
    assert_eq!(site.client.get(&format!("/auth/gitlab/{instance}")).await.status, 404);
}
