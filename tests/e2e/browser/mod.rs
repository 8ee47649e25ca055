//! What a person sees, in a real browser.

mod chromium;
mod driver;
mod hostile;
mod journey;
mod layout;
mod restart;
mod screenshots;

use crate::harness::{PASSWORD, Site, USERNAME};
use chromium::Chromium;

/// A browser in which the administrator of this site is signed in.
async fn signed_in(site: &Site) -> Option<Chromium> {
    let browser = Chromium::start(&site.system.url().await).await?;
    browser.open("/sign-in").await;
    sign_in(&browser, PASSWORD).await;
    browser.arrives("/").await;
    Some(browser)
}

async fn sign_in(browser: &Chromium, password: &str) {
    browser.fill("#username", USERNAME).await;
    browser.fill("#password", password).await;
    browser.click("main button[type=submit]").await;
}
