//! From the link of the first visit to an issue's notes, as a person goes; live, without a reload.

use super::{Chromium, sign_in};
use crate::harness::{Database, PASSWORD, System, USERNAME, distant_forge, eventually};
use serde_json::{Value, json};
use std::fs;
use trawl_gitlab_sim::MARIA_TOKEN;

/// Set on `window`. A page that is loaded anew has forgotten it.
const MARK: &str = "window.notReloaded = true";
/// Notes all values of all progress bars, by job.
const WATCH_BARS: &str = "
    window.bars = {};
    const note = () => {
        for (const bar of document.querySelectorAll('progress[data-job-progress]')) {
            const values = (window.bars[bar.dataset.jobProgress] ??= []);
            if (values.at(-1) !== bar.value) values.push(bar.value);
        }
    };
    note();
    new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributes: true });";
/// The longest list of values.
const LONGEST: &str = "return Object.values(window.bars).sort((a, b) => b.length - a.length)[0] ?? []";

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sets_up_links_an_account_and_watches_it_come_in() {
    let system = System::new();
    // So much and so far away that the crawl is under way for as long as somebody looks.
    let forge = distant_forge(2.0, 100);
    let _supervisor = system.supervise(&[]);
    let Some(browser) = Chromium::start(&system.url().await).await else { return };
    set_up(&browser, fs::read_to_string(system.path("run/first-visit")).unwrap().trim()).await;
    come_back(&browser).await;
    link(&browser, &forge.url()).await;
    watch_the_overview(&browser).await;
    watch_a_job(&browser).await;
    explore(&browser, &system.database()).await;
    let refused = |line: &&String| !["401", "422"].iter().any(|status| line.contains(&format!("status of {status}")));
    let complaints = browser.complaints().await;
    assert_eq!(complaints.iter().filter(refused).collect::<Vec<_>>(), Vec::<&String>::new());
}

async fn set_up(browser: &Chromium, link: &str) {
    browser.open(link).await;
    let submit = async |password: &str, repeated: &str| {
        browser.fill("#username", USERNAME).await;
        browser.fill("#password", password).await;
        browser.fill("#password_repeat", repeated).await;
        browser.click("main button[type=submit]").await;
    };
    submit("short", "short").await;
    assert_eq!(browser.js("return document.querySelector('#password').validity.tooShort").await, true);
    // The browser holds it back. Past that, the website says it.
    browser.js("document.querySelector('form').noValidate = true").await;
    submit("short", "shorter").await;
    browser.shows("#password_error", "Use at least 10 characters.").await;
    browser.shows("#repeat_error", "The two passwords differ.").await;
    is_beside(browser, "#password", "#password_error").await;
    is_beside(browser, "#password_repeat", "#repeat_error").await;
    submit(PASSWORD, PASSWORD).await;
    browser.arrives("/accounts").await;
}

/// An error stands right below its field, and a screen reader says it with the field.
async fn is_beside(browser: &Chromium, field: &str, error: &str) {
    let script = format!(
        "const [field, error] = [document.querySelector({}), document.querySelector({})];
         const gap = error.getBoundingClientRect().top - field.getBoundingClientRect().bottom;
         return {{ near: gap >= 0 && gap < 24, invalid: field.getAttribute('aria-invalid'),
                   said: field.getAttribute('aria-describedby').split(' ').includes(error.id) }}",
        json!(field),
        json!(error)
    );
    assert_eq!(browser.js(&script).await, json!({ "near": true, "invalid": "true", "said": true }), "{error}");
}

async fn come_back(browser: &Chromium) {
    browser.click("details.menu summary").await;
    browser.click("details.menu button").await;
    browser.arrives("/sign-in").await;
    sign_in(browser, "wrong horse battery").await;
    browser.shows("[role=alert]", "The name or the password is wrong.").await;
    sign_in(browser, PASSWORD).await;
    browser.arrives("/").await;
}

async fn link(browser: &Chromium, gitlab: &str) {
    browser.shows("main", "No account is linked yet.").await;
    browser.click("main a.button").await;
    browser.arrives("/accounts").await;
    let submit = async |token: &str| {
        browser.fill("#instance_url", gitlab).await;
        browser.fill("#token", token).await;
        browser.click(".form button[type=submit]").await;
    };
    submit("glpat-nobody").await;
    browser.shows("#token_error", "does not accept this token").await;
    is_beside(browser, "#token", "#token_error").await;
    submit(MARIA_TOKEN).await;
    browser.shows(".accounts", "maria").await;
    browser.js(MARK).await;
    browser.shows(".accounts", "Token works").await;
    stayed(browser).await;
}

async fn stayed(browser: &Chromium) {
    assert_eq!(browser.js("return window.notReloaded").await, true, "the page was loaded anew");
}

fn numbers(values: &Value) -> Vec<f64> {
    values.as_array().unwrap().iter().filter_map(Value::as_f64).collect()
}

async fn watch_the_overview(browser: &Chromium) {
    browser.click(".rail a[href='/']").await;
    browser.arrives("/").await;
    browser.js(MARK).await;
    browser.js(WATCH_BARS).await;
    let mut issues = Vec::new();
    eventually("the number of issues grows three times", async || {
        let text = browser.text("[data-fragment=totals] [data-key=issue] dd").await?;
        let count: u32 = text.replace(',', "").parse().unwrap();
        if issues.last() != Some(&count) {
            issues.push(count);
        }
        (issues.len() > 3).then_some(())
    })
    .await;
    assert!(issues.is_sorted(), "{issues:?}");
    eventually("a bar moves", async || (numbers(&browser.js(LONGEST).await).len() > 2).then_some(())).await;
    stayed(browser).await;
}

/// The page of a job that has far to go.
async fn watch_a_job(browser: &Chromium) {
    let far = "for (const job of document.querySelectorAll('.running li')) {
        const [, done, all] = (job.querySelector('.figures').textContent.match(/([0-9,]+) of ([0-9,]+)/) ?? [])
            .map((text) => Number(text.replace(',', '')));
        if (all - done >= 300) return job.querySelector('a').getAttribute('href');
    }";
    let job = eventually("a long job runs", async || browser.js(far).await.as_str().map(str::to_owned)).await;
    browser.open(&job).await;
    browser.js(MARK).await;
    browser.js(WATCH_BARS).await;
    let look = async || Some(numbers(&browser.js(LONGEST).await)).filter(|values| values.len() > 2);
    let values = eventually("the bar moves", look).await;
    assert!(values.is_sorted(), "a bar went back: {values:?}");
    browser.shows("[data-fragment=state] .pill", "completed").await;
    browser.shows("[data-fragment=attempts] tbody", "completed").await;
    stayed(browser).await;
}

async fn explore(browser: &Chromium, database: &Database) {
    // The issue with most to show. One statement, because the crawl goes on.
    let most = "SELECT r.area_id || ' ' || r.id || ' ' || r.iid AS v FROM resources r WHERE r.kind = 'issue' ORDER BY \
                (SELECT count(*) FROM resources n WHERE n.kind = 'note' AND n.parent_kind = 'issue' \
                AND n.parent_id = r.gitlab_id) DESC LIMIT 1";
    let found = database.texts(most).remove(0);
    let [project, id, iid] = found.split(' ').collect::<Vec<_>>().try_into().unwrap();
    browser.click(".rail a[href='/explore']").await;
    browser.arrives("/explore").await;
    browser.click(&format!("main a[href='/explore/project/{project}']")).await;
    browser.arrives(&format!("/explore/project/{project}")).await;
    browser.fill("main .search input[type=search]", iid).await;
    browser.click("main .search button").await;
    let issue = format!("main a[href='/explore/issue/{id}']");
    eventually("the issue is found", async || browser.text(&issue).await).await;
    browser.click(&issue).await;
    browser.arrives(&format!("/explore/issue/{id}")).await;
    let notes = browser.js("return document.querySelectorAll('.notes > li').length").await;
    assert!(notes.as_u64() > Some(0), "no notes are shown");
}
