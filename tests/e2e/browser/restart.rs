//! The website dies under a page that somebody looks at.

use super::signed_in;
use crate::harness::{Site, System, eventually, forge};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use trawl_gitlab_sim::Change;

#[tokio::test(flavor = "multi_thread")]
async fn a_page_outlives_the_website() {
    let system = System::new().with("TRAWL_FORGE__INCREMENTAL_SECONDS", "1").with("TRAWL_FORGE__OVERLAP_SECONDS", "1");
    let site = Site::linked(system, forge(0.05)).await;
    let Some(browser) = signed_in(&site).await else { return };
    let issues = async || browser.text("[data-fragment=totals] [data-key=issue] dd").await;
    let all = site.forge.counts().issues;
    eventually("the first pass is seen", async || (issues().await? == all.to_string()).then_some(())).await;
    browser.shows("[data-live-status]", "live").await;
    // What is said, in order: a state may be too short to be seen by looking again and again.
    browser
        .js("window.said = []; const status = document.querySelector('[data-live-status]');
             new MutationObserver(() => said.at(-1) !== status.textContent && said.push(status.textContent))
                 .observe(status, { childList: true, characterData: true, subtree: true })")
        .await;

    let pid = site.system.is("website", "running").await["pid"].as_i64().unwrap();
    kill(Pid::from_raw(i32::try_from(pid).unwrap()), Signal::SIGKILL).unwrap();
    let said =
        async || (browser.js("return window.said").await == serde_json::json!(["reconnecting", "live"])).then_some(());
    eventually("the page says that it reconnects, and that it is live again", said).await;

    assert_eq!(site.forge.advance(20, Some(Change::NewIssue)).len(), 20);
    let more = (all + 20).to_string();
    eventually("the page goes on", async || (issues().await? == more).then_some(())).await;
    assert!(browser.js("return window.said").await.is_array(), "the page was loaded anew");
    let complaints = browser.complaints().await;
    assert!(complaints.iter().all(|line| line.contains("net::ERR_")), "{complaints:#?}");
}
