//! What others have written is text, whatever it looks like.

use super::{Chromium, signed_in};
use crate::harness::{Site, System, forge};
use serde_json::json;

/// Marks that would do something if they were taken for markup.
const TRICKS: [&str; 5] = ["<script>", "onerror=", "onload=", "javascript:", "{{7*7}}"];
/// What only text of others could have brought into a page.
const INJECTED: &str = "return [...document.querySelectorAll(
    'main :is(script, img, iframe, object, embed, base, style, textarea), [onload], [onerror], [onclick], [style], ' +
    'a[href^=\"javascript:\" i]')].map((element) => element.outerHTML)";

#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_is_shown_as_text() {
    let site = Site::linked(System::new(), forge(0.3)).await;
    let Some(browser) = signed_in(&site).await else { return };
    let database = site.crawled().await;
    let mut seen = 0;
    for trick in TRICKS {
        let like = format!("LIKE '%{trick}%'");
        let titled = format!(
            "SELECT kind || '/' || id AS v FROM resources WHERE kind IN ('issue', 'merge_request') AND title {like} LIMIT 2"
        );
        for page in database.texts(&titled) {
            browser.open(&format!("/explore/{page}")).await;
            browser.shows("h1", trick).await;
            is_harmless(&browser).await;
            seen += 1;
        }
        let noted = format!(
            "SELECT r.kind || '/' || r.id AS v FROM resources r JOIN resources n ON n.parent_kind = r.kind AND \
             n.parent_id = r.gitlab_id WHERE n.kind = 'note' AND n.payload {like} LIMIT 2"
        );
        for page in database.texts(&noted) {
            browser.open(&format!("/explore/{page}")).await;
            browser.shows(".notes", trick).await;
            is_harmless(&browser).await;
            seen += 1;
        }
        let listed = format!("SELECT area_id AS v FROM resources WHERE kind = 'issue' AND title {like} LIMIT 1");
        for project in database.texts(&listed.replace("area_id AS v", "CAST(area_id AS TEXT) AS v")) {
            browser.open(&format!("/explore/project/{project}?q={}", encoded(trick))).await;
            browser.shows("main table", trick).await;
            is_harmless(&browser).await;
            seen += 1;
        }
        for page in ["/explore?q=", "/jobs?q="] {
            browser.open(&format!("{page}{}", encoded(&format!("\">{trick}")))).await;
            is_harmless(&browser).await;
        }
    }
    assert!(seen >= 10, "only {seen} hostile texts were there to see");
    assert_eq!(browser.complaints().await, Vec::<String>::new());
}

/// A dialog would have made the command fail.
async fn is_harmless(browser: &Chromium) {
    assert_eq!(browser.js(INJECTED).await, json!([]), "{}", browser.place().await);
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
