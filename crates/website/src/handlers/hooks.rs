//! `POST /hooks/gitlab/{instance}`: an instance tells that something has changed.

use crate::{
    app::App,
    hooks::{self, Hint},
    manager::plan,
    token,
};
use actix_web::{
    HttpRequest, HttpResponse,
    http::StatusCode,
    web::{Bytes, Data, Path},
};
use serde_json::json;
use subtle::ConstantTimeEq as _;
use trawl_jobs::InstanceId;
use trawl_store::{Conn, StoreError, accounts, areas, sync, webhooks};

/// Largest event that is read. Bytes.
pub const LIMIT: usize = 4 * 1024 * 1024;

/// Takes an event. GitLab switches a hook off that answers badly, so whoever is believed is told that all is well, unless
/// nothing could be written down.
pub async fn take(app: Data<App>, request: HttpRequest, instance: Path<i64>, body: Bytes) -> HttpResponse {
    let instance = InstanceId(instance.into_inner());
    let known = match app.db.read(move |conn| webhooks::get(conn, instance)).await {
        Ok(known) => known,
        Err(error) => return broken(&error),
    };
    let said = request.headers().get("x-gitlab-token").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let believed = known.is_some_and(|known| token::hash(said).as_bytes().ct_eq(known.secret_hash.as_bytes()).into());
    if !believed {
        app.metrics.hook("-", "refused");
        let detail = "the secret token is not the one that the page Admin has shown for this instance";
        return answer(StatusCode::UNAUTHORIZED, &json!({ "detail": detail }));
    }
    let hint = match hooks::read(&body) {
        Ok(hint) => hint,
        Err(error) => {
            app.metrics.hook("-", "refused");
            return answer(StatusCode::BAD_REQUEST, &json!({ "detail": format!("this is no event: {error}") }));
        }
    };
    let Some(hint) = hint else {
        app.metrics.hook("-", "ignored");
        return answer(StatusCode::OK, &json!({ "jobs": 0 }));
    };
    let (rules, event) = (app.rules, hint.event);
    match app.db.write(move |conn| follow(conn, &rules, instance, &hint)).await {
        Ok(jobs) => {
            app.metrics.hook(event, "used");
            tracing::debug!(event, jobs, "an instance tells of a change");
            if jobs > 0 {
                app.dispatcher.wake();
                app.hub.jobs();
            }
            answer(StatusCode::OK, &json!({ "jobs": jobs }))
        }
        Err(error) => broken(&error),
    }
}

/// Does what an event leads to; returns how many jobs are new.
fn follow(
    conn: &mut Conn<'_>,
    rules: &crate::manager::Rules,
    instance: InstanceId,
    hint: &Hint,
) -> Result<usize, StoreError> {
    webhooks::told(conn, instance)?;
    let mut made = 0;
    if hint.reach {
        for account in accounts::of_instance(conn, instance)? {
            made += usize::from(plan::handle_changed_reach(conn, rules, &account)?.is_some());
        }
    }
    if let Some((kind, id)) = hint.area
        && let Some(area) = areas::by_gitlab_id(conn, instance, kind, id)?
        && sync::want(conn, area.id(), hint.kinds)? > 0
    {
        made += plan::handle_wanted(conn, rules, &area)?;
    }
    Ok(made)
}

fn broken(error: &StoreError) -> HttpResponse {
    tracing::error!(%error, "an event cannot be written down");
    answer(StatusCode::SERVICE_UNAVAILABLE, &json!({ "detail": "try again later; the log says why" }))
}

fn answer(status: StatusCode, body: &serde_json::Value) -> HttpResponse {
    HttpResponse::build(status).json(body)
}
