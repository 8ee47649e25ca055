//! A headless Chromium, driven as a person would use it.

use super::driver::Driver;
use crate::harness::eventually;
use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::Method;
use serde_json::{Value, json};
use std::{path::Path, time::Duration};

/// The key under which `WebDriver` names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const FLAGS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// Fields are dropped in this order: the browser ends before its files go.
#[derive(Debug)]
pub(crate) struct Chromium {
    driver: Driver,
    http: reqwest::Client,
    session: String,
    base: String,
    _profile: tempfile::TempDir,
}

impl Chromium {
    /// A fresh one, for the site at `base`. None where there is no Chromium.
    pub(crate) async fn start(base: &str) -> Option<Self> {
        let driver = Driver::start()?;
        rustls::crypto::ring::default_provider().install_default().ok();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_mins(1)).build().unwrap();
        let profile = tempfile::tempdir().unwrap();
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).into();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        let capabilities = json!({
            // A dialog that opens stays open, and fails whatever comes next.
            "unhandledPromptBehavior": "ignore",
            "goog:loggingPrefs": { "browser": "ALL" },
            "goog:chromeOptions": { "args": flags },
        });
        let mut chromium = Self { session: driver.url(), driver, http, base: base.to_owned(), _profile: profile };
        let wanted = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let session = chromium.send(Method::POST, "/session", wanted).await;
        chromium.session = format!("{}/session/{}", chromium.driver.url(), session["sessionId"].as_str().unwrap());
        chromium.size(1280, 800).await;
        Some(chromium)
    }

    /// Opens a page of the site, or a whole address.
    pub(crate) async fn open(&self, page: &str) {
        let url = if page.starts_with("http") { page.to_owned() } else { format!("{}{page}", self.base) };
        self.send(Method::POST, "/url", json!({ "url": url })).await;
    }

    /// Path and query of the page.
    pub(crate) async fn place(&self) -> String {
        self.js("return location.pathname + location.search").await.as_str().unwrap().to_owned()
    }

    /// Waits for a page of the site.
    pub(crate) async fn arrives(&self, page: &str) {
        let there = async || {
            let ready = self.js("return document.readyState === 'complete'").await == json!(true);
            (ready && self.place().await == page).then_some(())
        };
        eventually(&format!("the browser is at {page}"), there).await;
    }

    /// What a script returns.
    pub(crate) async fn js(&self, script: &str) -> Value {
        self.send(Method::POST, "/execute/sync", json!({ "script": script, "args": [] })).await
    }

    /// The text of the first element that a selector finds.
    pub(crate) async fn text(&self, selector: &str) -> Option<String> {
        let script = format!("return document.querySelector({})?.textContent.trim() ?? null", json!(selector));
        self.js(&script).await.as_str().map(str::to_owned)
    }

    /// Waits until an element holds a text.
    pub(crate) async fn shows(&self, selector: &str, text: &str) {
        let look = async || self.text(selector).await.filter(|shown| shown.contains(text));
        eventually(&format!("{selector} shows “{text}”"), look).await;
    }

    /// Clicks where a person would.
    pub(crate) async fn click(&self, selector: &str) {
        let element = self.element(selector).await;
        self.send(Method::POST, &format!("/element/{element}/click"), json!({})).await;
    }

    /// Types into a field, in place of what is there.
    pub(crate) async fn fill(&self, selector: &str, text: &str) {
        let element = self.element(selector).await;
        self.send(Method::POST, &format!("/element/{element}/clear"), json!({})).await;
        self.send(Method::POST, &format!("/element/{element}/value"), json!({ "text": text })).await;
    }

    /// Presses keys where the focus is; `WebDriver` has letters of its own for keys such as Tab.
    pub(crate) async fn press(&self, keys: &str) {
        let presses =
            |key: char| [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })];
        let actions: Vec<Value> = keys.chars().flat_map(presses).collect();
        let keyboard = json!({ "type": "key", "id": "keyboard", "actions": actions });
        self.send(Method::POST, "/actions", json!({ "actions": [keyboard] })).await;
    }

    /// The size of the page in pixels, without any frame.
    pub(crate) async fn size(&self, width: u32, height: u32) {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// What the system prefers: `light` or `dark`.
    pub(crate) async fn prefer(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// What the browser has complained of since the last time: errors of scripts, blocked content, failed requests.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let entries = self.send(Method::POST, "/se/log", json!({ "type": "browser" })).await;
        let grave = |entry: &&Value| entry["level"] == "SEVERE" || entry["source"] == "security";
        entries.as_array().unwrap().iter().filter(grave).map(|entry| entry["message"].to_string()).collect()
    }

    /// Saves what is seen as PNG.
    pub(crate) async fn screenshot(&self, path: &Path) {
        let shot = self.send(Method::GET, "/screenshot", Value::Null).await;
        std::fs::write(path, BASE64_STANDARD.decode(shot.as_str().unwrap()).unwrap()).unwrap();
    }

    async fn element(&self, selector: &str) -> String {
        let wanted = json!({ "using": "css selector", "value": selector });
        let found = self.send(Method::POST, "/element", wanted).await;
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    async fn devtools(&self, command: &str, parameters: Value) {
        self.send(Method::POST, "/goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await;
    }

    async fn send(&self, method: Method, command: &str, body: Value) -> Value {
        let mut request = self.http.request(method, format!("{}{command}", self.session));
        if !body.is_null() {
            request = request.json(&body);
        }
        let mut answer: Value = request.send().await.unwrap().json().await.unwrap();
        let error = &answer["value"]["error"];
        assert!(error.is_null(), "{command} {body}: {error}: {}", answer["value"]["message"]);
        answer["value"].take()
    }
}
