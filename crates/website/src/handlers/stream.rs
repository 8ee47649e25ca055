//! Live updates: what changes, as server-sent events.
//!
//! A browser that comes back with a `Last-Event-ID` gets what came after it. One that has missed more than is kept, or is
//! too slow to follow, is told to load everything anew (`resync`).

use crate::{
    answer::ApiError,
    app::App,
    events::{Event, Subscription},
    session::ApiUser,
};
use actix_sse::{Data as SseData, Event as SseEvent, Sse};
use actix_web::{HttpRequest, Responder, web::Data};
use futures_util::{StreamExt as _, stream};
use std::{convert::Infallible, time::Duration};
use tokio_stream::wrappers::{BroadcastStream, errors::BroadcastStreamRecvError};

/// So often something is sent, so that nobody between us takes the silence for an end.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A stream ends after this, so that a browser comes back and its session is looked at again.
const LIFETIME: Duration = Duration::from_mins(10);
/// When a browser that lost us tries again.
const RETRY: Duration = Duration::from_secs(1);

/// `GET /api/jobs/stream`.
///
/// # Errors
/// Nobody is signed in.
#[utoipa::path(
    get,
    path = "/api/jobs/stream",
    operation_id = "stream",
    tag = "jobs",
    responses(
        (status = 200, description = "What changes, as server-sent events", body = String, content_type = "text/event-stream"),
    ),
)]
pub async fn show(app: Data<App>, user: ApiUser, request: HttpRequest) -> Result<impl Responder, ApiError> {
    let seen =
        request.headers().get("last-event-id").and_then(|id| id.to_str().ok()).and_then(|id| id.parse::<u64>().ok());
    let Subscription { missed, last, events } = app.hub.subscribe(seen);
    let scope = user.0.job_scope();
    let shown = move |Event { id, name, data, user, .. }: Event| {
        let is_theirs = user.is_some_and(|of| scope.is_some_and(|me| me != of));
        (!is_theirs).then(|| event(name, &data, id))
    };
    let first: Vec<SseEvent> = match (missed, seen) {
        // Names the place in the stream.
        (Some(_), None) => vec![event("hello", "{}", last)],
        (Some(missed), Some(_)) => missed.into_iter().filter_map(&shown).collect(),
        (None, _) => vec![event("resync", "{}", last)],
    };
    let hub = app.hub.clone();
    let events = BroadcastStream::new(events).filter_map(move |next| {
        let sent = match next {
            Ok(event) => shown(event),
            Err(BroadcastStreamRecvError::Lagged(_)) => Some(event("resync", "{}", hub.last_id())),
        };
        async move { sent.map(Ok::<_, Infallible>) }
    });
    let stopping = app.stopping.clone();
    let over = async move {
        tokio::time::timeout(LIFETIME, stopping.cancelled()).await.ok();
    };
    let all = stream::iter(first.into_iter().map(Ok::<_, Infallible>)).chain(events).take_until(over);
    Ok(Sse::from_stream(all.boxed()).with_keep_alive(KEEP_ALIVE).with_retry_duration(RETRY))
}

fn event(name: &'static str, data: &str, id: u64) -> SseEvent {
    SseEvent::Data(SseData::new(data).event(name).id(id.to_string()))
}
