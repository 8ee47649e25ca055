//! The pictures of the README, taken in mid-crawl. Not a test: `scripts/screenshots` runs it.

use super::{Chromium, signed_in};
use crate::harness::{Site, System, eventually};
use std::{path::Path, time::Duration};
use trawl_gitlab_sim::{Options, Sim};

const WIDTH: u32 = 1280;
const HEIGHT: u32 = 800;
/// Objects that are there when the pictures are taken: minutes of work.
const OBJECTS: i64 = 70_000;
const STEP: i64 = 2_000;

/// Far away and large, so that the crawl takes a while; and of today.
fn busy_forge() -> Sim {
    let options = Options {
        scale: 16.0,
        epoch: chrono::Utc::now(),
        moving: Some(Duration::from_secs(3)),
        latency: Duration::from_millis(400),
        rate_limit: 1_000_000,
        external_url: Some("https://gitlab.example.com".to_owned()),
        ..Options::default()
    };
    trawl_gitlab_sim::start(options).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes and changes docs/; scripts/screenshots runs it"]
async fn pictures_of_the_readme() {
    let site = Site::linked(System::new(), busy_forge()).await;
    let browser = signed_in(&site).await.expect("chromium and chromedriver are needed");
    browser.size(WIDTH, HEIGHT).await;
    browser.prefer("light").await;
    for objects in (0..=OBJECTS).step_by(usize::try_from(STEP).unwrap()) {
        site.committed(objects).await;
    }
    browser.open("/").await;
    let busy = "return [...document.querySelectorAll('.running progress')].filter((bar) => bar.value > 0.1 && \
                bar.value < 0.95).length >= 4";
    eventually("many jobs are in the middle", async || (browser.js(busy).await == true).then_some(())).await;
    save(&browser, "overview.png").await;
    let halfway = "for (const job of document.querySelectorAll('.running li')) {
        const { value } = job.querySelector('progress');
        const [, all] = job.querySelector('.figures').textContent.replaceAll(',', '').match(/of ([0-9]+)/) ?? [];
        if (all > 900 && value > 0.35 && value < 0.6) return job.querySelector('a').getAttribute('href');
    }";
    let job =
        eventually("a long job is half done", async || browser.js(halfway).await.as_str().map(str::to_owned)).await;
    browser.open(&job).await;
    browser.shows("[data-live-status]", "live").await;
    save(&browser, "job.png").await;
}

async fn save(browser: &Chromium, name: &str) {
    browser.screenshot(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name)).await;
}
