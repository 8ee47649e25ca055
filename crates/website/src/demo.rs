//! The demo: a user who exists at once, with an account at the simulated GitLab.

use crate::{app::App, first_visit::Purpose, link, oauth, password, token};
use std::time::Duration;
use trawl_store::users;

/// Base URL of the simulated GitLab; set by `supervisor start --demo`.
pub const GITLAB_ENV: &str = "TRAWL_DEMO_GITLAB_URL";
/// A token that the simulator knows.
const TOKEN: &str = "glpat-demo-maria-0000000000";
/// The application that it knows.
const CLIENT_ID: &str = "trawl-demo-application";
const CLIENT_SECRET: &str = "gloas-demo-secret";
const ATTEMPTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(200);

/// Creates the demo's user, makes their link, and links their account as soon as the simulator answers.
///
/// # Errors
/// In words.
pub async fn prepare(app: &App, gitlab: String) -> Result<String, anyhow::Error> {
    let existing = app.db.read(|conn| users::by_name(conn, "demo")).await?;
    let user = if let Some(user) = existing {
        user.id()
    } else {
        // Nobody knows it: the link is the only way in.
        let hash = password::hash(token::random().into()).await.map_err(anyhow::Error::msg)?;
        app.db.write(move |conn| users::create(conn, "demo", &hash, true)).await?
    };
    // So that one can see how people sign in there.
    let secret = Some(CLIENT_SECRET.into());
    oauth::register(app, user, &gitlab, CLIENT_ID, secret).await.map_err(anyhow::Error::msg)?;
    let url = app.first_visit.offer(Purpose::Demo(user), &app.settings.server.url(), &app.settings.runtime_dir())?;
    let app = app.clone();
    tokio::spawn(async move {
        for attempt in 1..=ATTEMPTS {
            match link::link(&app, user, &gitlab, TOKEN.into()).await {
                Ok(_) => return,
                Err(error) if attempt == ATTEMPTS => tracing::error!(%error, "the demo's account cannot be linked"),
                Err(error) => tracing::debug!(%error, "the simulated GitLab does not answer yet"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
    Ok(url)
}
