//! Narrow screens, dark rooms and people without a mouse.

use super::{Chromium, signed_in};
use crate::harness::{Database, Site, System, forge};

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

#[tokio::test(flavor = "multi_thread")]
async fn pages_fit_a_phone_can_be_dark_and_need_no_mouse() {
    let site = Site::linked(System::new(), forge(0.3)).await;
    let Some(browser) = signed_in(&site).await else { return };
    let database = site.crawled().await;
    browser.size(375, 812).await;
    for page in pages(&database) {
        browser.open(&page).await;
        fits(&browser, &page).await;
    }
    browser.size(1280, 800).await;
    dark_is_remembered(&browser).await;
    first_tab_skips(&browser).await;
    browser.open("/nothing-here").await;
    browser.shows("h1", "There is nothing here").await;
    browser.size(375, 812).await;
    fits(&browser, "an error").await;
    let complaints = browser.complaints().await;
    assert!(complaints.iter().all(|line| line.contains("status of 404")), "{complaints:#?}");
}

fn pages(database: &Database) -> Vec<String> {
    let mut pages: Vec<String> =
        ["/", "/jobs", "/jobs?state=failed", "/explore", "/explore?q=gate", "/explore?q=zz", "/accounts", "/admin"]
            .map(str::to_owned)
            .into();
    for (page, rows) in [
        ("/jobs/", "SELECT id AS v FROM jobs GROUP BY kind"),
        ("/explore/group/", "SELECT CAST(id AS TEXT) AS v FROM areas WHERE kind = 'group' LIMIT 3"),
        ("/explore/project/", "SELECT CAST(id AS TEXT) AS v FROM areas WHERE kind = 'project' LIMIT 5"),
        // The one with the longest word in its title, and the one with most to say.
        (
            "/explore/issue/",
            "SELECT CAST(id AS TEXT) AS v FROM resources WHERE kind = 'issue' AND title LIKE '%wwwwwwww%' LIMIT 1",
        ),
        (
            "/explore/issue/",
            "SELECT CAST(id AS TEXT) AS v FROM resources WHERE kind = 'issue' ORDER BY length(payload) DESC LIMIT 1",
        ),
        ("/explore/merge_request/", "SELECT CAST(id AS TEXT) AS v FROM resources WHERE kind = 'merge_request' LIMIT 1"),
        (
            "/explore/project/",
            "SELECT area_id || '?q=wwwwwwww' AS v FROM resources WHERE kind = 'issue' AND title LIKE '%wwwwwwww%' LIMIT 1",
        ),
    ] {
        let found = database.texts(rows);
        pages.extend(found.into_iter().map(|rest| format!("{page}{rest}")));
    }
    pages
}

/// The page itself is never scrolled sideways; a wide table scrolls in a box of its own.
async fn fits(browser: &Chromium, page: &str) {
    let widths = browser.js("return [document.documentElement.scrollWidth, innerWidth]").await;
    assert!(widths[0].as_u64() <= widths[1].as_u64(), "{page} is wider than the window: {widths}");
}

async fn dark_is_remembered(browser: &Chromium) {
    let ground = "return getComputedStyle(document.body).backgroundColor";
    browser.prefer("light").await;
    browser.open("/").await;
    let light = browser.js(ground).await;
    browser.click("[data-theme-toggle]").await;
    let dark = browser.js(ground).await;
    assert_ne!(light, dark, "the toggle changes nothing");
    browser.open("/jobs").await;
    assert_eq!(browser.js(ground).await, dark, "the choice is forgotten");
    browser.click("[data-theme-toggle]").await;
    assert_eq!(browser.js(ground).await, light);
    browser.js("localStorage.clear()").await;
    browser.prefer("dark").await;
    browser.open("/jobs").await;
    assert_eq!(browser.js(ground).await, dark, "what the system prefers is not followed");
    browser.prefer("light").await;
}

async fn first_tab_skips(browser: &Chromium) {
    browser.open("/jobs").await;
    browser.press(TAB).await;
    let focused = "const at = document.activeElement.getBoundingClientRect();
        return document.activeElement.className + (at.top >= 0 && at.left >= 0 && at.width > 1 ? ' in sight' : '')";
    assert_eq!(browser.js(focused).await, "skip in sight");
    browser.press(ENTER).await;
    assert_eq!(browser.js("return document.activeElement.id").await, "main");
}
